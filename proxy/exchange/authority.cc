#include "proxy/exchange/authority.h"

namespace headgate::proxy {

using base::Error;
using base::ErrorCode;
using base::Retry;
using base::Side;

Error CheckAuthority(const ClientInfo& connection, const http::RequestHead& head) noexcept {
  if (connection.certificates == nullptr || connection.server_name.empty()) return {};
  if (head.host == connection.server_name) return {};
  if (connection.certificates->SpeaksFor(connection.certificate_index, head.host)) return {};
  return {ErrorCode::kMisdirected, Side::kClient, Retry::kNever, "the authority belongs to another certificate"};
}

Error JudgeUnrouted(const ClientInfo& connection, const http::RequestHead& head, const routing::RouteTable& table,
                    uint32_t listener) noexcept {
  const bool named = !connection.server_name.empty() && head.host != connection.server_name;
  if (named && table.BelongsElsewhere(listener, head.host)) {
    return {ErrorCode::kMisdirected, Side::kClient, Retry::kNever, "the authority belongs to another listener"};
  }
  return {ErrorCode::kNoRoute, Side::kProxy, Retry::kNever, "no route matches"};
}

}  // namespace headgate::proxy
