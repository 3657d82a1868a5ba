#include "proxy/downstream/downstream_h2_stream.h"

#include <algorithm>

#include "base/end.h"
#include "base/limits.h"
#include "proxy/downstream/downstream_h2_connection.h"

namespace headgate::proxy {

using base::Error;
using base::ErrorCode;
using base::Retry;
using base::Side;
using http::h2::H2Error;

namespace {

// What a stream may keep in any case when a connection's share is divided among many.
constexpr size_t kShareBytesMin = 4 * 1024;
// The least time over which a connection's bytes are weighed.
constexpr base::Duration kWeighedMin = std::chrono::seconds(1);

}  // namespace

DownstreamH2Stream::DownstreamH2Stream(DownstreamH2Connection& connection)
    : connection_(connection),
      timer_([](void* self) { static_cast<DownstreamH2Stream*>(self)->OnTimer(); }, this),
      clocks_(connection.limits()) {}

DownstreamH2Stream::~DownstreamH2Stream() = default;

base::Instant DownstreamH2Stream::now() const noexcept { return connection_.worker().now; }
const ClientInfo& DownstreamH2Stream::client() const noexcept { return connection_.client(); }

void DownstreamH2Stream::Open(Exchange& exchange) {
  const routing::LimitsPolicy& limits = connection_.limits();
  state_ = State::kHead;
  exchange_ = &exchange;
  request = &exchange.request();
  ResetStream(exchange.arena(), http::Method::kGet);
  first_byte_ = now();
  request_credit_ = queued_before_ = 0;
  tunnel_ = body_delivered_ = discarding_ = head_sent_ = outlived_ = false;
  clocks_.Reset(limits);
  clocks_.SetDeadline(now() + limits.head_timeout);
  ArmTimer();
}

void DownstreamH2Stream::StartBodyClock() noexcept {
  clocks_.body.Start(now());
  MarkBody();
  ArmTimer();
}

void DownstreamH2Stream::StartReadClock() noexcept {
  clocks_.reader.Start(now());
  MarkReader();
  ArmTimer();
}

void DownstreamH2Stream::MarkBody() noexcept { body_mark_ = {now(), BytesOfSiblings()}; }
void DownstreamH2Stream::MarkReader() noexcept { read_mark_ = {now(), connection_.data_sent()}; }

uint64_t DownstreamH2Stream::BytesOfSiblings() const noexcept { return connection_.bytes_read() - body_bytes(); }

// Streams take turns on a slow connection. It is none's fault as long as the connection moves as much as all of them
// must move together.
bool DownstreamH2Stream::SiblingsHadTheTurn(const Mark& mark, uint64_t bytes,
                                            uint32_t bytes_per_second) const noexcept {
  const base::Duration took = std::max(now() - mark.when, kWeighedMin);
  const auto seconds = static_cast<uint64_t>(std::chrono::ceil<std::chrono::seconds>(took).count());
  return bytes - mark.bytes >= seconds * std::max<uint32_t>(bytes_per_second, 1) * connection_.open_streams();
}

void DownstreamH2Stream::TakeNews() {
  const News news = this->news();
  ClearNews();
  if (news.head && state_ == State::kHead) StartExchange();
  if (news.body) discarding_ ? WatchDiscarded() : Deliver();
  if (news.sent) NoteSent();
  if (news.closed) NoteClosed();
}

// A request that was cancelled in the same read never begins.
void DownstreamH2Stream::StartExchange() {
  if (closed() && !malformed()) return;
  state_ = State::kExchange;
  clocks_.ClearDeadline();
  body_delivered_ = request->body.kind == http::BodyKind::kNone;
  Listener& listener = connection_.listener();
  const Error& error = head_error().code == ErrorCode::kNone ? body_error() : head_error();
  exchange_->Begin(*this, listener.CurrentSnapshot(), listener.index(), first_byte_, error);
}

void DownstreamH2Stream::Deliver() {
  while (exchange_ != nullptr && state_ == State::kExchange && !body_delivered_ && !malformed()) {
    const size_t bytes = std::min(request_credit_, received());
    const base::End end = base::EndIf(remote_ended() && bytes == received());
    if (bytes == 0 && end == base::End::kNo) return;
    base::Chain& data = connection_.incoming();
    connection_.session().TakeBody(*this, data, bytes);
    request_credit_ -= bytes;
    clocks_.body.Progress(now(), bytes);
    if (end == base::End::kYes) {
      body_delivered_ = true;
      clocks_.body.Stop(now());
    }
    exchange_->OnRequestBody(data, end, end == base::End::kYes ? trailers() : nullptr);
    data.Clear();
  }
}

void DownstreamH2Stream::SendInterim(http::ResponseHead& head) {
  connection_.session().SubmitInterim(*this, head);
  connection_.WakeUp();
}

void DownstreamH2Stream::SendHead(http::ResponseHead& head, base::End end) {
  head_sent_ = true;
  if (head.status == 101) {
    tunnel_ = true;
    body_delivered_ = false;
  }
  const std::string_view date = connection_.services().date.Now(connection_.worker().wall_now);
  connection_.session().SubmitResponse(*this, head, date, end);
  StarveIfFull();
  connection_.WakeUp();
}

void DownstreamH2Stream::SendBody(base::Chain& data, base::End end) {
  connection_.session().SendBody(*this, data, end);
  CountQueued();
  if (Stream::queued() > 0 && !clocks_.reader.running()) StartReadClock();
  StarveIfFull();
  connection_.WakeUp();
}

void DownstreamH2Stream::SendTrailers(const http::HeaderMap& trailers) {
  connection_.session().SendTrailers(*this, trailers);
  connection_.WakeUp();
}

// queued() calls the stream full as long as the connection holds too much, whatever its own queue does: it is fed
// later.
void DownstreamH2Stream::StarveIfFull() {
  if (connection_.HoldsTooMuch()) connection_.Starve(*this);
}

// A stream of many may keep its share of what the connection may hold; above that it looks full.
size_t DownstreamH2Stream::queued() const noexcept {
  const routing::LimitsPolicy& limits = connection_.limits();
  const size_t buffer = limits.stream_buffer_bytes;
  if (connection_.HoldsTooMuch()) return std::max(Stream::queued(), buffer);
  const size_t share =
      std::max(kShareBytesMin, limits.h2_connection_bytes / std::max<size_t>(1, connection_.open_streams()));
  return Stream::queued() + (share < buffer ? buffer - share : 0);
}

void DownstreamH2Stream::Abort() {
  if (closed()) return;
  connection_.session().Reset(*this, malformed() ? H2Error::kProtocolError : H2Error::kInternalError);
  connection_.WakeUp();
}

void DownstreamH2Stream::SetRequestCredit(size_t bytes) {
  request_credit_ = bytes;
  if (bytes == 0 || body_delivered_) return clocks_.body.Stop(now());
  if (clocks_.BodyMayStart() && !tunnel_) StartBodyClock();
  if (received() > 0 || remote_ended()) connection_.Ready(*this);
}

void DownstreamH2Stream::StopBodyClock() { clocks_.EndBody(now()); }

// Our own answer waits with its end until the client has sent its body or enough of it: many clients look at an answer
// only then (RFC 9113 8.1). One that waits for a 100 sends nothing, and gRPC's answers are a head with the end in it.
void DownstreamH2Stream::DiscardRequestBody() {
  if (discarding_ || remote_ended() || closed()) return;
  const bool waits = !head_sent_ && !request->expect_continue && !request->is_grpc;
  if (waits) connection_.session().HoldEnd(*this);
  Drain();
}

// Reads on for a while, whoever the response is from: one that arrives together with RST_STREAM is lost to some clients
// (curl). What the client had credit for when the answer left was on its way.
void DownstreamH2Stream::Drain() {
  discarding_ = true;
  clocks_.body.Stop(now());
  drain_until_ = body_bytes() + connection_.session().CreditGiven(*this) + base::kDrainBytesMax;
  connection_.session().DiscardBody(*this);
  clocks_.SetDeadline(now() + base::kDrainTimeMax);
  ArmTimer();
}

void DownstreamH2Stream::WatchDiscarded() {
  if (malformed()) return;
  const bool enough = body_bytes() > drain_until_;
  if (!remote_ended() && !enough) return;
  clocks_.ClearDeadline();
  connection_.session().ReleaseEnd(*this, !remote_ended());
  connection_.WakeUp();
}

void DownstreamH2Stream::CountQueued() noexcept {
  connection_.AddQueued(static_cast<int64_t>(Stream::queued()) - static_cast<int64_t>(queued_before_));
  queued_before_ = Stream::queued();
}

// Frames of this stream are in the output.
void DownstreamH2Stream::NoteSent() {
  if (queued_before_ > Stream::queued()) {
    clocks_.reader.Progress(now(), queued_before_ - Stream::queued());
    connection_.NoteData(queued_before_ - Stream::queued());
  }
  CountQueued();
  if (Stream::queued() == 0) clocks_.reader.Stop(now());
  StarveIfFull();
  if (exchange_ != nullptr) exchange_->OnResponseFlushed(local_ended());
}

void DownstreamH2Stream::NoteClosed() {
  const bool whole = local_ended() && !malformed();
  if (state_ == State::kExchange && whole) exchange_->OnResponseFlushed(true);
  // A tunnel's client has said all, but the upstream has yet to read it.
  if (state_ == State::kExchange && whole && tunnel_ && remote_ended() && !reset_by_peer()) {
    outlived_ = true;
    return;
  }
  if (state_ == State::kExchange && malformed()) Lose(body_error());
  const char* detail = reset_by_peer() ? "the client reset the stream" : "the stream was reset";
  Drop({ErrorCode::kClientClosed, Side::kClient, Retry::kNever, detail});
}

void DownstreamH2Stream::Drop(const Error& error) {
  outlived_ = false;
  if (state_ == State::kHead) {
    connection_.services().pool.Return(std::exchange(exchange_, nullptr));
  } else {
    Lose(error);
  }
  BecomeFree();
}

void DownstreamH2Stream::Lose(const Error& error) {
  if (exchange_ == nullptr) return;
  // The client has the whole answer: how it ends its body is nobody's failure.
  if (only_end_held()) return exchange_->OnResponseFlushed(true);
  exchange_->OnClientError(error);
}

void DownstreamH2Stream::OnExchangeDone() {
  exchange_ = nullptr;
  request = nullptr;
  state_ = State::kClosing;
  if (!closed() && !discarding_) Drain();
  if (tunnel_ && !closed() && local_ended() && !remote_ended()) {
    connection_.session().Reset(*this, H2Error::kNoError);  // its upstream is gone altogether
    connection_.WakeUp();
  }
  if (!outlived_) return;
  BecomeFree();
  connection_.WakeUp();
}

void DownstreamH2Stream::BecomeFree() {
  state_ = State::kFree;
  timer_.Disarm();
  connection_.AddQueued(-static_cast<int64_t>(queued_before_));
  queued_before_ = 0;
  connection_.session().DiscardBody(*this);  // what came and nobody took must not stay charged
  ClearNews();
  static_cast<base::ListNode<http::h2::NewsTag>*>(this)->Unlink();
  static_cast<base::ListNode<OpenTag>*>(this)->Unlink();
  static_cast<base::ListNode<DownstreamReadyTag>*>(this)->Unlink();
  static_cast<base::ListNode<StarvedTag>*>(this)->Unlink();
  connection_.StreamFreed(*this);
}

void DownstreamH2Stream::ArmTimer() {
  const base::Instant next = clocks_.Next();
  if (next != base::Instant::max()) connection_.worker().timers.Arm(timer_, next);
}

void DownstreamH2Stream::OnTimer() {
  if (clocks_.TakeDeadline(now())) {
    if (state_ == State::kHead) return connection_.HeadIsLate();
    connection_.session().ReleaseEnd(*this, true);
    connection_.WakeUp();
  }
  if (clocks_.body.Expired(now())) BodyIsLate();
  if (clocks_.reader.Expired(now())) ReaderIsLate();
  if (clocks_.body.window_is_new(now())) MarkBody();
  if (clocks_.reader.window_is_new(now())) MarkReader();
  ArmTimer();
}

void DownstreamH2Stream::BodyIsLate() {
  clocks_.body.Stop(now());
  const uint32_t rate = connection_.limits().body_bytes_per_second;
  // Without credit its siblings have taken all of the connection's.
  const bool waits_for_turn =
      connection_.session().peer_is_out_of_credit() || SiblingsHadTheTurn(body_mark_, BytesOfSiblings(), rate);
  if (!waits_for_turn)
    return Lose({ErrorCode::kBodyTimeout, Side::kClient, Retry::kNever, "the body made no progress"});
  clocks_.ResetBody(connection_.limits());
  StartBodyClock();
}

void DownstreamH2Stream::ReaderIsLate() {
  clocks_.reader.Stop(now());
  const uint32_t rate = connection_.limits().read_bytes_per_second;
  const bool may_send = connection_.session().HasCredit(*this);
  if (may_send && SiblingsHadTheTurn(read_mark_, connection_.data_sent(), rate)) {
    clocks_.ResetReader(connection_.limits());
    return StartReadClock();
  }
  connection_.CountStalled();
  Lose({ErrorCode::kSlowReader, Side::kClient, Retry::kNever, "the response was not read"});
  if (!closed()) connection_.session().Reset(*this, H2Error::kCancel);
  connection_.WakeUp();
}

}  // namespace headgate::proxy
