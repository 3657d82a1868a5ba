#include <algorithm>

#include "http/ascii.h"
#include "http/framing.h"
#include "http/h1/decoder.h"

namespace headgate::http::h1 {
namespace {

constexpr bool IsTextByte(char c) noexcept { return c == '\t' || (static_cast<uint8_t>(c) >= 0x20 && c != 0x7f); }

}  // namespace

void BodyDecoder::Start(Body body, base::Side side, HeaderMap* trailers) noexcept {
  *this = BodyDecoder();
  kind_ = body.kind;
  side_ = side;
  trailers_ = trailers;
  switch (body.kind) {
    case BodyKind::kNone:
      return;
    case BodyKind::kLength:
      remaining_ = body.length;
      state_ = body.length == 0 ? State::kFinished : State::kIdentity;
      return;
    case BodyKind::kChunked:
      state_ = State::kChunkSize;
      return;
    case BodyKind::kUntilClose:
      state_ = State::kIdentity;
      return;
  }
}

BodyDecoder::Step BodyDecoder::Next(std::string_view input) noexcept {
  if (state_ == State::kFinished) return {Event::kEnd, 0, {}, {}};
  if (state_ == State::kFailed) return Fail("the body failed before", 0);
  return kind_ == BodyKind::kChunked ? NextChunked(input) : NextIdentity(input);
}

void BodyDecoder::SkipSpliced(uint64_t bytes) noexcept {
  if (kind_ != BodyKind::kLength) return;
  remaining_ -= std::min(bytes, remaining_);
  if (remaining_ == 0) state_ = State::kFinished;
}

BodyDecoder::Step BodyDecoder::Fail(const char* detail, size_t consumed) noexcept {
  state_ = State::kFailed;
  const bool client = side_ == base::Side::kClient;
  base::ErrorCode code = client ? base::ErrorCode::kBadRequest : base::ErrorCode::kUpstreamProtocol;
  if (too_large_) code = client ? base::ErrorCode::kHeaderTooLarge : base::ErrorCode::kUpstreamHeaderTooLarge;
  return {Event::kError, consumed, {}, {code, side_, base::Retry::kNever, detail}};
}

BodyDecoder::Step BodyDecoder::NextIdentity(std::string_view input) noexcept {
  if (input.empty()) return {};
  if (kind_ == BodyKind::kUntilClose) return {Event::kData, input.size(), input, {}};
  const std::string_view data = input.substr(0, std::min<uint64_t>(input.size(), remaining_));
  remaining_ -= data.size();
  if (remaining_ == 0) state_ = State::kFinished;
  return {Event::kData, data.size(), data, {}};
}

BodyDecoder::Step BodyDecoder::NextChunked(std::string_view input) noexcept {
  for (size_t at = 0; at < input.size(); ++at) {
    if (state_ == State::kChunkData) {
      const std::string_view data = input.substr(at, std::min<uint64_t>(input.size() - at, remaining_));
      remaining_ -= data.size();
      if (remaining_ == 0) state_ = State::kChunkDataCr;
      return {Event::kData, at + data.size(), data, {}};
    }
    const char* fault = OnFramingByte(input[at]);
    if (fault != nullptr) return Fail(fault, at);
    if (state_ == State::kFinished) return {Event::kEnd, at + 1, {}, {}};
  }
  return {Event::kNeedMore, input.size(), {}, {}};
}

const char* BodyDecoder::OnFramingByte(char c) noexcept {
  switch (state_) {
    case State::kChunkSize:
      return OnChunkSizeByte(c);
    case State::kChunkSizeSpace:
    case State::kChunkExtension:
      return OnExtensionByte(c);
    case State::kChunkSizeLf:
      return c == '\n' ? EndChunkSizeLine() : "a chunk size line ends in a bare CR";
    case State::kChunkDataCr:
      state_ = State::kChunkDataLf;
      return c == '\r' ? nullptr : "a chunk is longer than its size or lacks its CRLF";
    case State::kChunkDataLf:
      state_ = State::kChunkSize;
      return c == '\n' ? nullptr : "a chunk ends in a bare CR";
    case State::kTrailerLine:
      return OnTrailerLineStart(c);
    case State::kTrailerName:
      return OnTrailerNameByte(c);
    case State::kTrailerValue:
      return OnTrailerValueByte(c);
    case State::kTrailerLf:
      if (c != '\n') return "a trailer ends in a bare CR";
      EndTrailerField();
      state_ = State::kTrailerLine;
      return nullptr;
    case State::kLastLf:
      state_ = State::kFinished;
      return c == '\n' ? nullptr : "the last line ends in a bare CR";
    case State::kIdentity:
    case State::kChunkData:
    case State::kFinished:
    case State::kFailed:
      return "not within chunked framing";
  }
  return nullptr;
}

const char* BodyDecoder::OnChunkSizeByte(char c) noexcept {
  const int value = HexValue(c);
  if (value >= 0) {
    if (++digits_ > base::kChunkSizeDigitsMax || remaining_ > (UINT64_MAX >> 5)) return "a chunk size overflows";
    remaining_ = remaining_ << 4 | static_cast<uint64_t>(value);
    return nullptr;
  }
  if (digits_ == 0) return "a chunk without a size";
  if (c == '\r') {
    state_ = State::kChunkSizeLf;
    return nullptr;
  }
  if (c == '\n') return "a chunk size line ends in a bare LF";
  if (c != ';' && !IsOws(c)) return "a chunk size is not hexadecimal";
  state_ = c == ';' ? State::kChunkExtension : State::kChunkSizeSpace;
  ++extension_bytes_;
  return nullptr;
}

const char* BodyDecoder::OnExtensionByte(char c) noexcept {
  if (++extension_bytes_ > base::kChunkExtensionBytesMax) return "chunk extensions are too large";
  if (state_ == State::kChunkSizeSpace) {
    if (c == ';') state_ = State::kChunkExtension;
    return c == ';' || IsOws(c) ? nullptr : "white space behind a chunk size";
  }
  if (c == '\r') {
    state_ = State::kChunkSizeLf;
    return nullptr;
  }
  if (c == '\n') return "a chunk size line ends in a bare LF";
  return IsTextByte(c) ? nullptr : "a control character in a chunk extension";
}

const char* BodyDecoder::EndChunkSizeLine() noexcept {
  state_ = remaining_ == 0 ? State::kTrailerLine : State::kChunkData;
  digits_ = 0;
  return nullptr;
}

const char* BodyDecoder::OnTrailerLineStart(char c) noexcept {
  if (c == '\r') {
    state_ = State::kLastLf;
    return nullptr;
  }
  if (IsOws(c)) return "a folded trailer";
  if (++trailer_fields_ > base::kTrailersMax) {
    too_large_ = true;
    return "too many trailers";
  }
  state_ = State::kTrailerName;
  name_bytes_ = 0;
  line_at_ = trailer_bytes_;
  return OnTrailerNameByte(c);
}

const char* BodyDecoder::OnTrailerValueByte(char c) noexcept {
  if (c == '\r') {
    state_ = State::kTrailerLf;
    return nullptr;
  }
  if (!IsTextByte(c)) return c == '\n' ? "a trailer ends in a bare LF" : "a control character in a trailer";
  return KeepTrailerByte(c);
}

const char* BodyDecoder::OnTrailerNameByte(char c) noexcept {
  if (c == ':') {
    if (name_bytes_ == 0) return "an empty trailer name";
    if (IsBarredTrailer({name_, std::min<size_t>(name_bytes_, kBarredNameBytes)})) {
      return "a framing, authentication or forwarding field in a trailer";
    }
    state_ = State::kTrailerValue;
    return nullptr;
  }
  if (!IsToken({&c, 1}))
    return IsOws(c) ? "white space before a trailer's colon" : "a trailer name that is not a token";
  const char lower = LowerChar(c);
  if (name_bytes_ < kBarredNameBytes) name_[name_bytes_] = lower;
  ++name_bytes_;
  return KeepTrailerByte(lower);
}

const char* BodyDecoder::KeepTrailerByte(char c) noexcept {
  if (trailer_bytes_ == base::kTrailersBytesMax) {
    too_large_ = true;
    return "trailers are too large";
  }
  if (trailers_ != nullptr) {
    if (trailer_text_ == nullptr) trailer_text_ = trailers_->arena().AllocateArray<char>(base::kTrailersBytesMax);
    trailer_text_[trailer_bytes_] = c;
  }
  ++trailer_bytes_;
  return nullptr;
}

void BodyDecoder::EndTrailerField() {
  if (trailers_ == nullptr) return;
  const std::string_view name(trailer_text_ + line_at_, name_bytes_);
  const std::string_view value(trailer_text_ + line_at_ + name_bytes_, trailer_bytes_ - line_at_ - name_bytes_);
  trailers_->Add(InternHeader(name), name, TrimOws(value));
}

}  // namespace headgate::http::h1
