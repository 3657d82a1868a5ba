// What went wrong on the request path: what, whose fault, and whether to try again.
// A value; owned by whoever returns it. Never allocates.
// Any thread.
#pragma once

#include <cstdint>
#include <new>
#include <string_view>
#include <type_traits>
#include <utility>

#include "base/check.h"

namespace headgate::base {

// Every way a request, a connection or a stream can fail. One table (proxy/reply/outcome) turns a code into a
// status, a log reason and a metric reason; ErrorCodeName gives the log's word.
enum class ErrorCode : uint8_t {
  kNone,
  // The client's side.
  kBadRequest,           // malformed, 400
  kSmuggling,            // ambiguous framing, 400
  kUnknownCoding,        // unknown transfer coding, 501
  kUnknownMethod,        // a token that is no method, 501
  kMethodNotAllowed,     // CONNECT, TRACE, 405
  kVersionNotSupported,  // 505
  kHeaderTooLarge,       // 431
  kTargetTooLong,        // 414
  kBodyTooLarge,         // 413
  kExpectationFailed,    // 417
  kMisdirected,          // 421
  kHeadTimeout,          // 408
  kBodyTimeout,          // 408
  kSlowReader,           // the client does not read our response
  kClientClosed,         // 499
  kIdleTimeout,          // nothing moved for timeouts.idle
  kForbidden,            // access list, websocket: false; 403
  kRateLimited,          // 429
  // The proxy's side.
  kNoRoute,     // 404
  kNoBackends,  // all weights are 0, 500
  kNoEndpoint,  // 503
  kLoop,        // the request was forwarded by this process before, 508
  kOverload,    // a limit of ours: pending queue, connections; 503
  kDraining,    // the process is going away
  kInternal,    // a broken invariant that must not end the process; 500
  // The upstream's side.
  kConnectRefused,
  kConnectFailed,
  kConnectTimeout,
  kUpstreamTls,
  kUpstreamReset,           // closed or reset before or within its response
  kUpstreamProtocol,        // broke HTTP, 502
  kUpstreamHeaderTooLarge,  // 502
  kUpstreamTimeout,         // timeouts.backendRequest, 504
  kRequestTimeout,          // timeouts.request, 504
};

enum class Side : uint8_t { kClient, kUpstream, kProxy };

// Whether the same request may be sent again: kSafe when the upstream cannot have acted on it, kIfReused when it
// failed on a reused connection before a byte of the answer (RFC 9110 9.2.2), kNever otherwise.
enum class Retry : uint8_t { kNever, kSafe, kIfReused };

struct Error {
  ErrorCode code = ErrorCode::kNone;
  Side side = Side::kProxy;
  Retry retry = Retry::kNever;
  // A literal with static storage: the exact rule that was broken, for the log ("bare LF in a header").
  const char* detail = "";
};

// snake_case word for logs and metric reasons ("connect_refused"). Never null.
std::string_view ErrorCodeName(ErrorCode code) noexcept;

// A value or an Error. Trivial where T is.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) noexcept(std::is_nothrow_move_constructible_v<T>)
      : ok_(true) {  // NOLINT(google-explicit-constructor)
    new (&value_) T(std::move(value));
  }
  Result(Error error) noexcept : ok_(false), error_(error) {}  // NOLINT(google-explicit-constructor)
  Result(Result&& other) noexcept
    requires std::is_trivially_copy_constructible_v<T>
  = default;
  Result(Result&& other) noexcept : ok_(other.ok_) {
    if (ok_) {
      new (&value_) T(std::move(other.value_));
    } else {
      error_ = other.error_;
    }
  }
  Result& operator=(Result&&) = delete;
  Result(const Result&) = delete;
  Result& operator=(const Result&) = delete;
  ~Result()
    requires std::is_trivially_destructible_v<T>
  = default;
  ~Result() {
    if (ok_) value_.~T();
  }

  bool ok() const noexcept { return ok_; }
  T& value() noexcept {
    HG_CHECK(ok_);
    return value_;
  }
  const Error& error() const noexcept {
    HG_CHECK(!ok_);
    return error_;
  }

 private:
  bool ok_;
  union {
    T value_;
    Error error_;
  };
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() noexcept = default;
  Result(Error error) noexcept : error_(error) {}  // NOLINT(google-explicit-constructor)
  bool ok() const noexcept { return error_.code == ErrorCode::kNone; }
  const Error& error() const noexcept { return error_; }

 private:
  Error error_;
};

}  // namespace headgate::base
