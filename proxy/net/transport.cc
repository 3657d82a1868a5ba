#include "proxy/net/transport.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/poison.h"
#include "proxy/net/socket_address.h"
#include "proxy/net/stream_options.h"
#include "proxy/net/tls_state.h"

namespace headgate::proxy::net {

namespace {

constexpr size_t kVectorsMax = 64;      // slices in one sendmsg: 64 KiB in 1 KiB pieces, or a MiB in slabs
constexpr size_t kSlabsMax = 4;         // of one readv
constexpr size_t kTailBytesMin = 1024;  // room behind the last slice that is worth reading into

size_t TotalOf(std::span<const iovec> vectors) noexcept {
  size_t total = 0;
  for (const iovec& vector : vectors) total += vector.iov_len;
  return total;
}

// The unused end of the chain's last slab, if nobody else can write or read there. So that a body that comes in small
// pieces does not take a slab for each.
std::span<char> TailRoom(const base::Chain& chain, size_t bytes_max) noexcept {
  if (chain.empty()) return {};
  const base::Slice& last = chain[chain.slices() - 1];
  base::Slab* slab = last.owner().get();
  if (slab == nullptr || !slab->unique()) return {};
  char* end = const_cast<char*>(last.data()) + last.size();
  const size_t room = std::min(static_cast<size_t>(slab->data() + slab->size() - end), bytes_max);
  if (room < kTailBytesMin && room < bytes_max) return {};
  base::Unpoison(end, room);
  return {end, room};
}

}  // namespace

Transport::Transport(Reactor& reactor, TransportOwner& owner) noexcept : reactor_(reactor), owner_(&owner) {}

Transport::Transport(Reactor& reactor) noexcept : reactor_(reactor) {}

Transport::~Transport() { Close(); }

bool Transport::Attach(int descriptor) noexcept {
  if (!reactor_.Add(descriptor, *this)) {
    ::close(descriptor);
    return false;
  }
  descriptor_ = descriptor;
  // Empty buffers take bytes at once; what can be read is said by the first event.
  writable_ = true;
  return true;
}

base::Result<void> Transport::Connect(const base::SocketAddress& to) noexcept {
  const auto failed = [](base::ErrorCode code, base::Side side, const char* detail) {
    return base::Error{code, side, base::Retry::kSafe, detail};
  };
  sockaddr_storage address;
  const socklen_t length = ToKernel(to, address);
  const int descriptor = ::socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  // Short of descriptors or memory: that is no upstream's fault.
  if (descriptor < 0) return failed(base::ErrorCode::kOverload, base::Side::kProxy, "no descriptor left");
  SetStreamOptions(descriptor);
  if (::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), length) != 0 && errno != EINPROGRESS) {
    connect_refused_ = errno == ECONNREFUSED;
    ::close(descriptor);
    if (connect_refused_) return failed(base::ErrorCode::kConnectRefused, base::Side::kUpstream, "refused");
    return failed(base::ErrorCode::kConnectFailed, base::Side::kUpstream, "connect failed at once");
  }
  // Only now: an unconnected socket is one that hung up. The set's first event tells when it was decided already.
  if (!reactor_.Add(descriptor, *this)) {
    ::close(descriptor);
    return failed(base::ErrorCode::kConnectFailed, base::Side::kProxy, "the kernel watches no more descriptors");
  }
  descriptor_ = descriptor;
  connect_state_ = ConnectState::kPending;
  return {};
}

IoStatus Transport::ConnectResult() noexcept {
  switch (connect_state_) {
    case ConnectState::kNone:
      return descriptor_ >= 0 ? IoStatus::kOk : IoStatus::kFailed;
    case ConnectState::kPending:
      return IoStatus::kBlocked;
    case ConnectState::kFailed:
      return IoStatus::kFailed;
    case ConnectState::kDecided:
      break;
  }
  int error = 0;
  socklen_t length = sizeof(error);
  if (::getsockopt(descriptor_, SOL_SOCKET, SO_ERROR, &error, &length) != 0) error = errno;
  connect_refused_ = error == ECONNREFUSED;
  connect_state_ = error == 0 ? ConnectState::kNone : ConnectState::kFailed;
  return error == 0 ? IoStatus::kOk : IoStatus::kFailed;
}

void Transport::OnReady(uint32_t events) {
  if (descriptor_ < 0) return;
  const bool news = (events & ~kWritable) != 0 || !writable_;
  if ((events & kReadable) != 0) readable_ = true;
  if ((events & kWritable) != 0) writable_ = true;
  // The next read or write says what happened.
  if ((events & (kHangup | kFailed)) != 0) hangup_ = readable_ = true;
  if ((events & kFailed) != 0) broken_ = writable_ = true;
  if (connect_state_ == ConnectState::kPending && (events & ~kDeferred) != 0) connect_state_ = ConnectState::kDecided;
  if (shutdown_pending_ && writable_) ShutdownWrite();
  if (news) owner_->OnTransportReady();
}

IoResult Transport::Receive(std::span<const iovec> into) noexcept {
  if (eof_) return {IoStatus::kEof, 0};
  if (!readable_) return {IoStatus::kBlocked, 0};
  ssize_t count = 0;
  do {
    count = into.size() == 1 ? ::recv(descriptor_, into[0].iov_base, into[0].iov_len, 0)
                             : ::readv(descriptor_, into.data(), static_cast<int>(into.size()));
  } while (count < 0 && errno == EINTR);
  if (count > 0) {
    const auto bytes = static_cast<size_t>(count);
    // Less than asked for: the socket is empty, and the next byte is a new edge. An end that was announced is not.
    if (bytes < TotalOf(into) && !hangup_) readable_ = false;
    return {IoStatus::kOk, bytes};
  }
  readable_ = false;
  if (count == 0) {
    eof_ = true;
    return {IoStatus::kEof, 0};
  }
  return {errno == EAGAIN || errno == EWOULDBLOCK ? IoStatus::kBlocked : IoStatus::kFailed, 0};
}

IoResult Transport::Peek(std::span<char> into) noexcept {
  ssize_t count = 0;
  do {
    count = ::recv(descriptor_, into.data(), into.size(), MSG_PEEK);
  } while (count < 0 && errno == EINTR);
  if (count > 0) return {IoStatus::kOk, static_cast<size_t>(count)};
  if (count == 0) return {IoStatus::kEof, 0};
  return {errno == EAGAIN || errno == EWOULDBLOCK ? IoStatus::kBlocked : IoStatus::kFailed, 0};
}

IoResult Transport::Send(std::span<const iovec> from) noexcept {
  if (!writable_) return {IoStatus::kBlocked, 0};
  ssize_t count = 0;
  do {
    if (from.size() == 1) {
      count = ::send(descriptor_, from[0].iov_base, from[0].iov_len, MSG_NOSIGNAL);
    } else {
      msghdr message{};
      message.msg_iov = const_cast<iovec*>(from.data());
      message.msg_iovlen = from.size();
      count = ::sendmsg(descriptor_, &message, MSG_NOSIGNAL);
    }
  } while (count < 0 && errno == EINTR);
  if (count >= 0) {
    const auto bytes = static_cast<size_t>(count);
    // Less than offered: the buffer is full, and room in it is a new edge.
    if (bytes == TotalOf(from)) return {IoStatus::kOk, bytes};
    writable_ = false;
    return {IoStatus::kBlocked, bytes};
  }
  if (errno != EAGAIN && errno != EWOULDBLOCK) {
    readable_ = true;  // the peer's last words may be there, though no event has told of them yet
    return {IoStatus::kFailed, 0};
  }
  writable_ = false;
  return {IoStatus::kBlocked, 0};
}

IoResult Transport::Read(std::span<char> into) noexcept {
  if (descriptor_ < 0) return {IoStatus::kFailed, 0};
  if (into.empty()) return {IoStatus::kBlocked, 0};
  if (tls_ != nullptr) return tls_->Read(into);
  const iovec vector{into.data(), into.size()};
  return Receive({&vector, 1});
}

IoResult Transport::ReadChain(base::SlabPool& pool, base::Chain& to, size_t bytes_max) noexcept {
  if (descriptor_ < 0) return {IoStatus::kFailed, 0};
  if (bytes_max == 0) return {IoStatus::kBlocked, 0};
  if (tls_ != nullptr) return ReadChainTls(pool, to, bytes_max);
  if (eof_) return {IoStatus::kEof, 0};
  if (!readable_) return {IoStatus::kBlocked, 0};
  return ReadChainPlain(pool, to, bytes_max);
}

IoResult Transport::ReadChainPlain(base::SlabPool& pool, base::Chain& to, size_t bytes_max) noexcept {
  std::array<iovec, 1 + kSlabsMax> vectors;
  std::array<base::SlabRef, 1 + kSlabsMax> slabs;
  size_t count = 0;
  size_t room = 0;
  const std::span<char> tail = TailRoom(to, bytes_max);
  if (!tail.empty()) {
    slabs[0] = to[to.slices() - 1].owner();
    vectors[0] = {tail.data(), tail.size()};
    room = tail.size();
    count = 1;
  }
  const size_t count_max = count == 1 && slabs_hint_ == 1 ? 1 : count + slabs_hint_;
  for (; count < count_max && room < bytes_max; ++count) {
    slabs[count] = pool.Take();
    vectors[count] = {slabs[count]->data(), std::min(slabs[count]->size(), bytes_max - room)};
    room += vectors[count].iov_len;
  }
  const IoResult result = Receive({vectors.data(), count});
  // A stream that fills what it gets is offered more next time; a small message costs one slab and one recv.
  const bool full = result.bytes == room;
  slabs_hint_ = full ? static_cast<uint8_t>(std::min<size_t>(kSlabsMax, slabs_hint_ * 2u)) : uint8_t{1};
  size_t left = result.bytes;
  for (size_t i = 0; left > 0; ++i) {
    const size_t piece = std::min(left, vectors[i].iov_len);
    to.Append(base::Slice(std::move(slabs[i]), static_cast<const char*>(vectors[i].iov_base), piece));
    left -= piece;
  }
  return result;
}

IoResult Transport::ReadChainTls(base::SlabPool& pool, base::Chain& to, size_t bytes_max) noexcept {
  size_t total = 0;
  while (maybe_readable() && total < bytes_max) {
    base::SlabRef slab;
    std::span<char> room = TailRoom(to, bytes_max - total);
    if (!room.empty()) {
      slab = to[to.slices() - 1].owner();
    } else {
      slab = pool.Take();
      room = {slab->data(), std::min(slab->size(), bytes_max - total)};
    }
    const IoResult result = tls_->Read(room);
    if (result.bytes > 0) to.Append(base::Slice(std::move(slab), room.data(), result.bytes));
    total += result.bytes;
    if (result.status != IoStatus::kOk) return total > 0 ? IoResult{IoStatus::kOk, total} : result;
    if (result.bytes < room.size()) break;
  }
  return {total > 0 ? IoStatus::kOk : IoStatus::kBlocked, total};
}

IoResult Transport::Write(base::Chain& from) noexcept {
  if (descriptor_ < 0) return {IoStatus::kFailed, 0};
  if (tls_ != nullptr) return tls_->Write(from);
  size_t total = 0;
  while (!from.empty()) {
    std::array<iovec, kVectorsMax> vectors;
    const size_t count = from.Gather(vectors);
    const IoResult result = Send({vectors.data(), count});
    from.Consume(result.bytes);
    total += result.bytes;
    if (result.status != IoStatus::kOk) return {result.status, total};
  }
  return {IoStatus::kOk, total};
}

void Transport::ShutdownWrite() noexcept {
  if (descriptor_ < 0) return;
  shutdown_pending_ = tls_ != nullptr && !tls_->SendCloseNotify();
  if (!shutdown_pending_) ::shutdown(descriptor_, SHUT_WR);
}

void Transport::Close(bool reset) noexcept {
  if (descriptor_ < 0) return;
  if (reset) {
    const linger at_once{1, 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  } else if (tls_ != nullptr) {
    tls_->SendCloseNotify();
  }
  reactor_.Forget(descriptor_);
  ::close(descriptor_);
  descriptor_ = -1;
  readable_ = writable_ = false;
  Unlink();
}

void Transport::RequestTurn() noexcept { reactor_.Defer(*this); }

bool Transport::maybe_readable() const noexcept {
  if (tls_ == nullptr) return readable_;
  return readable_ || tls_->more || tls_->end != IoStatus::kBlocked;
}

}  // namespace headgate::proxy::net
