// gRPC as far as a proxy has a word in it: statuses for answers of our own, deadlines, messages. What the upstream says
// is passed on as it came. (github.com/grpc/grpc: doc/PROTOCOL-HTTP2.md, doc/http-grpc-status-mapping.md)
// Pure functions.
// Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/arena.h"
#include "base/clock.h"
#include "base/error.h"
#include "http/header_map.h"

namespace headgate::proxy {

// Those that answers of our own may have.
enum class GrpcStatus : uint8_t {
  kUnknown = 2,
  kDeadlineExceeded = 4,
  kPermissionDenied = 7,
  kResourceExhausted = 8,
  kUnimplemented = 12,
  kInternal = 13,
  kUnavailable = 14,
  kUnauthenticated = 16,
};

// What an error of the request path is to a gRPC client.
GrpcStatus GrpcStatusOf(base::ErrorCode code) noexcept;
// The same for an HTTP status that we would answer with.
GrpcStatus GrpcStatusOfHttp(uint16_t status) noexcept;
// "14".
std::string_view GrpcStatusText(GrpcStatus status) noexcept;

// grpc-timeout: 1 to 8 digits and a unit (H M S m u n). Malformed: nothing. More than a year is a year.
std::optional<base::Duration> ParseGrpcTimeout(std::string_view value) noexcept;

// The grpc-status among these fields as a metric's label (metrics::GrpcStatusLabel); nothing where there is none.
std::optional<uint8_t> GrpcStatusLabelIn(const http::HeaderMap& fields) noexcept;

// grpc-message is percent-encoded outside of visible ASCII and space. `text` itself where nothing is to be encoded.
std::string_view EncodeGrpcMessage(std::string_view text, base::Arena& arena);

// Adds grpc-status and grpc-message.
void AddGrpcStatus(GrpcStatus status, std::string_view message, http::HeaderMap& fields);

}  // namespace headgate::proxy
