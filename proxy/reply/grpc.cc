#include "proxy/reply/grpc.h"

#include <algorithm>
#include <chrono>

#include "metrics/reasons.h"
#include "proxy/reply/outcome.h"

namespace headgate::proxy {

using base::ErrorCode;

namespace {

constexpr base::Duration kTimeoutMax = std::chrono::hours(24 * 365);
constexpr size_t kTimeoutDigitsMax = 8;

constexpr bool IsDigit(char c) noexcept { return c >= '0' && c <= '9'; }

// 0: no unit.
base::Duration UnitOf(char unit) noexcept {
  switch (unit) {
    case 'H':
      return std::chrono::hours(1);
    case 'M':
      return std::chrono::minutes(1);
    case 'S':
      return std::chrono::seconds(1);
    case 'm':
      return std::chrono::milliseconds(1);
    case 'u':
      return std::chrono::microseconds(1);
    case 'n':
      return std::chrono::nanoseconds(1);
    default:
      return base::Duration{0};
  }
}

constexpr bool NeedsEncoding(char c) noexcept { return c < 0x20 || c > 0x7e || c == '%'; }

}  // namespace

GrpcStatus GrpcStatusOf(ErrorCode code) noexcept {
  // Nothing was sent: the upstream is unavailable, no deadline of the call has passed.
  if (code == ErrorCode::kConnectTimeout) return GrpcStatus::kUnavailable;
  if (code == ErrorCode::kRateLimited) return GrpcStatus::kResourceExhausted;
  if (code == ErrorCode::kLoop) return GrpcStatus::kInternal;  // no client should try again
  const uint16_t status = OutcomeOf(code).status;
  if (status == 408 || status == 504) return GrpcStatus::kDeadlineExceeded;
  return GrpcStatusOfHttp(status);
}

GrpcStatus GrpcStatusOfHttp(uint16_t status) noexcept {
  switch (status) {
    case 400:
      return GrpcStatus::kInternal;
    case 401:
      return GrpcStatus::kUnauthenticated;
    case 403:
      return GrpcStatus::kPermissionDenied;
    case 404:
      return GrpcStatus::kUnimplemented;
    case 413:
    case 431:
      return GrpcStatus::kResourceExhausted;
    case 429:
    case 502:
    case 503:
    case 504:
      return GrpcStatus::kUnavailable;
    default:
      return GrpcStatus::kUnknown;
  }
}

std::string_view GrpcStatusText(GrpcStatus status) noexcept {
  return metrics::kGrpcStatusLabels[static_cast<size_t>(status)];
}

std::optional<base::Duration> ParseGrpcTimeout(std::string_view value) noexcept {
  if (value.size() < 2 || value.size() > kTimeoutDigitsMax + 1) return std::nullopt;
  const base::Duration unit = UnitOf(value.back());
  if (unit.count() == 0) return std::nullopt;
  int64_t count = 0;
  for (const char c : value.substr(0, value.size() - 1)) {
    if (!IsDigit(c)) return std::nullopt;
    count = count * 10 + (c - '0');
  }
  return count > kTimeoutMax / unit ? kTimeoutMax : unit * count;
}

std::optional<uint8_t> GrpcStatusLabelIn(const http::HeaderMap& fields) noexcept {
  const http::HeaderField* field = fields.Find(http::HeaderId::kGrpcStatus);
  if (field == nullptr) return std::nullopt;
  const std::string_view text = field->value;
  if (text.empty() || text.size() > 2 || !std::all_of(text.begin(), text.end(), IsDigit)) {
    return metrics::kGrpcStatusOther;
  }
  unsigned status = 0;
  for (const char c : text) status = status * 10 + static_cast<unsigned>(c - '0');
  return metrics::GrpcStatusLabel(status);
}

std::string_view EncodeGrpcMessage(std::string_view text, base::Arena& arena) {
  const auto encoded = static_cast<size_t>(std::count_if(text.begin(), text.end(), NeedsEncoding));
  if (encoded == 0) return text;
  const size_t size = text.size() + 2 * encoded;
  char* out = arena.AllocateArray<char>(size);
  char* at = out;
  for (const char c : text) {
    if (!NeedsEncoding(c)) {
      *at++ = c;
      continue;
    }
    constexpr char kHex[] = "0123456789ABCDEF";
    const auto byte = static_cast<unsigned char>(c);
    *at++ = '%';
    *at++ = kHex[byte >> 4U];
    *at++ = kHex[byte & 0x0fU];
  }
  return {out, size};
}

void AddGrpcStatus(GrpcStatus status, std::string_view message, http::HeaderMap& fields) {
  fields.Add(http::HeaderId::kGrpcStatus, GrpcStatusText(status));
  fields.Add(http::HeaderId::kGrpcMessage, EncodeGrpcMessage(message, fields.arena()));
}

}  // namespace headgate::proxy
