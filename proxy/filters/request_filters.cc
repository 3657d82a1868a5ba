#include "proxy/filters/request_filters.h"

namespace headgate::proxy {

using base::Error;
using base::ErrorCode;
using base::Retry;
using base::Side;

namespace {

using Filter = Error (*)(const FilterContext&) noexcept;

Error CheckAccess(const FilterContext& context) noexcept {
  if (!context.route.access.restricts() || context.route.access.Allows(context.client)) return {};
  return {ErrorCode::kForbidden, Side::kClient, Retry::kNever, "the access list refuses the client's address"};
}

Error CheckWebSocket(const FilterContext& context) noexcept {
  if (!context.head.wants_websocket || context.route.websocket) return {};
  return {ErrorCode::kForbidden, Side::kClient, Retry::kNever, "the route does not allow websocket"};
}

Error CheckBodySize(const FilterContext& context) noexcept {
  const uint64_t limit = context.route.max_body_bytes;
  const http::Body& body = context.head.body;
  if (limit == 0 || body.kind != http::BodyKind::kLength || body.length <= limit) return {};
  return {ErrorCode::kBodyTooLarge, Side::kClient, Retry::kNever, "content-length is above maxBodySize"};
}

constexpr Filter kFilters[] = {CheckAccess, CheckWebSocket, CheckBodySize};

}  // namespace

Error RunRequestFilters(const FilterContext& context) noexcept {
  for (const Filter filter : kFilters) {
    const Error refused = filter(context);
    if (refused.code != ErrorCode::kNone) return refused;
  }
  return {};
}

}  // namespace headgate::proxy
