// The parsed contents behind a CertificateSet, for those who make contexts of them.
// Owned by its CertificateSet; const once loaded.
// Any thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/file_stamp.h"
#include "proxy/net/certificate_names.h"
#include "proxy/net/certificate_traits.h"
#include "proxy/net/openssl_ptr.h"
#include "proxy/net/tls_context.h"

namespace headgate::proxy::net {

struct CertificateParts {
  std::string cert_file;
  std::string key_file;
  // Before they were read; taken anew when they were read again and had not changed. Control thread only.
  mutable base::FileStamp cert_stamp;
  mutable base::FileStamp key_stamp;
  std::string digest;  // of both files' contents
  std::vector<X509Ptr> chain;
  KeyPtr key;
};

struct CertificateSet::Impl {
  std::vector<std::shared_ptr<const CertificateParts>> parts;  // shared with the sets before
  std::vector<CertificateTraits> traits;                       // as parts
  CertificateNames names;
};

}  // namespace headgate::proxy::net
