#include "proxy/exchange/local_reply.h"

#include "http/accept.h"
#include "proxy/exchange/outcome.h"

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

std::string_view ComposeErrorReply(base::ErrorCode code, std::string_view request_id, const http::RequestHead& request,
                                   http::ResponseHead& head) {
  const Outcome outcome = OutcomeOf(code);
  base::Arena& arena = head.headers.arena();
  const std::string_view reason = PublicReason(code);
  const std::string_view id = NeedsNoEscape(request_id) ? request_id : std::string_view();
  const std::string_view status = StatusText(outcome.status, arena);
  head.status = outcome.status;
  std::string_view body;
  if (http::PrefersJson(request.headers)) {
    head.headers.Add(HeaderId::kContentType, "application/json");
    body = arena.Concat({"{\"status\":", status, ",\"reason\":\"", reason, "\",\"request_id\":\"", id, "\"}\n"});
  } else {
    head.headers.Add(HeaderId::kContentType, "text/plain; charset=utf-8");
    body = arena.Concat({status, " ", reason, "\nrequest id: ", id, "\n"});
  }
  if (outcome.retry_after) head.headers.Add(HeaderId::kRetryAfter, "1");
  if (outcome.status == 405) {
    head.headers.Add(HeaderId::kOther, "allow", "GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH");
  }
  return body;
}

}  // namespace headgate::proxy
