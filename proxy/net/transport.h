// A connected stream socket, plain or TLS: reads into slabs, writes from chains, never blocks, remembers readiness.
// Owned by a connection. Holds no buffer while idle (TLS: OpenSSL's are released too).
// One thread: the worker's. Nobody is called back from inside a call made to the transport.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "base/ip.h"
#include "base/slab.h"
#include "proxy/net/reactor.h"

struct iovec;

namespace headgate::proxy::net {

class TlsServerContext;
class TlsClientContext;
struct TlsState;

enum class IoStatus : uint8_t {
  kOk,       // progress was made
  kBlocked,  // nothing now; OnTransportReady will come
  kEof,      // the peer ended its side cleanly (TLS: close_notify)
  kFailed,   // reset, or a TLS failure; the transport is of no more use
};

struct IoResult {
  IoStatus status = IoStatus::kBlocked;
  size_t bytes = 0;
};

class TransportOwner {
 public:
  // Something may be read or written, or the peer is gone: try. Also after Reactor::Defer via RequestTurn.
  virtual void OnTransportReady() = 0;

 protected:
  ~TransportOwner() = default;
};

class Transport final : private IoHandler {
 public:
  Transport(Reactor& reactor, TransportOwner& owner) noexcept;
  // Without an owner yet: SetOwner before the loop turns again.
  explicit Transport(Reactor& reactor) noexcept;
  ~Transport();
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  // Whom to tell from now on: a connection passes its transport on once it knows the protocol.
  void SetOwner(TransportOwner& owner) noexcept { owner_ = &owner; }
  // Takes over a non-blocking descriptor. False when it could not be registered (the descriptor is closed then).
  bool Attach(int descriptor) noexcept;
  // Starts a connection: kClient-side sockets. OnTransportReady comes when it is decided: then ConnectResult.
  base::Result<void> Connect(const base::SocketAddress& to) noexcept;
  // kOk: connected; kBlocked: still trying; kFailed: ConnectError says whether it was refused.
  IoStatus ConnectResult() noexcept;
  bool connect_refused() const noexcept { return connect_refused_; }

  // TLS on top, before any read. Then Handshake until it is not kBlocked. A server judges its certificates' validity by
  // `now`.
  bool StartServerTls(TlsServerContext& context, base::WallTime now) noexcept;
  bool StartClientTls(TlsClientContext& context, std::string_view server_name) noexcept;
  IoStatus Handshake() noexcept;

  // What Read would give, which stays there: more of it comes with OnTransportReady. Before any TLS.
  IoResult Peek(std::span<char> into) noexcept;
  // Reads at most `into.size()` bytes. With kOk and fewer bytes the socket is known to be empty.
  IoResult Read(std::span<char> into) noexcept;
  // Reads at most `bytes_max` into fresh slabs appended to `to` (one readv of up to 64 KiB where it is plain).
  IoResult ReadChain(base::SlabPool& pool, base::Chain& to, size_t bytes_max) noexcept;
  // Writes from the front of `from` and consumes what was taken. kOk: `from` is empty. kBlocked: some is left, and the
  // next call must begin with it: TLS may have encrypted it already. A failed write does not end reading: the peer's
  // last words may still be there.
  IoResult Write(base::Chain& from) noexcept;
  // Ends our side: FIN, with close_notify before it where it is TLS (as soon as the socket takes it).
  void ShutdownWrite() noexcept;
  // Closes; `reset` makes the peer see a RST. Idempotent.
  void Close(bool reset = false) noexcept;
  // OnTransportReady is called again within this turn.
  void RequestTurn() noexcept;

  bool open() const noexcept { return descriptor_ >= 0; }
  // Bytes may be waiting (the socket's edge, or decrypted ones within TLS).
  bool maybe_readable() const noexcept;
  bool hangup() const noexcept { return hangup_; }
  // The peer reset the connection, or the way to it failed: what is written goes nowhere.
  bool broken() const noexcept { return broken_; }
  int descriptor() const noexcept { return descriptor_; }
  bool is_tls() const noexcept { return tls_ != nullptr; }

  // Of a finished TLS handshake.
  std::string_view tls_version() const noexcept;  // "TLSv1.3"; empty for plain
  std::string_view server_name() const noexcept;  // SNI, lower case; empty when the client sent none
  int certificate_index() const noexcept;         // which of the listener's certificates was served; -1: plain
  std::string_view alpn() const noexcept;
  bool tls_resumed() const noexcept;
  std::string_view tls_error() const noexcept;  // why the handshake or the session failed; static text

 private:
  friend struct TlsState;
  enum class ConnectState : uint8_t { kNone, kPending, kDecided, kFailed };

  void OnReady(uint32_t events) override;
  // What plain and TLS share: one system call if the socket is known to be ready, none if it is not.
  IoResult Receive(std::span<const iovec> into) noexcept;
  IoResult Send(std::span<const iovec> from) noexcept;
  IoResult ReadChainPlain(base::SlabPool& pool, base::Chain& to, size_t bytes_max) noexcept;
  IoResult ReadChainTls(base::SlabPool& pool, base::Chain& to, size_t bytes_max) noexcept;

  Reactor& reactor_;
  TransportOwner* owner_ = nullptr;
  int descriptor_ = -1;
  ConnectState connect_state_ = ConnectState::kNone;
  uint8_t slabs_hint_ = 1;  // how many the last ReadChain filled, and one more
  bool readable_ = false;
  bool writable_ = false;
  bool hangup_ = false;
  bool broken_ = false;
  bool eof_ = false;
  bool shutdown_pending_ = false;
  bool connect_refused_ = false;
  std::unique_ptr<TlsState> tls_;
};

}  // namespace headgate::proxy::net
