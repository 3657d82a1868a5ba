// The exchange with a gRPC client (over HTTP/2): what we have to say goes out as a gRPC status.
#include <algorithm>

#include "http/reason.h"
#include "proxy/exchange/exchange.h"
#include "proxy/exchange/outcome.h"

namespace headgate::proxy {

using base::Error;
using base::ErrorCode;
using http::HeaderId;

// The call's own deadline holds beyond the response's head, unlike timeouts.request.
void Exchange::TakeGrpcTimeout() {
  const std::optional<base::Duration> timeout = ParseGrpcTimeout(request_->headers.Get(HeaderId::kGrpcTimeout));
  if (!timeout) return;
  grpc_deadline_ = started_ + *timeout;
  request_deadline_ = std::min(request_deadline_, grpc_deadline_);
}

void Exchange::AddGrpcStatus(GrpcStatus status, std::string_view message, http::HeaderMap& fields) {
  fields.Add(HeaderId::kGrpcStatus, GrpcStatusText(status));
  fields.Add(HeaderId::kGrpcMessage, EncodeGrpcMessage(message, arena_));
  grpc_status_ = static_cast<uint8_t>(status);
}

// A response of one head ("trailers-only").
void Exchange::ReplyGrpc(GrpcStatus status, std::string_view reason) {
  http::ResponseHead head(arena_);
  head.status = 200;
  head.headers.Add(HeaderId::kContentType, "application/grpc");
  const std::string_view message = request_id_.empty() ? reason : arena_.Concat({reason, ", request id ", request_id_});
  AddGrpcStatus(status, message, head.headers);
  SendReply(head, {});
}

void Exchange::ReplyGrpcNeedsHttp2() {
  error_ = {ErrorCode::kUpstreamProtocol, base::Side::kProxy, base::Retry::kNever, "gRPC to an HTTP/1.1 upstream"};
  ReplyGrpc(GrpcStatus::kUnimplemented, "the upstream speaks HTTP/1.1, which cannot carry gRPC");
}

// After the head trailers still end the response well-formed, and say what happened. False: the client has the end
// already, or cannot be told.
bool Exchange::EndGrpcResponse(const Error& error) {
  if (!grpc_ || response_ended_ || client_gone_ || IsNeverAnswered(error)) return false;
  auto* trailers = new (arena_.Allocate(sizeof(http::HeaderMap), alignof(http::HeaderMap))) http::HeaderMap(arena_);
  AddGrpcStatus(GrpcStatusOf(error.code), PublicReason(error.code), *trailers);
  response_ended_ = true;
  request_deadline_ = base::Instant::max();
  if (!request_ended_) stream_->DiscardRequestBody();
  stream_->SendTrailers(*trailers);
  idle_.Move(now());
  ArmTimer();
  return true;
}

}  // namespace headgate::proxy
