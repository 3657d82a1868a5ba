#include "routing/explain.h"

#include <span>
#include <utility>

#include "routing/explain_words.h"
#include "routing/rewrite.h"
#include "routing/split.h"
#include "routing/words.h"

namespace headgate::routing {
namespace {

std::string_view StickyWords(StickyPolicy::By by) {
  switch (by) {
    case StickyPolicy::By::kNone:
      return "";
    case StickyPolicy::By::kCookie:
      return "cookie";
    case StickyPolicy::By::kHeader:
      return "header";
    case StickyPolicy::By::kClientIp:
      return "client address";
  }
  return "";
}

// The only backend with a weight, if there is just one.
std::optional<uint32_t> OnlyBackend(const ForwardAction& forward) {
  std::optional<uint32_t> only;
  for (uint32_t i = 0; i < forward.backends.size(); ++i) {
    if (forward.backends[i].weight == 0) continue;
    if (only.has_value()) return std::nullopt;
    only = i;
  }
  return only;
}

void ExplainForward(const ForwardAction& forward, const http::RequestHead& head, const base::IpAddress& client,
                    Explanation& explanation) {
  explanation.action = Words("forward to ", DescribeBackends(forward));
  std::optional<uint32_t> backend = ForcedBackend(forward, head);
  if (backend.has_value()) {
    AppendWords(explanation.action, "; the request forces ", forward.backends[*backend].name);
  } else if (const std::string_view key = StickyKey(forward.sticky, head, client); !key.empty()) {
    backend = CohortOf(forward, key);
    AppendWords(explanation.action, "; sticky by ", StickyWords(forward.sticky.by));
  } else {
    backend = OnlyBackend(forward);
  }
  if (backend.has_value()) {
    explanation.upstream = forward.backends[*backend].name;
    return;
  }
  const bool none = std::none_of(forward.backends.begin(), forward.backends.end(),
                                 [](const Backend& one) { return one.weight != 0; });
  AppendWords(explanation.action, none ? "; all weights are 0: 500" : "; by weight");
}

}  // namespace

class Explainer {
 public:
  Explainer(const Compiled& compiled, uint32_t listener, const http::RequestHead& head, const base::IpAddress& client)
      : compiled_(compiled), listener_(listener), head_(head), client_(client) {}

  Explanation Run() {
    if (listener_ >= compiled_.listeners.size()) return {};
    const ListenerPolicy& listener = *compiled_.listeners[listener_];
    explanation_.listener = listener.name;
    if (GoesToHttps(listener.https_redirect, head_)) {
      explanation_.rule = Words("httpsRedirect of listener '", listener.name, "'");
      explanation_.action = Words("redirect 308 to ", ComposeHttpsLocation(listener.https_redirect, head_));
      return std::move(explanation_);
    }
    match_ = compiled_.table.Find(listener_, head_);
    ExplainHost();
    if (match_.route == nullptr) {
      explanation_.action = "404";
    } else {
      ExplainAction(listener);
    }
    return std::move(explanation_);
  }

 private:
  static constexpr uint32_t kGroupListeners = RouteTable::Impl::kGroupListeners;

  void ExplainHost() {
    if (compiled_.table.impl_ == nullptr) return;
    const ListenerGroup& group = compiled_.table.impl_->groups[listener_ / kGroupListeners];
    const uint64_t bit = uint64_t{1} << (listener_ % kGroupListeners);
    const HostSlot* host = FindHost(group, bit, head_.host, HostHash(HostKind::kExact, head_.host)).slot;
    std::span<const Entry> entries;
    if (host != nullptr) {
      explanation_.host_rule = DescribeHost(host->kind, host->text.View(group.pool));
      entries = std::span(group.entries).subspan(host->first_entry, host->entry_count);
    }
    CountOthers(group, bit, entries);
    ListCandidates(entries, bit);
  }

  void CountOthers(const ListenerGroup& group, uint64_t bit, std::span<const Entry> listed) {
    std::vector<bool> counted(compiled_.routes.size());
    for (const Entry& entry : listed) counted[entry.route_index] = true;
    for (const Entry& entry : group.entries) {
      if ((entry.listeners & bit) == 0 || counted[entry.route_index]) continue;
      counted[entry.route_index] = true;
      ++explanation_.routes_of_other_hosts;
    }
  }

  // The winner: of its route's matches, the first that fits.
  const Entry* FindWinner(std::span<const Entry> entries, uint64_t bit) const {
    for (const Entry& entry : entries) {
      const bool winner = match_.route != nullptr && entry.route_index == match_.route_index;
      if (winner && (entry.listeners & bit) != 0 && WhyNot(*entry.match, head_).empty()) return &entry;
    }
    return nullptr;
  }

  void ListCandidates(std::span<const Entry> entries, uint64_t bit) {
    const Entry* winner = FindWinner(entries, bit);
    if (winner != nullptr) {
      explanation_.route = winner->rules->name;
      explanation_.rule = DescribeMatch(*winner->match);
      explanation_.candidates.push_back({winner->rules->name, explanation_.rule, true, "it fits and goes first"});
    }
    for (const Entry& entry : entries) {
      if (&entry == winner) continue;
      if (explanation_.candidates.size() == Explanation::kCandidatesMax) {
        ++explanation_.candidates_left_out;
        continue;
      }
      explanation_.candidates.push_back(
          {entry.rules->name, DescribeMatch(*entry.match), false, WhyLost(entry, bit, winner)});
    }
  }

  std::string WhyLost(const Entry& entry, uint64_t bit, const Entry* winner) const {
    if ((entry.listeners & bit) == 0) return Words("it is not on listener '", explanation_.listener, "'");
    std::string reason = WhyNot(*entry.match, head_);
    return reason.empty() && winner != nullptr ? WhyAfter(entry, *winner) : reason;
  }

  void ExplainAction(const ListenerPolicy& listener) {
    const RoutePolicy& route = *match_.route;
    if (!route.access.Allows(client_)) {
      explanation_.action = Words("403: the route's access list does not let ", client_.ToString(), " in");
      return;
    }
    if (head_.wants_websocket && !route.websocket) {
      explanation_.action = "403: the route does not allow websocket";
      return;
    }
    if (const auto* forward = std::get_if<ForwardAction>(&route.action); forward != nullptr) {
      ExplainForward(*forward, head_, client_, explanation_);
    } else if (const auto* redirect = std::get_if<RedirectAction>(&route.action); redirect != nullptr) {
      explanation_.action =
          Words("redirect ", redirect->status, " to ", ComposeLocation(*redirect, match_, listener.public_port, head_));
    } else if (const auto* respond = std::get_if<RespondAction>(&route.action); respond != nullptr) {
      explanation_.action = Words("respond ", respond->status);
    }
  }

  const Compiled& compiled_;
  const uint32_t listener_;
  const http::RequestHead& head_;
  const base::IpAddress& client_;
  Match match_;
  Explanation explanation_;
};

Explanation Explain(const Compiled& compiled, uint32_t listener, const http::RequestHead& head,
                    const base::IpAddress& client) {
  Explanation explanation = Explainer(compiled, listener, head, client).Run();
  explanation.client = client.ToString();
  explanation.scheme = head.scheme == http::Scheme::kHttps ? "https" : "http";
  return explanation;
}

}  // namespace headgate::routing
