#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/crypto/crypto.h"
#include "proxy/net/certificate_parts.h"
#include "proxy/net/client_offer.h"
#include "proxy/net/pem.h"
#include "proxy/net/tls_context.h"

namespace headgate::proxy::net {

namespace {

std::string NameText(const X509_NAME* name) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253 & ~static_cast<unsigned long>(ASN1_STRFLGS_ESC_MSB));
  char* text = nullptr;
  const long length = BIO_get_mem_data(bio.get(), &text);
  return length > 0 ? std::string(text, static_cast<size_t>(length)) : std::string();
}

std::chrono::sys_seconds TimeOf(const ASN1_TIME* time) {
  std::tm fields{};
  if (ASN1_TIME_to_tm(time, &fields) != 1) return {};
  return std::chrono::sys_seconds(std::chrono::seconds(::timegm(&fields)));
}

std::string FingerprintOf(const X509* certificate) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int length = 0;
  if (X509_digest(certificate, EVP_sha256(), digest, &length) != 1) return {};
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (unsigned int i = 0; i < length; ++i) {
    text += kDigits[digest[i] >> 4];
    text += kDigits[digest[i] & 15];
  }
  return text;
}

std::vector<std::string> DnsNamesOf(const X509* certificate) {
  std::vector<std::string> names;
  auto* general = static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(general); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(general, i);
    if (name->type != GEN_DNS) continue;
    const auto* text = reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName));
    const std::string_view view(text, static_cast<size_t>(ASN1_STRING_length(name->d.dNSName)));
    // A name with a zero byte within is a forgery's.
    if (!view.empty() && view.find('\0') == std::string_view::npos) {
      names.push_back(absl::AsciiStrToLower(absl::string_view(view.data(), view.size())));
    }
  }
  GENERAL_NAMES_free(general);
  return names;
}

CertificateInfo InfoOf(const X509* certificate, const std::string& cert_file, base::WallTime now) {
  CertificateInfo info;
  info.cert_file = cert_file;
  info.names = DnsNamesOf(certificate);
  info.subject = NameText(X509_get_subject_name(certificate));
  info.issuer = NameText(X509_get_issuer_name(certificate));
  info.fingerprint_sha256 = FingerprintOf(certificate);
  info.not_before = TimeOf(X509_get0_notBefore(certificate));
  info.not_after = TimeOf(X509_get0_notAfter(certificate));
  info.expired = info.not_after < std::chrono::floor<std::chrono::seconds>(now);
  return info;
}

// `before`: of the same files, or null.
absl::StatusOr<std::shared_ptr<const CertificateParts>> LoadOne(CertificateParts parts,
                                                                const std::shared_ptr<const CertificateParts>& before) {
  const std::string& cert_file = parts.cert_file;
  const std::string& key_file = parts.key_file;
  absl::StatusOr<std::string> cert_text = ReadWholeFile(cert_file);
  if (!cert_text.ok()) return cert_text.status();
  absl::StatusOr<std::string> key_text = ReadWholeFile(key_file);
  if (!key_text.ok()) return key_text.status();
  parts.digest = absl::StrCat(base::Sha256Hex(*cert_text), base::Sha256Hex(*key_text));
  if (before != nullptr && before->digest == parts.digest) {
    OPENSSL_cleanse(key_text->data(), key_text->size());
    before->cert_stamp = parts.cert_stamp;
    before->key_stamp = parts.key_stamp;
    return before;
  }
  absl::StatusOr<std::vector<X509Ptr>> chain = ParseCertificates(*cert_text, cert_file);
  if (!chain.ok()) return chain.status();
  parts.chain = *std::move(chain);
  absl::StatusOr<KeyPtr> key = ParsePrivateKey(*key_text, key_file);
  OPENSSL_cleanse(key_text->data(), key_text->size());
  if (!key.ok()) return key.status();
  parts.key = *std::move(key);
  // A trial, so that a key too weak for the security level is found now.
  const SslContextPtr trial(SSL_CTX_new(TLS_server_method()));
  if (trial == nullptr) return absl::InternalError(absl::StrCat("OpenSSL: ", TakeOpensslReason()));
  const absl::Status usable = UseCertificate(trial.get(), parts.chain, parts.key.get(), cert_file, key_file);
  if (!usable.ok()) return usable;
  return std::make_shared<const CertificateParts>(std::move(parts));
}

// What the files hold now: `previous` has it if they did not change.
absl::StatusOr<std::shared_ptr<const CertificateParts>> PartsOf(
    const routing::CertificateFiles& files, std::span<const std::shared_ptr<const CertificateParts>> previous,
    base::WallTime now) {
  CertificateParts fresh{.cert_file = files.cert_file,
                         .key_file = files.key_file,
                         .cert_stamp = base::FileStamp::Of(files.cert_file, now),
                         .key_stamp = base::FileStamp::Of(files.key_file, now),
                         .digest = {},
                         .chain = {},
                         .key = {}};
  const auto known = std::find_if(previous.begin(), previous.end(), [&](const auto& before) {
    return before->cert_file == fresh.cert_file && before->key_file == fresh.key_file;
  });
  const std::shared_ptr<const CertificateParts> before = known == previous.end() ? nullptr : *known;
  const bool holds =
      before != nullptr && before->cert_stamp.Holds(fresh.cert_stamp) && before->key_stamp.Holds(fresh.key_stamp);
  return holds ? before : LoadOne(std::move(fresh), before);
}

absl::Status CheckChainFile(const std::string& path) {
  const absl::StatusOr<std::string> text = ReadWholeFile(path);
  return text.ok() ? ParseCertificates(*text, path).status() : text.status();
}

absl::Status CheckKeyFile(const std::string& path) {
  absl::StatusOr<std::string> text = ReadWholeFile(path);
  if (!text.ok()) return text.status();
  const absl::Status status = ParsePrivateKey(*text, path).status();
  OPENSSL_cleanse(text->data(), text->size());
  return status;
}

int64_t UnixSeconds(base::WallTime time) noexcept {
  return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

}  // namespace

std::vector<PairProblem> CheckPair(const routing::CertificateFiles& files) {
  std::vector<PairProblem> problems;
  const auto add = [&](const absl::Status& status, bool of_key) {
    if (!status.ok()) problems.push_back({of_key, std::string(status.message())});
  };
  add(CheckChainFile(files.cert_file), false);
  add(CheckKeyFile(files.key_file), true);
  if (!problems.empty()) return problems;
  const absl::Status together = PartsOf(files, {}, base::WallTime{}).status();
  const bool of_key = together.message().find(files.key_file) == 0 && files.key_file != files.cert_file;
  add(together, of_key);
  return problems;
}

CertificateSet::CertificateSet(std::unique_ptr<Impl> impl, std::vector<CertificateInfo> infos)
    : impl_(std::move(impl)), infos_(std::move(infos)) {}

CertificateSet::~CertificateSet() = default;

absl::StatusOr<std::shared_ptr<const CertificateSet>> CertificateSet::Load(
    std::span<const routing::CertificateFiles> files, const CertificateSet* previous, base::WallTime now) {
  if (files.empty()) return absl::InvalidArgumentError("TLS needs at least one certificate");
  auto impl = std::make_unique<Impl>();
  std::vector<CertificateInfo> infos;
  for (const routing::CertificateFiles& pair : files) {
    const std::span<const std::shared_ptr<const CertificateParts>> none;
    auto parts = PartsOf(pair, previous == nullptr ? none : previous->impl_->parts, now);
    if (!parts.ok()) return parts.status();
    const X509* leaf = (*parts)->chain.front().get();
    infos.push_back(InfoOf(leaf, pair.cert_file, now));
    impl->traits.push_back(CertificateTraits::Of(leaf));
    impl->names.Add(infos.back().names);
    impl->parts.push_back(*std::move(parts));
  }
  impl->names.Seal();
  return std::shared_ptr<const CertificateSet>(new CertificateSet(std::move(impl), std::move(infos)));
}

std::span<const CertificateName> CertificateSet::CandidatesFor(std::string_view lower_case_name) const noexcept {
  return impl_->names.Of(lower_case_name);
}

bool CertificateSet::SpeaksFor(int index, std::string_view lower_case_name) const noexcept {
  return std::ranges::find(CandidatesFor(lower_case_name), index, &CertificateName::index) !=
         CandidatesFor(lower_case_name).end();
}

// A client that can verify nothing is refused with any of them; an expired one leaves the choice to the client.
int CertificateSet::Choose(std::string_view lower_case_name, const ClientOffer& offer,
                           base::WallTime now) const noexcept {
  const std::span<const CertificateName> candidates = CandidatesFor(lower_case_name);
  int not_valid = -1;
  for (const CertificateName& candidate : candidates) {
    const CertificateTraits& traits = impl_->traits[static_cast<size_t>(candidate.index)];
    if (!offer.Verifies(traits)) continue;
    if (traits.ValidAt(UnixSeconds(now))) return candidate.index;
    if (not_valid < 0) not_valid = candidate.index;
  }
  return not_valid >= 0 ? not_valid : candidates.front().index;
}

std::vector<UnusedCertificate> CertificateSet::Unused(base::WallTime now) const {
  std::vector<bool> used(infos_.size());
  std::vector<int> covered_by(infos_.size(), -1);
  for (const std::span<const CertificateName> list : impl_->names.Lists()) {
    for (size_t i = 0; i < list.size(); ++i) {
      const auto index = static_cast<size_t>(list[i].index);
      const auto cover = std::ranges::find_if(list.first(i), [&](const CertificateName& earlier) {
        return impl_->traits[index].CoveredBy(impl_->traits[static_cast<size_t>(earlier.index)], UnixSeconds(now));
      });
      if (cover == list.begin() + static_cast<std::ptrdiff_t>(i)) {
        used[index] = true;
      } else {
        covered_by[index] = cover->index;
      }
    }
  }
  std::vector<UnusedCertificate> unused;
  for (size_t i = 0; i < infos_.size(); ++i) {
    if (used[i]) continue;
    const int by = covered_by[i];
    unused.push_back({i, by < 0 ? "it is not the first, and it has no DNS name (subjectAltName)"
                                : absl::StrCat(infos_[static_cast<size_t>(by)].cert_file,
                                               " is before it, for the same names and clients and as long")});
  }
  return unused;
}

bool CertificateSet::SameAs(const CertificateSet& other) const noexcept {
  const auto same = [](const auto& a, const auto& b) {
    return a == b || (a->cert_file == b->cert_file && a->key_file == b->key_file && a->digest == b->digest);
  };
  return std::equal(impl_->parts.begin(), impl_->parts.end(), other.impl_->parts.begin(), other.impl_->parts.end(),
                    same);
}

}  // namespace headgate::proxy::net
