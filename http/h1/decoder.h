// HTTP/1 decoding, sans-I/O: a head from contiguous bytes (llhttp behind the framing wall), a body step by step.
// Owned by a connection.
// One thread. No allocation outside the exchange's arena.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/arena.h"
#include "base/error.h"
#include "base/limits.h"
#include "http/message.h"

namespace headgate::http::h1 {

struct HeadLimits {
  size_t head_bytes = base::kHeadBytesMax;
  size_t field_bytes = base::kFieldBytesMax;
  size_t fields = base::kFieldsMax;
  size_t target_bytes = base::kTargetBytesMax;  // requests only
};

// Finds the end of a head in bytes that arrive in pieces, without looking at a byte twice.
class HeadScanner {
 public:
  // Bytes that Scan need not look at again. A CR or LF before them has been seen with its neighbours.
  size_t scanned() const noexcept { return scanned_; }
  // `data` is everything since the head's first byte. The head's size with its empty line (RFC 9112 2.1), or 0 when
  // it is not complete. Empty lines before a request line are not skipped here: see LeadingEmptyLines.
  size_t Scan(std::string_view data) noexcept;
  void Reset() noexcept { scanned_ = 0; }

 private:
  size_t scanned_ = 0;
};

// Bytes of CRLF pairs before a request line that a server should ignore (RFC 9112 2.2); at most
// kLeadingEmptyLinesMax pairs.
size_t LeadingEmptyLines(std::string_view data) noexcept;

// Whether bytes that are not yet a whole head can never become one (so that garbage is answered at once and not at the
// head's deadline), or already exceed the limits.
base::Result<void> CheckPartialRequestHead(std::string_view data, const HeadLimits& limits) noexcept;

// The same of a response: what is wrong with bytes that are not yet a whole head, or null. The first `checked` of them
// (HeadScanner::scanned, before the last Scan) were found good before.
const char* FaultOfPartialResponse(std::string_view data, size_t checked) noexcept;

// Parses a whole head (as found by HeadScanner). Names are lower-cased in place; the head's text points into `data` or
// the arena. Judged by http/framing and http/uri: what comes back ok is safe to route and forward.
// `scheme` is the transport's. Errors: side kClient, with the code whose status http.md's tables name.
base::Result<void> DecodeRequestHead(std::span<char> data, const HeadLimits& limits, Scheme scheme, base::Arena& arena,
                                     RequestHead& head) noexcept;

// What metrics and the log say of a head that was refused, or of the part of it that came: its method (kOther: none, or
// not known), path, query and host where they are sound and not known already, and of a head that came whole the fields
// that say who asks. `data` as above; text as above.
void DescribeRefusedHead(std::string_view data, size_t target_bytes_max, base::Arena& arena,
                         RequestHead& head) noexcept;

// DecodeRequestHead for a response to a request with `method`. 1xx heads come back like others (status < 200, no body).
// Errors: side kUpstream.
base::Result<void> DecodeResponseHead(std::span<char> data, const HeadLimits& limits, Method method, base::Arena& arena,
                                      ResponseHead& head) noexcept;

// A body's bytes as they arrive (RFC 9112 6, 7.1). Chunked framing is strict: CRLF only, no sign, no white space but
// before an extension, extensions skipped and bounded, size below 2^63.
class BodyDecoder {
 public:
  enum class Event : uint8_t {
    kNeedMore,  // everything given was consumed and there is nothing to report
    kData,      // `data` is a piece of the body (a view of the input)
    kEnd,       // the body is complete; the bytes behind `consumed` belong to the next message
    kError,     // `error`
  };
  struct Step {
    Event event = Event::kNeedMore;
    size_t consumed = 0;
    std::string_view data;
    base::Error error;
  };

  // `side` is whose mistakes these are (kClient for requests, kUpstream for responses).
  // Trailers are copied into `trailers` (arena of the exchange); null drops them after checking.
  void Start(Body body, base::Side side, HeaderMap* trailers) noexcept;
  // The exchange is over, and its arena: trailers that are still to come are only checked.
  void DropTrailers() noexcept { trailers_ = nullptr; }
  // One event per call; call again with what is behind `consumed`. After kEnd every call is kEnd with nothing consumed.
  Step Next(std::string_view input) noexcept;
  bool finished() const noexcept { return state_ == State::kFinished; }
  // Bytes of the body that are still to come when that is known (kLength); else 0.
  uint64_t remaining() const noexcept { return kind_ == BodyKind::kLength ? remaining_ : 0; }
  // The transport ended: fine for kUntilClose and after the end, an error otherwise.
  bool EndOfInputIsClean() const noexcept { return finished() || kind_ == BodyKind::kUntilClose; }
  // Counts `bytes` of a kLength or kUntilClose body that were moved without being looked at (splice).
  void SkipSpliced(uint64_t bytes) noexcept;

 private:
  enum class State : uint8_t {
    kIdentity,
    kChunkSize,
    kChunkSizeSpace,
    kChunkExtension,
    kChunkSizeLf,
    kChunkData,
    kChunkDataCr,
    kChunkDataLf,
    kTrailerLine,
    kTrailerName,
    kTrailerValue,
    kTrailerLf,
    kLastLf,
    kFinished,
    kFailed,
  };
  static constexpr size_t kBarredNameBytes = 32;  // no barred name is longer

  Step Fail(const char* detail, size_t consumed) noexcept;
  Step NextIdentity(std::string_view input) noexcept;
  Step NextChunked(std::string_view input) noexcept;
  // Each takes one byte; null, or what is wrong with it.
  const char* OnFramingByte(char c) noexcept;
  const char* OnChunkSizeByte(char c) noexcept;
  const char* OnExtensionByte(char c) noexcept;
  const char* OnTrailerLineStart(char c) noexcept;
  const char* OnTrailerNameByte(char c) noexcept;
  const char* OnTrailerValueByte(char c) noexcept;
  const char* EndChunkSizeLine() noexcept;
  const char* KeepTrailerByte(char c) noexcept;
  void EndTrailerField();

  State state_ = State::kFinished;
  BodyKind kind_ = BodyKind::kNone;
  base::Side side_ = base::Side::kClient;
  uint8_t digits_ = 0;
  uint8_t trailer_fields_ = 0;
  bool too_large_ = false;
  uint64_t remaining_ = 0;  // of the body (kLength) or of the chunk
  uint32_t extension_bytes_ = 0;
  uint32_t trailer_bytes_ = 0;
  HeaderMap* trailers_ = nullptr;
  char* trailer_text_ = nullptr;  // in the arena; kTrailersBytesMax
  uint32_t line_at_ = 0;          // where the trailer's line begins in trailer_text_
  uint32_t name_bytes_ = 0;
  char name_[kBarredNameBytes] = {};  // the beginning of the trailer's name, lower case
};

}  // namespace headgate::http::h1
