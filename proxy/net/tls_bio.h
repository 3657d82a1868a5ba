// OpenSSL's way to a transport's socket: no system call on a socket that is known not to be ready, no SIGPIPE.
// The BIO belongs to its SSL.
// One thread: the worker's.
#pragma once

#include "proxy/net/openssl_ptr.h"

namespace headgate::proxy::net {

struct TlsState;

// Null when memory ran out.
BIO* NewTransportBio(TlsState& state) noexcept;

}  // namespace headgate::proxy::net
