#include "routing/explain.h"

#include <span>
#include <utility>

#include "routing/explain_words.h"
#include "routing/table_index.h"
#include "routing/words.h"

namespace headgate::routing {

class Explainer {
 public:
  Explainer(const Compiled& compiled, uint32_t listener, const http::RequestHead& head)
      : compiled_(compiled), listener_(listener), head_(head), match_(compiled.table.Find(listener, head)) {}

  Explanation Run() {
    if (compiled_.table.impl_ == nullptr) return {};
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
    return std::move(explanation_);
  }

 private:
  static constexpr uint32_t kGroupListeners = RouteTable::Impl::kGroupListeners;

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
    if ((entry.listeners & bit) == 0)
      return Words("it is not on listener '", compiled_.listeners[listener_]->name, "'");
    std::string reason = WhyNot(*entry.match, head_);
    return reason.empty() && winner != nullptr ? WhyAfter(entry, *winner) : reason;
  }

  const Compiled& compiled_;
  const uint32_t listener_;
  const http::RequestHead& head_;
  const Match match_;
  Explanation explanation_;
};

Explanation Explain(const Compiled& compiled, uint32_t listener, const http::RequestHead& head) {
  return Explainer(compiled, listener, head).Run();
}

}  // namespace headgate::routing
