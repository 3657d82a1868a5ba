// One request's way through its route's filters: how far it is, what it waits for, what of its body came meanwhile.
// Part of an exchange.
// One thread: the worker's.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <utility>

#include "base/check.h"
#include "base/slab.h"
#include "http/header_map.h"
#include "proxy/filters/chain.h"

namespace headgate::proxy {

// A filter has deadlines of its own: this is for one that lost its answer.
inline constexpr base::Duration kFilterWaitMax = std::chrono::seconds(60);

class FilterRun {
 public:
  // Asks one filter after the other, on from the last that was asked, until one does not say continue.
  FilterResult Run(const FilterChain& chain, const FilterContext& context) {
    FilterResult result;
    while (result.verdict == FilterResult::Verdict::kContinue && next_ < chain.size()) {
      result = chain[next_++]->OnRequest(context);
    }
    wait_ = std::move(result.wait);
    HG_CHECK((result.verdict == FilterResult::Verdict::kWaiting) == (wait_ != nullptr));
    return result;
  }
  // The wait has told its result.
  void EndWait(net::Graveyard& graveyard) { graveyard.Bury(std::move(wait_)); }
  // Nobody wants the result any more. Without effect when nothing waits.
  void Abandon(net::Graveyard& graveyard) {
    if (wait_ == nullptr) return;
    wait_->Abandon();
    EndWait(graveyard);
  }
  // For the next request; no wait is left.
  void Reset() noexcept {
    if (next_ == 0) return;
    next_ = 0;
    body_.Clear();
    trailers_ = nullptr;
  }

  // Body bytes that came while it waited, within the client's credit, and the trailers behind them (null: none).
  void HoldBody(base::Chain& data, const http::HeaderMap* trailers) {
    body_.Append(data);
    trailers_ = trailers;
  }
  bool holds_body() const noexcept { return !body_.empty() || trailers_ != nullptr; }
  base::Chain& body() noexcept { return body_; }
  const http::HeaderMap* trailers() const noexcept { return trailers_; }

 private:
  size_t next_ = 0;
  std::unique_ptr<FilterWait> wait_;
  base::Chain body_;
  const http::HeaderMap* trailers_ = nullptr;
};

}  // namespace headgate::proxy
