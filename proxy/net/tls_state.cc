#include "proxy/net/tls_state.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <sys/uio.h>

#include <algorithm>
#include <cstring>

#include "absl/strings/ascii.h"
#include "base/ip.h"
#include "proxy/net/client_offer.h"
#include "proxy/net/tls_bio.h"

namespace headgate::proxy::net {

namespace {

constexpr size_t kRecordBytes = 16 * 1024;  // a record's content at most (RFC 8446 5.1)

// OpenSSL judges a failed call by the thread's queue of errors: what an earlier call of anyone's left would be taken
// for this one's. Looking is cheaper than clearing.
void DropOldErrors() noexcept {
  if (ERR_peek_error() != 0) ERR_clear_error();
}

// The host_name of a server_name extension (RFC 6066 3); empty when it is malformed, which OpenSSL refuses later.
std::string_view HostNameOf(const unsigned char* extension, size_t length) noexcept {
  constexpr size_t kHead = 5;  // the list's length, the type, the name's length
  if (length <= kHead || extension[2] != TLSEXT_NAMETYPE_host_name) return {};
  const size_t name_length = static_cast<size_t>(extension[3]) << 8 | extension[4];
  if (name_length > length - kHead || name_length > TLSEXT_MAXLEN_host_name) return {};
  const std::string_view name(reinterpret_cast<const char*>(extension) + kHead, name_length);
  return name.find('\0') == std::string_view::npos ? name : std::string_view();
}

// The piece of `from` that becomes the next record: a large slice as it is, small ones copied together.
std::span<const char> NextRecord(const base::Chain& from) noexcept {
  const base::Slice& front = from.front();
  if (front.size() >= kRecordBytes || from.slices() == 1) return {front.data(), std::min(front.size(), kRecordBytes)};
  alignas(64) static thread_local char gathered[kRecordBytes];
  size_t length = 0;
  for (size_t i = 0; i < from.slices() && length < kRecordBytes; ++i) {
    const size_t piece = std::min(from[i].size(), kRecordBytes - length);
    std::memcpy(gathered + length, from[i].data(), piece);
    length += piece;
  }
  return {gathered, length};
}

// Whom a client wants to talk to: SNI for a host name, and the check of the certificate's names. An IP address has no
// SNI (RFC 6066 3).
bool SetPeerName(SSL* ssl, const std::string& name, bool verify) noexcept {
  const bool is_ip = base::IpAddress::Parse(name).has_value();
  if (!is_ip && !name.empty() && SSL_set_tlsext_host_name(ssl, name.c_str()) != 1) return false;
  if (!verify) return true;
  if (name.empty()) return false;
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  if (is_ip) return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name.c_str()) == 1;
  return SSL_set1_host(ssl, name.c_str()) == 1;
}

}  // namespace

bool TlsState::Prepare(SSL_CTX* context) noexcept {
  DropOldErrors();
  ssl.reset(SSL_new(context));
  BIO* bio = ssl != nullptr ? NewTransportBio(*this) : nullptr;
  if (bio == nullptr) {
    error = TakeOpensslReason();
    return false;
  }
  SSL_set_bio(ssl.get(), bio, bio);
  SSL_set_app_data(ssl.get(), this);
  return true;
}

bool TlsState::StartServer(TlsServerContext& context, base::WallTime now) noexcept {
  server_parts = context.parts_;
  started = now;
  if (!Prepare(server_parts->contexts.front().get())) return false;
  SSL_set_accept_state(ssl.get());
  return true;
}

bool TlsState::StartClient(TlsClientContext& context, std::string_view name) noexcept {
  if (!Prepare(context.context_)) return false;
  server_name = name;
  if (!SetPeerName(ssl.get(), server_name, context.verify_)) {
    ERR_clear_error();
    error = "no name to verify the certificate against";
    return false;
  }
  const ClientSession& last = SessionOf(context.context_);
  if (last.session != nullptr && last.server_name == server_name && SSL_SESSION_is_resumable(last.session.get()) == 1) {
    SSL_set_session(ssl.get(), last.session.get());
  }
  SSL_set_connect_state(ssl.get());
  return true;
}

void TlsState::ChooseCertificate() {
  const unsigned char* extension = nullptr;
  size_t length = 0;
  SSL_client_hello_get0_ext(ssl.get(), TLSEXT_TYPE_server_name, &extension, &length);
  std::string_view name = HostNameOf(extension, length);
  if (name.ends_with('.')) name.remove_suffix(1);  // against RFC 6066 3, but sent, and the same name
  server_name = absl::AsciiStrToLower(absl::string_view(name.data(), name.size()));
  certificate_index = server_parts->certificates->Choose(server_name, ClientOffer::Of(ssl.get()), started);
  SSL_set_SSL_CTX(ssl.get(), server_parts->contexts[static_cast<size_t>(certificate_index)].get());
}

// Takes the reason down, as a text with static storage.
void TlsState::NoteFailure() noexcept {
  const long verified = SSL_get_verify_result(ssl.get());
  if (verified != X509_V_OK && SSL_get_verify_mode(ssl.get()) != SSL_VERIFY_NONE) {
    error = X509_verify_cert_error_string(verified);
    ERR_clear_error();
  } else if (ERR_peek_error() != 0) {
    error = TakeOpensslReason();
  } else {
    error = "the connection was reset";
  }
}

IoStatus TlsState::Handshake() noexcept {
  if (end == IoStatus::kFailed) return end;
  DropOldErrors();
  const int result = SSL_do_handshake(ssl.get());
  if (result == 1) {
    more = true;  // what came behind the client's last message may have been read with it
    return IoStatus::kOk;
  }
  const int reason = SSL_get_error(ssl.get(), result);
  if (reason == SSL_ERROR_WANT_READ || reason == SSL_ERROR_WANT_WRITE) return IoStatus::kBlocked;
  NoteFailure();
  end = IoStatus::kFailed;
  return end;
}

IoResult TlsState::Read(std::span<char> into) noexcept {
  if (end != IoStatus::kBlocked) return {end, 0};
  DropOldErrors();
  size_t total = 0;
  while (total < into.size()) {
    size_t count = 0;
    if (SSL_read_ex(ssl.get(), into.data() + total, into.size() - total, &count) == 1) {
      total += count;
      continue;
    }
    more = false;
    const int reason = SSL_get_error(ssl.get(), 0);
    if (reason == SSL_ERROR_WANT_READ || reason == SSL_ERROR_WANT_WRITE) break;
    end = reason == SSL_ERROR_ZERO_RETURN ? IoStatus::kEof : IoStatus::kFailed;
    if (end == IoStatus::kFailed) NoteFailure();
    break;
  }
  if (total == into.size()) more = SSL_has_pending(ssl.get()) == 1;
  if (total > 0) return {IoStatus::kOk, total};
  return {end, 0};
}

IoResult TlsState::Write(base::Chain& from) noexcept {
  DropOldErrors();
  size_t total = 0;
  while (!from.empty()) {
    // Not before the socket is ready: encrypted bytes would only wait in a buffer.
    if (!transport.writable_) return {IoStatus::kBlocked, total};
    const std::span<const char> record = NextRecord(from);
    size_t count = 0;
    const int result = SSL_write_ex(ssl.get(), record.data(), record.size(), &count);
    if (result == 1) {
      write_pending = false;
      total += count;
      from.Consume(count);
      continue;
    }
    const int reason = SSL_get_error(ssl.get(), result);
    write_pending = reason == SSL_ERROR_WANT_WRITE || reason == SSL_ERROR_WANT_READ;
    if (write_pending) return {IoStatus::kBlocked, total};
    NoteFailure();
    return {IoStatus::kFailed, total};
  }
  return {IoStatus::kOk, total};
}

IoResult TlsState::FromSocket(char* into, size_t length) noexcept {
  const iovec vector{into, length};
  return transport.Receive({&vector, 1});
}

IoResult TlsState::ToSocket(const char* from, size_t length) noexcept {
  const iovec vector{const_cast<char*>(from), length};
  return transport.Send({&vector, 1});
}

bool TlsState::SendCloseNotify() noexcept {
  // A record that is half sent cannot be followed by another: the peer sees it as cut off, which it is.
  if (write_pending || end == IoStatus::kFailed || SSL_is_init_finished(ssl.get()) == 0) return true;
  DropOldErrors();
  const int result = SSL_shutdown(ssl.get());
  const bool blocked = result < 0 && SSL_get_error(ssl.get(), result) == SSL_ERROR_WANT_WRITE;
  ERR_clear_error();
  return !blocked;
}

}  // namespace headgate::proxy::net
