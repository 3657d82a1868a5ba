// The receiving half of an HTTP/1.1 upstream connection: heads in a slab, then body bytes as slices of what was read.
// Owned by a connection; holds slabs only while a response is being read.
// One thread: the worker's.
//
//   kIdle --Start--> kHead --NextHead--> kBody --decoder's end, clean EOF--> kFinished
//                      |    (final head)   `----- broken framing ----------> kFailed
//                      +----> kTunnel --EOF--> kFinished
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/arena.h"
#include "base/error.h"
#include "base/slab.h"
#include "http/h1/decoder.h"
#include "http/message.h"
#include "proxy/net/transport.h"

namespace headgate::proxy {

class H1ResponseReader {
 public:
  explicit H1ResponseReader(base::SlabPool& pool) noexcept : pool_(pool) {}

  // Expects the answer to a request with `method`; heads are built in `arena`.
  void Start(http::Method method, size_t head_bytes_max, base::Arena& arena) noexcept;

  // Reads once. Within a body: only while ready() is empty, so that one read bounds what waits here; `wanted` is how
  // much the reader of the body may take.
  net::IoResult Fill(net::Transport& transport, size_t wanted);
  // The next head among the bytes read, in the arena; null: not complete yet. Its text lives until Reset (of a 1xx:
  // until the next call).
  base::Result<http::ResponseHead*> NextHead();
  // What follows the final head; what was read behind it is decoded.
  void StartBody(const http::ResponseHead& head);
  void StartTunnel();
  // The transport ended. kNone: as it should.
  base::Error EndOfInput() noexcept;

  bool in_head() const noexcept { return state_ == State::kHead; }
  bool in_body() const noexcept { return state_ == State::kBody || state_ == State::kTunnel; }
  // Everything was decoded (ready() may hold some of it still).
  bool finished() const noexcept { return state_ == State::kFinished; }
  bool failed() const noexcept { return state_ == State::kFailed; }
  const base::Error& error() const noexcept { return error_; }
  // More bytes came than belong to the response.
  bool excess() const noexcept { return excess_; }
  // Body bytes that were decoded and not taken yet.
  base::Chain& ready() noexcept { return ready_; }
  const http::HeaderMap* trailers() const noexcept;
  // Forgets the response and gives the slabs back.
  void Reset() noexcept;

 private:
  enum class State : uint8_t { kIdle, kHead, kBody, kTunnel, kFinished, kFailed };

  bool MakeRoomForHead();
  void MakeRoomForBody();
  void Decode(const base::SlabRef& owner, char* data, size_t bytes);
  void AppendBody(const base::SlabRef& owner, std::string_view data);
  base::Error TooLarge() const noexcept;

  base::SlabPool& pool_;
  State state_ = State::kIdle;
  http::Method method_ = http::Method::kGet;
  bool excess_ = false;
  bool flowing_ = false;  // the last read filled its buffer: the next one is larger
  size_t head_bytes_max_ = 0;
  base::Arena* arena_ = nullptr;
  http::HeaderMap* trailers_ = nullptr;
  const http::ConnectionOptions* connection_ = nullptr;  // names what is no trailer
  http::h1::HeadScanner scanner_;
  http::h1::BodyDecoder decoder_;
  base::SlabRef head_;  // the final head's text
  base::SlabRef slab_;  // where reads go: [begin_, end_) is not decoded yet
  size_t begin_ = 0;
  size_t end_ = 0;
  base::Chain raw_;  // of a large read
  base::Chain ready_;
  base::Error error_;
};

}  // namespace headgate::proxy
