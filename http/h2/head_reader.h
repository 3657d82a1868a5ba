// Makes a head of the fields that HPACK decodes: pseudo header rules (RFC 9113 8.1 to 8.5, RFC 8441 4), limits, and
// then the same wall as HTTP/1's (http/framing). Owned by a session: header blocks come one at a time (RFC 9113 4.3).
// One thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "base/slab.h"
#include "http/h1/decoder.h"
#include "http/h2/stream.h"
#include "http/message.h"

struct nghttp2_rcbuf;

namespace headgate::http::h2 {

class HeadReader {
 public:
  enum class Kind : uint8_t { kRequest, kResponse, kTrailers, kDropped };
  enum class Outcome : uint8_t {
    kGood,
    kAnswer,     // of a request: not usable, but there is a status for it
    kMalformed,  // the stream must be reset
    kRefused,    // it would keep more than the budget
  };
  struct Verdict {
    Outcome outcome = Outcome::kGood;
    base::Error error;
  };

  HeadReader(const h1::HeadLimits& limits, Scheme scheme, base::SlabPool& slabs) noexcept
      : limits_(limits), scheme_(scheme), slabs_(slabs) {}

  // A block for `stream` (null with kDropped) begins. `budget`: bytes that may be kept of it.
  void Begin(Kind kind, Stream* stream, size_t budget) noexcept;
  // The stream is gone: the rest of its block is decoded and dropped.
  void Drop(const Stream& stream) noexcept;
  // Nobody wants what follows the stream's head: trailers are judged, but its arena is not touched any more.
  void StopKeepingTrailers(const Stream& stream) noexcept;
  // False: more was decoded than any head may have (kDecodedHeadBytesMax).
  bool OnField(nghttp2_rcbuf* name, nghttp2_rcbuf* value);
  // The block is complete; `block_bytes` is what it took on the wire. Fills the stream's request, next response or
  // trailers.
  Verdict Finish(bool end_stream, size_t block_bytes);

  Kind kind() const noexcept { return kind_; }
  size_t charged() const noexcept { return charged_; }  // bytes kept of this head

 private:
  enum Pseudo : uint8_t { kMethod, kScheme, kAuthority, kPath, kProtocol, kStatus };
  static constexpr size_t kPseudoCount = 6;

  bool has(Pseudo which) const noexcept { return (seen_ & (1u << which)) != 0; }
  base::Side side() const noexcept;
  HeaderMap& headers() noexcept;
  void Fault(const char* detail) noexcept;
  void Answer(base::ErrorCode code, const char* detail) noexcept;
  std::string_view Keep(nghttp2_rcbuf* text);
  void OnPseudo(std::string_view name, nghttp2_rcbuf* value);
  void OnRegular(nghttp2_rcbuf* name, nghttp2_rcbuf* value);
  void NoticeGrpc(std::string_view name, std::string_view value) noexcept;
  bool Fits(std::string_view name, std::string_view value);
  void RefuseSize(const char* detail) noexcept;
  bool FitsTrailers(size_t text_bytes);
  void OnCookie(nghttp2_rcbuf* value);
  void AppendCookie(std::string_view piece);
  void JoinCookies();

  Verdict Conclude(size_t block_bytes) const noexcept;
  void FinishRequest(RequestHead& head, bool end_stream);
  void DescribeRefused(RequestHead& head, bool whole) const noexcept;
  const char* RequestPseudoFault() const noexcept;
  void TakeMethod(RequestHead& head) noexcept;
  void TakePath(RequestHead& head);
  void TakeRequestBody(RequestHead& head, bool end_stream) noexcept;
  void FinishResponse(ResponseHead& head, bool end_stream);
  bool TakeStatus(ResponseHead& head) noexcept;
  void TakeResponseBody(ResponseHead& head, bool end_stream) noexcept;
  void FinishTrailers(bool end_stream);

  const h1::HeadLimits limits_;
  const Scheme scheme_;
  base::SlabPool& slabs_;

  Kind kind_ = Kind::kDropped;
  Stream* stream_ = nullptr;
  Stream::PendingResponse* response_ = nullptr;
  HeaderMap* trailers_ = nullptr;
  size_t budget_ = 0;
  size_t charged_ = 0;
  size_t shared_ = 0;   // bytes of text that HPACK's table keeps as well
  size_t decoded_ = 0;  // as SETTINGS_MAX_HEADER_LIST_SIZE counts, pseudo headers and all
  size_t list_ = 0;     // the same of the fields
  size_t fields_ = 0;
  size_t cookies_ = 0;
  const char* fault_ = nullptr;
  base::ErrorCode answer_ = base::ErrorCode::kNone;
  const char* answer_detail_ = "";
  uint8_t seen_ = 0;
  bool regular_seen_ = false;
  bool keep_ = true;  // not after a limit was passed
  std::array<std::string_view, kPseudoCount> pseudo_{};
  size_t cookie_at_ = 0;  // of the fields
  base::SlabRef cookie_;  // pieces that were joined so far
  size_t cookie_size_ = 0;
};

}  // namespace headgate::http::h2
