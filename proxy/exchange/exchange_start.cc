// The exchange's first part: from a decoded head to an attempt, or to an answer of our own.
#include <algorithm>
#include <string>

#include "http/forwarding.h"
#include "proxy/exchange/exchange.h"
#include "proxy/filters/request_filters.h"
#include "routing/rewrite.h"

namespace headgate::proxy {

using base::Error;
using base::ErrorCode;
using http::HeaderId;

namespace {

constexpr size_t kRequestIdBytes = 32;
constexpr size_t kRequestIdBytesMax = 128;
constexpr size_t kBackendsOnStack = 64;
constexpr Error kCameBack{ErrorCode::kLoop, base::Side::kProxy, base::Retry::kNever,
                          "the request carries this process's own mark in cdn-loop, or too many marks"};

bool IsLowerHex(std::string_view text) noexcept {
  return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool IsAllZero(std::string_view text) noexcept { return text.find_first_not_of('0') == std::string_view::npos; }

// The 32 hex digits of a W3C traceparent's trace-id (version-id-parent-flags); empty when the field is not one. Later
// versions may append to it.
std::string_view TraceIdOf(std::string_view traceparent) noexcept {
  constexpr size_t kBytes = 55;
  if (traceparent.size() < kBytes) return {};
  const std::string_view version = traceparent.substr(0, 2);
  const std::string_view id = traceparent.substr(3, 32);
  const std::string_view parent = traceparent.substr(36, 16);
  const std::string_view flags = traceparent.substr(53, 2);
  const bool ends = traceparent.size() == kBytes || (version != "00" && traceparent[kBytes] == '-');
  const bool shaped = traceparent[2] == '-' && traceparent[35] == '-' && traceparent[52] == '-' && ends;
  const bool hex = IsLowerHex(version) && IsLowerHex(id) && IsLowerHex(parent) && IsLowerHex(flags);
  return shaped && hex && version != "ff" && !IsAllZero(id) && !IsAllZero(parent) ? id : std::string_view();
}

// The protocol that the request came in (RFC 9110 7.6.3).
std::string_view ViaOf(http::Version version) noexcept {
  switch (version) {
    case http::Version::kHttp10:
      return "1.0 headgate";
    case http::Version::kHttp11:
      return "1.1 headgate";
    case http::Version::kHttp2:
      return "2 headgate";
  }
  return "1.1 headgate";
}

// What HTTP/1.0 without Host is forwarded with: HTTP/1.1 needs one (RFC 9112 3.2).
std::string_view HostOf(const routing::UpstreamPolicy& upstream, base::Arena& arena) {
  if (!upstream.dns_host.empty()) {
    const bool usual = upstream.dns_port == (upstream.tls.enabled ? 443 : 80);
    return usual ? std::string_view(upstream.dns_host)
                 : arena.Concat({upstream.dns_host, ":", std::to_string(upstream.dns_port)});
  }
  return upstream.endpoints.empty() ? std::string_view() : arena.Copy(upstream.endpoints.front().address.ToString());
}

}  // namespace

void Exchange::Begin(DownstreamStream& stream, PinRef pin, uint32_t listener, base::Instant first_byte,
                     const Error& head_error) {
  state_ = State::kJudging;
  stream_ = &stream;
  pin_ = std::move(pin);
  const ListenerRuntime& runtime = pin_->snapshot().listeners[listener];
  listener_ = runtime.policy.get();
  listener_index_ = listener;
  buffer_bytes_ = listener_->limits.stream_buffer_bytes;
  series_ = pin_->snapshot().no_route.get();
  client_ = stream.client().peer;
  started_ = first_byte;
  wall_started_ = services_.worker.wall_now - (now() - first_byte);
  request_ended_ = request_->body.kind == http::BodyKind::kNone;
  RememberForLog();
  FindClient();
  if (IsNeverAnswered(head_error)) return Fail(head_error);
  Start(head_error);
  if (state_ != State::kFinished && state_ != State::kFree) UpdateRequestCredit();
}

// Also of what is refused: nobody else's word counts in its log line and its answer either.
void Exchange::FindClient() {
  client_ = http::ApplyForwarding({.peer = client_,
                                   .trusted = pin_->compiled().trusted_proxies,
                                   .scheme = request_->scheme,
                                   .public_port = listener_->public_port,
                                   .peer_text = stream_->client().peer_text},
                                  *request_);
  TakeRequestId();
}

void Exchange::Start(const Error& head_error) {
  grpc_ = request_->is_grpc && !request_->wants_websocket && request_->version == http::Version::kHttp2;
  if (head_error.code != ErrorCode::kNone) return ReplyError(head_error);
  if (services_.worker.process.loop_mark.IsIn(request_->headers)) return ReplyError(kCameBack);
  const Error misdirected = CheckAuthority(stream_->client(), *request_);
  if (misdirected.code != ErrorCode::kNone) return ReplyError(misdirected);
  const routing::HttpsRedirectPolicy& https = listener_->https_redirect;
  if (routing::GoesToHttps(https, *request_)) return ReplyHttpsRedirect();
  const routing::RouteTable& table = pin_->compiled().table;
  match_ = table.Find(listener_index_, *request_);
  if (match_.route == nullptr) {
    return ReplyError(JudgeUnrouted(stream_->client(), *request_, table, listener_index_));
  }
  TakeRoute();
}

// A trusted proxy's id is kept; everyone else gets a new one.
void Exchange::TakeRequestId() {
  request_id_ = request_->headers.Get(HeaderId::kXRequestId);
  if (request_id_.empty() || request_id_.size() > kRequestIdBytesMax) {
    char* id = arena_.AllocateArray<char>(kRequestIdBytes);
    services_.random.Hex({id, kRequestIdBytes});
    request_id_ = {id, kRequestIdBytes};
  }
  request_->headers.Set(HeaderId::kXRequestId, request_id_);
}

void Exchange::RememberForLog() {
  log_host_ = request_->host;
  log_path_ = request_->path;
  log_query_ = request_->query;
  log_user_agent_ = request_->headers.Get(HeaderId::kUserAgent);
  log_referer_ = request_->headers.Get(HeaderId::kReferer);
  trace_id_ = TraceIdOf(request_->headers.Get(HeaderId::kTraceparent));
}

void Exchange::TakeRoute() {
  route_ = match_.route;
  series_ = pin_->snapshot().routes[match_.route_index].get();
  shard().AddGauge(series_->requests_active, 1);
  route_counted_ = true;
  if (route_->timeouts.request.count() > 0) request_deadline_ = started_ + route_->timeouts.request;
  if (grpc_) TakeGrpcTimeout();
  if (!RunFilters()) return;
  if (const auto* redirect = std::get_if<routing::RedirectAction>(&route_->action)) return ReplyRedirect(*redirect);
  if (const auto* respond = std::get_if<routing::RespondAction>(&route_->action)) return ReplyRespond(*respond);
  Forward(std::get<routing::ForwardAction>(route_->action));
}

bool Exchange::RunFilters() {
  const Error refused = RunRequestFilters({*request_, stream_->client(), client_, *route_});
  if (refused.code == ErrorCode::kNone) return true;
  ReplyError(refused);
  return false;
}

void Exchange::Forward(const routing::ForwardAction& action) {
  routing::SplitState& split = pin_->split(match_.route_index);
  bool usable[kBackendsOnStack];
  size_t known = 0;
  if (action.backends.size() <= kBackendsOnStack && action.backends.size() > 1) {
    for (; known < action.backends.size(); ++known) {
      usable[known] = pin_->clusters[action.backends[known].upstream]->has_endpoint();
    }
  }
  const routing::SplitContext context{
      .head = *request_, .client = client_, .rng = services_.worker.rng, .arena = arena_, .usable = {usable, known}};
  const std::optional<routing::BackendChoice> choice = routing::ChooseBackend(action, split, context);
  if (!choice) {
    return ReplyError({ErrorCode::kNoBackends, base::Side::kProxy, base::Retry::kNever, "every weight is 0"});
  }
  const routing::Backend& backend = action.backends[choice->backend];
  const routing::UpstreamPolicy& upstream = *pin_->compiled().upstreams[backend.upstream];
  backend_series_ = choice->backend + 1;
  upstream_name_ = backend.name;
  set_cookie_ = choice->set_cookie;
  const bool h2 = upstream.protocol != routing::UpstreamProtocol::kHttp1;
  if (grpc_ && !h2) return ReplyGrpcNeedsHttp2();
  if (request_->is_grpc) stream_->StopBodyClock();
  const base::Result<void> rewritten = routing::ApplyRewrite(route_->rewrite, match_, *request_);
  if (!rewritten.ok()) return ReplyError(rewritten.error());
  if (request_->authority.empty()) request_->authority = HostOf(upstream, arena_);
  PrepareUpstreamHead();
  state_ = State::kForwarding;
  ArmTimer();
  forwarder_.Begin({.cluster = pin_->clusters[backend.upstream],
                    .head = &*request_,
                    .retry = &route_->retry,
                    .deadline = request_deadline_,
                    .attempt_timeout = route_->timeouts.backend_request,
                    .idle_timeout = route_->timeouts.head_idle,
                    .buffer_bytes = buffer_bytes_,
                    .head_bytes_max = listener_->limits.upstream_head_bytes,
                    .ended = request_ended_,
                    .h2 = h2});
}

void Exchange::PrepareUpstreamHead() {
  routing::RemoveLookAlikes(route_->request_headers, request_->headers);
  routing::ApplyHeaderChanges(route_->request_headers, request_->headers);
  services_.worker.process.loop_mark.AddTo(request_->headers);
  if (pin_->compiled().via) {
    request_->headers.Add(HeaderId::kVia, ViaOf(request_->version));
  }
}

}  // namespace headgate::proxy
