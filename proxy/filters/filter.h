// What a route's filter sees of a request, and what it may say: continue, replied, waiting.
// A filter belongs to its route's chain (chain.h), const and shared by all workers; a wait belongs to the request.
// One thread: the worker's. Another thread resumes a wait by WorkerContext::Post.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "base/arena.h"
#include "base/error.h"
#include "base/ip.h"
#include "http/message.h"
#include "proxy/context/client_info.h"
#include "proxy/context/worker_context.h"
#include "proxy/net/graveyard.h"
#include "proxy/reply/reply.h"
#include "routing/policy/route.h"

namespace headgate::proxy {

// A filter's work on one request, from kWaiting until FilterEvents is told or the request is over. Freed at the end of
// the turn in which that happens. It has a deadline of its own; the request's and kFilterWaitMax hold anyway.
class FilterWait : public net::Mortal {
 public:
  // The request is over: its client left, its deadline passed, the worker ends. What runs is cancelled, or its answer
  // falls to the ground; FilterEvents must not be told any more.
  virtual void Abandon() noexcept = 0;
};

struct FilterResult {
  enum class Verdict : uint8_t { kContinue, kReplied, kWaiting };

  static FilterResult Continue() { return {}; }
  // Answers as the error is always answered.
  static FilterResult Refused(const base::Error& error) { return {.verdict = Verdict::kReplied, .error = error}; }
  // `reply` is in the request's arena; `error` says why in metrics and access log (code kNone: nothing went wrong).
  static FilterResult Replied(Reply& reply, const base::Error& error = {}) {
    return {.verdict = Verdict::kReplied, .error = error, .reply = &reply};
  }
  static FilterResult Waiting(std::unique_ptr<FilterWait> wait) {
    return {.verdict = Verdict::kWaiting, .wait = std::move(wait)};
  }

  Verdict verdict = Verdict::kContinue;
  base::Error error{};
  Reply* reply = nullptr;
  std::unique_ptr<FilterWait> wait{};
};

class FilterEvents {
 public:
  // What a wait led to: continue or replied. Told once, from the loop, never from inside OnRequest.
  virtual void OnFilterDone(FilterResult result) = 0;

 protected:
  ~FilterEvents() = default;
};

// What it refers to lives as long as the request waits; the context itself is gone after OnRequest.
struct FilterContext {
  const http::RequestHead& head;
  const ClientInfo& connection;
  const base::IpAddress& client;  // behind trusted proxies
  const routing::RoutePolicy& route;
  std::string_view request_id;
  base::Arena& arena;     // the request's
  WorkerContext& worker;  // the clock, timers, what the process shares, mail
  FilterEvents& events;   // for a wait
};

class Filter {
 public:
  virtual ~Filter() = default;
  // What it says by the head alone, on the request path and in `explain`. Code kNone: nothing against the request.
  virtual base::Error Judge(const routing::RoutePolicy& /*route*/, const http::RequestHead& /*head*/,
                            const base::IpAddress& /*client*/) const {
    return {};
  }
  // A filter that has more to ask than its judgement says so here.
  virtual FilterResult OnRequest(const FilterContext& context) const {
    const base::Error error = Judge(context.route, context.head, context.client);
    return error.code == base::ErrorCode::kNone ? FilterResult::Continue() : FilterResult::Refused(error);
  }
};

}  // namespace headgate::proxy
