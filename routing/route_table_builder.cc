#include "routing/route_table_builder.h"

#include <algorithm>
#include <bit>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/check.h"

namespace headgate::routing {
namespace {

constexpr uint32_t kGroupListeners = 64;

struct HostKey {
  HostKind kind;
  std::string_view text;
  bool operator==(const HostKey&) const = default;
};
struct HostKeyHash {
  size_t operator()(const HostKey& key) const noexcept { return HostHash(key.kind, key.text); }
};

// Negative, 0 or positive: `a` before `b`, neither, after.
template <class T>
int Order(const T& a, const T& b) noexcept {
  return a < b ? -1 : (b < a ? 1 : 0);
}

int ComparePaths(const MatchRule& a, const MatchRule& b) noexcept {
  if (const int kind = Order(a.path_kind, b.path_kind); kind != 0) return kind;
  if (a.path_kind == PathKind::kRegex) return Order(b.regex->pattern().size(), a.regex->pattern().size());
  if (const int longer = Order(b.path.size(), a.path.size()); longer != 0) return longer;
  return a.path.compare(b.path);
}

bool AsksOnlyForPath(const Entry& entry, uint64_t all_listeners) noexcept {
  return entry.listeners == all_listeners && entry.method == Entry::kAnyMethod && !entry.has_conditions;
}

template <class Slot>
Slot& FreeSlot(std::span<Slot> slots, uint64_t hash, uint32_t Slot::* count) noexcept {
  const size_t mask = slots.size() - 1;
  size_t at = hash & mask;
  while (slots[at].*count != 0) at = (at + 1) & mask;
  return slots[at];
}

// A power of two that leaves a quarter free, at least one.
size_t SlotsFor(size_t keys) noexcept { return std::bit_ceil(keys + keys / 3 + 1); }

}  // namespace

bool SamePath(const Entry& a, const Entry& b) noexcept {
  return a.match->path_kind == b.match->path_kind && a.match->path == b.match->path;
}

uint32_t CountSegments(std::string_view prefix) noexcept {
  return static_cast<uint32_t>(std::count(prefix.begin(), prefix.end(), '/'));
}

RouteTableBuilder::RouteTableBuilder(uint32_t listener_count)
    : groups_((listener_count + kGroupListeners - 1) / kGroupListeners), all_listeners_(groups_.size(), ~uint64_t{0}) {
  const uint32_t last = listener_count % kGroupListeners;
  if (last != 0) all_listeners_.back() = (uint64_t{1} << last) - 1;
}

void RouteTableBuilder::Add(uint32_t route_index, const RoutePolicy& policy, std::shared_ptr<const RouteRules> rules,
                            std::span<const uint32_t> listeners) {
  for (uint32_t group = 0; group < groups_.size(); ++group) {
    uint64_t bits = listeners.empty() ? all_listeners_[group] : 0;
    for (const uint32_t listener : listeners) {
      if (listener / kGroupListeners == group) bits |= uint64_t{1} << (listener % kGroupListeners);
    }
    if (bits == 0) continue;
    for (const MatchRule& match : rules->matches) {
      Entry entry{&policy, rules.get(), &match, bits, route_index, Entry::kAnyMethod, false};
      if (match.method.has_value()) entry.method = static_cast<uint8_t>(*match.method);
      entry.has_conditions = !match.headers.empty() || !match.query.empty();
      for (const HostName& host : rules->hostnames) groups_[group].push_back({entry, &host});
    }
  }
  rules_.push_back(std::move(rules));
}

bool RouteTableBuilder::Precedes(const Entry& a, const Entry& b) noexcept {
  const MatchRule& left = *a.match;
  const MatchRule& right = *b.match;
  if (const int path = ComparePaths(left, right); path != 0) return path < 0;
  if (left.method.has_value() != right.method.has_value()) return left.method.has_value();
  if (left.headers.size() != right.headers.size()) return left.headers.size() > right.headers.size();
  if (left.query.size() != right.query.size()) return left.query.size() > right.query.size();
  if (const int name = a.rules->name.compare(b.rules->name); name != 0) return name < 0;
  return a.match < b.match;  // of one route: as written
}

void RouteTableBuilder::SortByHost(std::vector<Pending>& pending) {
  std::unordered_map<HostKey, uint32_t, HostKeyHash> ids;
  for (Pending& one : pending) {
    const auto id = static_cast<uint32_t>(ids.size());
    one.host_id = ids.try_emplace(HostKey{one.host->kind, one.host->text}, id).first->second;
  }
  std::sort(pending.begin(), pending.end(), [](const Pending& a, const Pending& b) {
    return a.host_id != b.host_id ? a.host_id < b.host_id : Precedes(a.entry, b.entry);
  });
}

void RouteTableBuilder::AddPaths(ListenerGroup& group, HostSlot& host) {
  const std::span entries(group.entries.data() + host.first_entry, host.entry_count);
  std::vector<std::pair<uint32_t, uint32_t>> runs;  // first and count, of one path each
  host.first_regex = host.first_entry;
  for (uint32_t at = 0; at < entries.size();) {
    uint32_t end = at + 1;
    while (end < entries.size() && SamePath(entries[at], entries[end])) ++end;
    const PathKind kind = entries[at].match->path_kind;
    if (kind != PathKind::kRegex) {
      runs.emplace_back(host.first_entry + at, end - at);
    } else if (host.regex_count == 0) {
      host.first_regex = host.first_entry + at;
    }
    if (kind == PathKind::kRegex) host.regex_count += end - at;
    at = end;
  }
  const size_t slots = SlotsFor(runs.size());
  host.path_bits = static_cast<uint8_t>(std::countr_zero(slots));
  host.first_path = static_cast<uint32_t>(group.paths.size());
  group.paths.resize(group.paths.size() + slots);
  const std::span paths(group.paths.data() + host.first_path, slots);
  for (const auto& [first, count] : runs) {
    const Entry& entry = group.entries[first];
    const bool exact = entry.match->path_kind == PathKind::kExact;
    const uint64_t hash = PathHash(exact, entry.match->path);
    PathSlot& slot = FreeSlot<PathSlot>(paths, hash, &PathSlot::count);
    slot.tag = HashTag(hash);
    slot.first = first;
    slot.count = count;
    slot.route_index = entry.route_index;
    slot.exact = exact;
    slot.text.Set(entry.match->path, group.pool);
    if (AsksOnlyForPath(entry, host.listeners)) slot.answer = entry.policy;
    if (exact) {
      host.has_exact_paths = true;
    } else {
      const uint32_t segments = CountSegments(entry.match->path);
      HG_CHECK(segments <= kPrefixSegmentsMax);
      host.prefix_depths |= uint64_t{1} << segments;
    }
  }
}

void RouteTableBuilder::Fill(std::vector<Pending>& pending, ListenerGroup& group) {
  if (pending.empty()) return;
  SortByHost(pending);
  group.entries.reserve(pending.size());
  for (const Pending& one : pending) group.entries.push_back(one.entry);
  group.hosts.resize(SlotsFor(pending.back().host_id + 1));
  for (size_t at = 0; at < pending.size();) {
    const HostName& name = *pending[at].host;
    const uint64_t hash = HostHash(name.kind, name.text);
    HostSlot& host = FreeSlot<HostSlot>(group.hosts, hash, &HostSlot::entry_count);
    host.tag = HashTag(hash);
    host.kind = name.kind;
    host.first_entry = static_cast<uint32_t>(at);
    host.text.Set(name.text, group.pool);
    const uint32_t id = pending[at].host_id;
    for (; at < pending.size() && pending[at].host_id == id; ++at) host.listeners |= pending[at].entry.listeners;
    host.entry_count = static_cast<uint32_t>(at) - host.first_entry;
    AddPaths(group, host);
    if (name.kind == HostKind::kAny) group.has_any = true;
    if (name.kind == HostKind::kWildcard) {
      const size_t labels = static_cast<size_t>(std::count(name.text.begin(), name.text.end(), '.')) + 1;
      const size_t bit = std::min<size_t>(labels, 127);
      group.wildcard_labels[bit / 64] |= uint64_t{1} << (bit % 64);
    }
  }
}

RouteTable RouteTableBuilder::Build() {
  auto impl = std::make_unique<RouteTable::Impl>();
  impl->groups.resize(groups_.size());
  for (size_t i = 0; i < groups_.size(); ++i) {
    Fill(groups_[i], impl->groups[i]);
    groups_[i] = {};
  }
  impl->rules = std::move(rules_);
  RouteTable table;
  table.impl_ = std::move(impl);
  return table;
}

}  // namespace headgate::routing
