// A blocking TCP peer for tests: sends raw bytes, reads until what it expects is there. Every wait is bounded.
// Owned by a test or by the thread of a RawUpstream.
// One thread at a time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace headgate::integration {

class SocketPeer {
 public:
  static constexpr int kPatienceMs = 60'000;

  explicit SocketPeer(int descriptor);
  SocketPeer(SocketPeer&& other) noexcept;
  SocketPeer& operator=(SocketPeer&&) = delete;
  ~SocketPeer();
  // Connects to 127.0.0.1.
  static SocketPeer Connect(uint16_t port, int receive_buffer = 0);

  // Sends all; false when the other side is gone.
  bool Send(std::string_view bytes);
  // Reads until `text` is in the buffer and takes everything up to its end; what came so far when it never does.
  std::string ReadUntil(std::string_view text, int patience_ms = kPatienceMs);
  // A message's head with its empty line.
  std::string ReadHead(int patience_ms = kPatienceMs) { return ReadUntil("\r\n\r\n", patience_ms); }
  std::string ReadBytes(size_t bytes, int patience_ms = kPatienceMs);
  // Everything until the other side closes (`closed` true), or until nothing came for the time given.
  std::string ReadAll(int patience_ms = kPatienceMs);
  // Reads a response: head, and the body by its Content-Length or chunks.
  std::string ReadResponse();
  // Whether the other side closes within the time; bytes that come meanwhile stay readable.
  bool WaitClosed(int patience_ms = kPatienceMs);
  bool closed() const { return closed_; }
  bool was_reset() const { return reset_; }
  void ShutdownWrite();
  void Close();
  void Reset();  // RST
  // Ends both directions so that a thread that waits in Read returns; the descriptor stays. Any thread.
  void Abort();

 private:
  bool ReadMore(int patience_ms);
  int descriptor_;
  std::string buffer_;
  bool closed_ = false;
  bool reset_ = false;
};

}  // namespace headgate::integration
