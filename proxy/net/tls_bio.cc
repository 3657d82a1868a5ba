#include "proxy/net/tls_bio.h"

#include <sys/uio.h>

#include "base/check.h"
#include "proxy/net/tls_state.h"

namespace headgate::proxy::net {

namespace {

TlsState& StateOf(BIO* bio) noexcept { return *static_cast<TlsState*>(BIO_get_data(bio)); }

int Read(BIO* bio, char* into, int length) {
  BIO_clear_retry_flags(bio);
  const IoResult result = StateOf(bio).FromSocket(into, static_cast<size_t>(length));
  if (result.status == IoStatus::kBlocked) BIO_set_retry_read(bio);
  return result.status == IoStatus::kOk ? static_cast<int>(result.bytes) : result.status == IoStatus::kEof ? 0 : -1;
}

int Write(BIO* bio, const char* from, int length) {
  BIO_clear_retry_flags(bio);
  const IoResult result = StateOf(bio).ToSocket(from, static_cast<size_t>(length));
  if (result.bytes > 0) return static_cast<int>(result.bytes);
  if (result.status == IoStatus::kBlocked) BIO_set_retry_write(bio);
  return -1;
}

long Control(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_EOF) return StateOf(bio).socket_eof() ? 1 : 0;
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

int Create(BIO* bio) {
  BIO_set_init(bio, 1);
  return 1;
}

BIO_METHOD* NewMethod() noexcept {
  BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "transport");
  HG_CHECK(method != nullptr);
  BIO_meth_set_read(method, Read);
  BIO_meth_set_write(method, Write);
  BIO_meth_set_ctrl(method, Control);
  BIO_meth_set_create(method, Create);
  return method;
}

}  // namespace

BIO* NewTransportBio(TlsState& state) noexcept {
  static BIO_METHOD* const kMethod = NewMethod();
  BIO* bio = BIO_new(kMethod);
  if (bio != nullptr) BIO_set_data(bio, &state);
  return bio;
}

}  // namespace headgate::proxy::net
