#include "proxy/exchange/exchange.h"

#include <algorithm>
#include <string>

#include "base/check.h"
#include "http/forwarding.h"
#include "proxy/exchange/authority.h"
#include "proxy/exchange/request_id.h"
#include "proxy/reply/outcome.h"
#include "routing/hash_key.h"
#include "routing/policy/judgement.h"
#include "routing/rewrite.h"
#include "routing/split.h"

namespace headgate::proxy {

using base::Error;
using base::ErrorCode;
using base::Retry;
using base::Side;
using http::HeaderId;
using metrics::UpstreamResult;

namespace {

constexpr size_t kBackendsOnStack = 64;
// After this a response that still runs gives the snapshot back.
constexpr base::Duration kPinnedMax = std::chrono::seconds(2);
constexpr Error kMemoryFull{ErrorCode::kOverload, Side::kProxy, Retry::kNever, "limits.maxMemory is reached"};

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

void PrepareUpstreamHead(const routing::RoutePolicy& route, const ProcessShared& process, bool via,
                         http::RequestHead& head) {
  routing::RemoveLookAlikes(route.request_headers, head.headers);
  routing::ApplyHeaderChanges(route.request_headers, head.headers);
  process.loop_mark.AddTo(head.headers);
  if (via) head.headers.Add(HeaderId::kVia, ViaOf(head.version));
}

}  // namespace

Exchange::Exchange(ExchangeServices& services)
    : services_(services),
      arena_(services.worker.slabs),
      forwarder_(services.worker, arena_, *this),
      timer_([](void* self) { static_cast<Exchange*>(self)->OnTimer(); }, this) {
  arena_.Reset();
  request_.emplace(arena_);
}

Exchange::~Exchange() = default;

// The header draws the legal ones.
void Exchange::SetState(State state) noexcept {
  static constexpr auto Bit = [](State of) { return 1U << static_cast<unsigned>(of); };
  static constexpr unsigned kNext[] = {
      /*kFree*/ Bit(State::kJudging),
      /*kJudging*/ Bit(State::kWaiting) | Bit(State::kForwarding) | Bit(State::kReplying) | Bit(State::kFinished),
      /*kWaiting*/ Bit(State::kJudging) | Bit(State::kReplying) | Bit(State::kFinished),
      /*kForwarding*/ Bit(State::kResponding) | Bit(State::kTunnel) | Bit(State::kReplying) | Bit(State::kFinished),
      /*kResponding*/ Bit(State::kFinished),
      /*kTunnel*/ Bit(State::kFinished),
      /*kReplying*/ Bit(State::kFinished),
      /*kFinished*/ 0,
  };
  HG_CHECK((kNext[static_cast<size_t>(state_)] & Bit(state)) != 0);
  state_ = state;
}

void Exchange::Begin(DownstreamStream& stream, PinRef pin, uint32_t listener, base::Instant first_byte,
                     const Error& head_error) {
  SetState(State::kJudging);
  stream_ = &stream;
  route_.Pin(std::move(pin), listener);
  buffer_bytes_ = route_.listener().limits.stream_buffer_bytes;
  request_ended_ = request_->body.kind == http::BodyKind::kNone;
  record_.Begin(*request_, first_byte, services_.worker);
  // Runs for refused requests too: their log line and answer must not trust forwarding fields of an untrusted peer.
  client_ = http::ApplyForwarding({.peer = stream.client().peer,
                                   .trusted = route_.compiled().trusted_proxies,
                                   .scheme = request_->scheme,
                                   .public_port = route_.listener().public_port,
                                   .peer_text = stream.client().peer_text},
                                  *request_);
  record_.request_id = TakeRequestId(*request_, services_.random);
  if (IsNeverAnswered(*request_, head_error.code)) return Fail(head_error);
  Judge(head_error);
  if (state_ != State::kFinished && state_ != State::kFree) UpdateRequestCredit();
}

void Exchange::Judge(const Error& head_error) {
  record_.grpc = request_->is_grpc && !request_->wants_websocket && request_->version == http::Version::kHttp2;
  if (head_error.code != ErrorCode::kNone) return ReplyError(head_error);
  const Error came_back = CheckLoop(services_.worker.process.loop_mark, *request_);
  if (came_back.code != ErrorCode::kNone) return ReplyError(came_back);
  const Error misdirected = CheckAuthority(stream_->client(), *request_);
  if (misdirected.code != ErrorCode::kNone) return ReplyError(misdirected);
  const routing::HttpsRedirectPolicy& https = route_.listener().https_redirect;
  if (routing::GoesToHttps(https, *request_)) {
    const Error refused = routing::JudgeHttpsRedirect(*request_);
    if (refused.code != ErrorCode::kNone) return ReplyError(refused);
    Reply reply(arena_);
    ComposeHttpsReply(https, *request_, reply);
    return SendReply(reply);
  }
  if (!route_.Find(*request_)) {
    const routing::RouteTable& table = route_.compiled().table;
    return ReplyError(JudgeUnrouted(stream_->client(), *request_, table, route_.listener_index()));
  }
  services_.worker.shard.AddGauge(route_.series().requests_active, 1);
  TakeRoute();
}

void Exchange::TakeRoute() {
  const routing::RoutePolicy& route = *route_.policy();
  if (route.timeouts.request.count() > 0) deadlines_.Limit(record_.started + route.timeouts.request);
  if (record_.grpc) {
    const std::optional<base::Duration> timeout = ParseGrpcTimeout(request_->headers.Get(HeaderId::kGrpcTimeout));
    if (timeout) deadlines_.LimitCall(record_.started + *timeout);
  }
  if (services_.worker.process.memory_full.load(std::memory_order_relaxed)) return ReplyError(kMemoryFull);
  if (route_.filters() == nullptr) return Act();
  RunFilters(FilterResult::Continue());
}

// Goes on behind a filter that said `result`.
void Exchange::RunFilters(FilterResult result) {
  using Verdict = FilterResult::Verdict;
  if (result.verdict == Verdict::kContinue) {
    result = filters_.Run(*route_.filters(), {.head = *request_,
                                              .connection = stream_->client(),
                                              .client = client_,
                                              .route = *route_.policy(),
                                              .request_id = record_.request_id,
                                              .arena = arena_,
                                              .worker = services_.worker,
                                              .events = *this});
  }
  switch (result.verdict) {
    case Verdict::kContinue:
      return Act();
    case Verdict::kReplied:
      if (result.reply == nullptr) return ReplyError(result.error);
      record_.error = result.error;
      return SendReply(*result.reply);
    case Verdict::kWaiting:
      SetState(State::kWaiting);
      deadlines_.idle.Start(kFilterWaitMax, now());
      return ArmTimer();
  }
}

void Exchange::OnFilterDone(FilterResult result) {
  HG_CHECK(result.verdict != FilterResult::Verdict::kWaiting);
  SetState(State::kJudging);
  filters_.EndWait(services_.worker.graveyard);
  deadlines_.idle.Stop();
  RunFilters(std::move(result));
  UpdateRequestCredit();
}

// The route's action, once its filters let the request pass.
void Exchange::Act() {
  const routing::RoutePolicy& route = *route_.policy();
  if (const auto* forward = std::get_if<routing::ForwardAction>(&route.action)) return Forward(*forward);
  const Error refused = routing::JudgeOwnAnswer(route, *request_);
  if (refused.code != ErrorCode::kNone) return ReplyError(refused);
  Reply reply(arena_);
  ComposeOwnReply(route_.match(), route_.listener().public_port, *request_, reply);
  SendReply(reply);
}

void Exchange::Forward(const routing::ForwardAction& action) {
  const SnapshotPin& pin = route_.pin();
  bool usable[kBackendsOnStack];
  size_t known = 0;
  if (action.backends.size() <= kBackendsOnStack && action.backends.size() > 1) {
    for (; known < action.backends.size(); ++known) {
      usable[known] = pin.clusters[action.backends[known].upstream]->has_endpoint();
    }
  }
  const routing::SplitContext context{
      .head = *request_, .client = client_, .rng = services_.worker.rng, .arena = arena_, .usable = {usable, known}};
  routing::SplitState& split = pin.split(route_.match().route_index);
  const std::optional<routing::BackendChoice> choice = routing::ChooseBackend(action, split, context);
  if (!choice) return ReplyError(routing::kNoWeight);
  route_.Choose(choice->backend);
  set_cookie_ = choice->set_cookie;
  const uint32_t index = action.backends[choice->backend].upstream;
  SendUp(*pin.compiled().upstreams[index], *pin.clusters[index]);
}

void Exchange::SendUp(const routing::UpstreamPolicy& upstream, Cluster& cluster) {
  const routing::RoutePolicy& route = *route_.policy();
  const bool h2 = upstream.protocol != routing::UpstreamProtocol::kHttp1;
  if (record_.grpc && !h2) {
    Reply reply(arena_);
    record_.error = {ErrorCode::kUpstreamProtocol, Side::kProxy, Retry::kNever, "gRPC to an HTTP/1.1 upstream"};
    reply.grpc = GrpcStatus::kUnimplemented;
    reply.grpc_message = "the upstream speaks HTTP/1.1, which cannot carry gRPC";
    return SendReply(reply);
  }
  if (request_->is_grpc) stream_->StopBodyClock();
  const routing::HashKey key = routing::HashKeyOf(upstream.hash_on, *request_, client_, services_.worker.rng, arena_);
  hash_cookie_ = key.set_cookie;
  const base::Result<void> rewritten = routing::ApplyRewrite(route.rewrite, route_.match(), *request_);
  if (!rewritten.ok()) return ReplyError(rewritten.error());
  if (request_->authority.empty()) request_->authority = HostOf(upstream, arena_);
  PrepareUpstreamHead(route, services_.worker.process, route_.compiled().via, *request_);
  SetState(State::kForwarding);
  ArmTimer();
  forwarder_.Begin({.cluster = &cluster,
                    .head = &*request_,
                    .retry = &route.retry,
                    .hash = key.hash,
                    .deadline = deadlines_.request(),
                    .attempt_timeout = route.timeouts.backend_request,
                    .idle_timeout = route.timeouts.head_idle,
                    .buffer_bytes = buffer_bytes_,
                    .head_bytes_max = route_.listener().limits.upstream_head_bytes,
                    .ended = request_ended_ && !filters_.holds_body(),
                    .h2 = h2});
  if (filters_.holds_body()) {
    forwarder_.SendBody(filters_.body(), base::EndIf(request_ended_), filters_.trailers());
  }
}

void Exchange::ArmTimer() {
  base::Instant next = deadlines_.Next();
  if (state_ == State::kResponding && route_.pinned()) next = std::min(next, now() + kPinnedMax);
  if (next != base::Instant::max()) services_.worker.timers.Arm(timer_, next);
}

void Exchange::OnTimer() {
  if (now() >= deadlines_.request()) {
    const char* detail = deadlines_.Name(now(), forwarder_.connecting());
    return Fail({ErrorCode::kRequestTimeout, Side::kProxy, Retry::kNever, detail});
  }
  if (now() >= deadlines_.idle.deadline()) {
    const char* detail = state_ == State::kWaiting ? "a filter gave no answer" : "nothing moved for timeouts.idle";
    return Fail({ErrorCode::kIdleTimeout, Side::kProxy, Retry::kNever, detail});
  }
  if (state_ == State::kResponding) route_.LetGo();
  ArmTimer();
}

void Exchange::OnClientError(const Error& error) {
  const bool gone = error.code == ErrorCode::kClientClosed || error.code == ErrorCode::kSlowReader ||
                    error.code == ErrorCode::kDraining;
  client_gone_ = client_gone_ || gone;
  if (state_ == State::kReplying && !gone && !IsNeverAnswered(*request_, error.code))
    return;  // an answer is on its way already
  if (progress_ >= Progress::kGiven && record_.error.code != ErrorCode::kNone) {
    // The answer says why, whether the client waits for its last byte or not.
    stream_->Abort();
    return Finish();
  }
  Fail(error);
}

// Before a head was sent the client gets an answer, afterwards a response that is visibly cut off.
void Exchange::Fail(const Error& error) {
  if (state_ == State::kFinished) return;
  record_.error = error;
  const bool ours = error.side == Side::kClient || error.code == ErrorCode::kDraining;
  const bool idle = error.code == ErrorCode::kIdleTimeout;
  const bool late = idle || error.code == ErrorCode::kUpstreamTimeout || error.code == ErrorCode::kRequestTimeout;
  UpstreamResult result = ours ? UpstreamResult::kCanceled : UpstreamResult::kReset;
  // In a tunnel nobody owed anything.
  if (late) result = idle && state_ == State::kTunnel ? UpstreamResult::kOk : UpstreamResult::kTimeout;
  filters_.Abandon(services_.worker.graveyard);
  forwarder_.End(result);
  if (progress_ == Progress::kNone && !client_gone_ && !IsNeverAnswered(*request_, error.code)) {
    return ReplyError(error);
  }
  if (EndGrpcResponse(error)) return;
  if (progress_ == Progress::kNone) record_.status = OutcomeOf(error.code).status;
  stream_->Abort();
  Finish();
}

void Exchange::Finish() {
  if (state_ == State::kFinished) return;
  forwarder_.End(UpstreamResult::kOk);
  const base::Instant ended = services_.worker.clock.Now();  // many a request begins and ends in one turn
  const RequestParties parties{stream_->client(), client_, route_, forwarder_};
  CountOutcome(record_, parties, ended, services_.worker);
  metrics::Shard& cells = services_.worker.shard;
  if (record_.tunnel) cells.AddGauge(route_.series().tunnels_active, -1);
  if (route_.policy() != nullptr) cells.AddGauge(route_.series().requests_active, -1);
  if (services_.access_log != nullptr) WriteAccessLog(record_, parties, ended, *services_.access_log);
  SetState(State::kFinished);
  DownstreamStream* stream = std::exchange(stream_, nullptr);
  services_.pool.Return(this);
  stream->OnExchangeDone();
}

void Exchange::Reset() noexcept {
  timer_.Disarm();
  forwarder_.Reset();
  filters_.Reset();
  route_ = {};
  record_ = {};
  deadlines_ = {};
  progress_ = Progress::kNone;
  request_ended_ = client_gone_ = false;
  set_cookie_ = hash_cookie_ = {};
  head_slab_.reset();
  arena_.Reset();
  request_.emplace(arena_);
  state_ = State::kFree;
}

Exchange* ExchangePool::Take(ExchangeServices& services) {
  ++lent_;
  if (spare_.empty()) return new Exchange(services);
  Exchange* exchange = spare_.back().release();
  spare_.pop_back();
  return exchange;
}

void ExchangePool::Return(Exchange* exchange) noexcept {
  --lent_;
  exchange->Reset();  // also of one that never began: its head may be half filled
  std::unique_ptr<Exchange> owned(exchange);
  if (spare_.size() < spare_max_) spare_.push_back(std::move(owned));
}

}  // namespace headgate::proxy
