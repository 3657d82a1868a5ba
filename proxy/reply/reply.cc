#include "proxy/reply/reply.h"

#include "http/accept.h"
#include "http/reason.h"
#include "proxy/reply/outcome.h"
#include "routing/rewrite.h"

namespace headgate::proxy {

using http::HeaderId;

namespace {

std::string_view StatusText(uint16_t status, base::Arena& arena) {
  char* text = arena.AllocateArray<char>(3);
  text[0] = static_cast<char>('0' + status / 100);
  text[1] = static_cast<char>('0' + status / 10 % 10);
  text[2] = static_cast<char>('0' + status % 10);
  return {text, 3};
}

// A request id that a trusted proxy chose may hold any visible character.
bool NeedsNoEscape(std::string_view id) noexcept {
  for (const char c : id) {
    if (c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f)
      return false;
  }
  return true;
}

}  // namespace

void ComposeErrorReply(base::ErrorCode code, std::string_view request_id, const http::RequestHead& request,
                       Reply& reply) {
  const Outcome outcome = OutcomeOf(code);
  http::HeaderMap& fields = reply.head.headers;
  base::Arena& arena = fields.arena();
  const std::string_view reason = PublicReason(code);
  const std::string_view id = NeedsNoEscape(request_id) ? request_id : std::string_view();
  const std::string_view status = StatusText(outcome.status, arena);
  reply.head.status = outcome.status;
  reply.close = outcome.close;
  reply.grpc = GrpcStatusOf(code);
  reply.grpc_message = reason;
  if (http::PrefersJson(request.headers)) {
    fields.Add(HeaderId::kContentType, "application/json");
    reply.body = arena.Concat({"{\"status\":", status, ",\"reason\":\"", reason, "\",\"request_id\":\"", id, "\"}\n"});
  } else {
    fields.Add(HeaderId::kContentType, "text/plain; charset=utf-8");
    reply.body = arena.Concat({status, " ", reason, "\nrequest id: ", id, "\n"});
  }
  if (outcome.retry_after) fields.Add(HeaderId::kRetryAfter, "1");
  if (outcome.status == 405) fields.Add(HeaderId::kOther, "allow", "GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH");
}

void ComposeOwnReply(const routing::Match& match, uint16_t public_port, const http::RequestHead& request,
                     Reply& reply) {
  if (const auto* redirect = std::get_if<routing::RedirectAction>(&match.route->action)) {
    reply.head.status = redirect->status;
    reply.head.headers.Add(HeaderId::kLocation, routing::ComposeLocation(*redirect, match, public_port, request));
    return;
  }
  const auto& respond = std::get<routing::RespondAction>(match.route->action);
  reply.head.status = respond.status;
  reply.body = respond.body;
  routing::ApplyHeaderChanges(respond.headers, reply.head.headers);
  if (respond.status < 400) return;
  reply.grpc = GrpcStatusOfHttp(respond.status);
  reply.grpc_message = http::ReasonPhrase(respond.status);
}

void ComposeHttpsReply(const routing::HttpsRedirectPolicy& redirect, const http::RequestHead& request, Reply& reply) {
  reply.head.status = 308;
  reply.head.headers.Add(HeaderId::kLocation, routing::ComposeHttpsLocation(redirect, request));
}

void TurnIntoGrpc(std::string_view request_id, Reply& reply) {
  http::HeaderMap& fields = reply.head.headers;
  base::Arena& arena = fields.arena();
  std::string_view message = reply.grpc_message;
  if (!request_id.empty()) message = arena.Concat({message, ", request id ", request_id});
  reply.head.status = 200;
  reply.body = {};
  fields.Clear();
  fields.Add(HeaderId::kContentType, "application/grpc");
  AddGrpcStatus(*reply.grpc, message, fields);
}

}  // namespace headgate::proxy
