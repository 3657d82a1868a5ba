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

template <class Slot, class F>
Slot& FreeSlot(std::span<Slot> slots, uint64_t hash, F&& is_free) noexcept {
  const size_t mask = slots.size() - 1;
  size_t at = hash & mask;
  while (!is_free(slots[at])) at = (at + 1) & mask;
  return slots[at];
}

// Calls `visit(first, count)` for each run of entries with the same path.
template <class V>
void ForEachRun(std::span<const Entry> entries, V&& visit) {
  for (uint32_t at = 0; at < entries.size();) {
    uint32_t end = at + 1;
    while (end < entries.size() && SamePath(entries[at], entries[end])) ++end;
    visit(at, end - at);
    at = end;
  }
}

// A power of two that leaves half of them free: a key's second slot is a wait for memory of its own.
size_t SlotsFor(size_t keys) noexcept { return std::bit_ceil(2 * keys + 1); }

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

void RouteTableBuilder::AddPath(ListenerGroup& group, const HostSlot& host, uint64_t host_hash, PathRun run) {
  const Entry& entry = group.entries[run.first];
  const bool exact = entry.match->path_kind == PathKind::kExact;
  const uint64_t hash = PathHash(host_hash, exact, entry.match->path);
  PathSlot& slot = FreeSlot<PathSlot>(group.paths, hash, [](const PathSlot& one) { return one.count == 0; });
  slot.tag = HashTag(hash);
  slot.host = static_cast<uint32_t>(&host - group.hosts.data());
  slot.first = run.first;
  slot.count = run.count;
  slot.route_index = entry.route_index;
  slot.exact = exact;
  slot.text.Set(entry.match->path, group.pool);
  if (AsksOnlyForPath(entry, host.listeners)) slot.answer = entry.policy;
}

void RouteTableBuilder::AddPaths(ListenerGroup& group, HostSlot& host, uint64_t host_hash) {
  const std::span entries(group.entries.data() + host.first_entry, host.entry_count);
  ForEachRun(entries, [&](uint32_t at, uint32_t count) {
    const uint32_t first = host.first_entry + at;
    const MatchRule& match = *entries[at].match;
    switch (match.path_kind) {
      case PathKind::kExact:
        host.has_exact_paths = true;
        break;
      case PathKind::kRegex:
        if (!host.has_patterns) host.first_regex = first;
        host.has_patterns = true;
        host.regex_count += count;
        return;
      case PathKind::kPrefix:
        HG_CHECK(CountSegments(match.path) <= kPrefixSegmentsMax);
        host.prefix_depths |= uint64_t{1} << CountSegments(match.path);
        break;
    }
    AddPath(group, host, host_hash, {first, count});
  });
  group.prefix_depths |= host.prefix_depths;
  group.has_exact_paths = group.has_exact_paths || host.has_exact_paths;
}

size_t RouteTableBuilder::CountPaths(const std::vector<Pending>& pending) {
  size_t paths = 0;
  for (size_t at = 0; at < pending.size(); ++at) {
    const bool new_path = at == 0 || pending[at].host_id != pending[at - 1].host_id ||
                          !SamePath(pending[at].entry, pending[at - 1].entry);
    if (new_path && pending[at].entry.match->path_kind != PathKind::kRegex) ++paths;
  }
  return paths;
}

void RouteTableBuilder::AddHost(ListenerGroup& group, std::span<const Pending> pending, uint32_t first_entry) {
  const HostName& name = *pending.front().host;
  const uint64_t hash = HostHash(name.kind, name.text);
  HostSlot& host = FreeSlot<HostSlot>(group.hosts, hash, [](const HostSlot& one) { return one.listeners == 0; });
  host.tag = HashTag(hash);
  host.kind = name.kind;
  host.first_entry = first_entry;
  host.entry_count = static_cast<uint32_t>(pending.size());
  host.text.Set(name.text, group.pool);
  for (const Pending& one : pending) host.listeners |= one.entry.listeners;
  AddPaths(group, host, hash);
  if (name.kind == HostKind::kAny) group.has_any = true;
  if (name.kind != HostKind::kWildcard) return;
  const size_t labels = static_cast<size_t>(std::count(name.text.begin(), name.text.end(), '.')) + 1;
  const size_t bit = std::min<size_t>(labels, 127);
  group.wildcard_labels[bit / 64] |= uint64_t{1} << (bit % 64);
}

void RouteTableBuilder::Fill(std::vector<Pending>& pending, ListenerGroup& group) {
  if (pending.empty()) return;
  SortByHost(pending);
  group.entries.reserve(pending.size());
  for (const Pending& one : pending) group.entries.push_back(one.entry);
  group.hosts.resize(SlotsFor(pending.back().host_id + 1));
  group.paths.resize(SlotsFor(CountPaths(pending)));
  for (size_t at = 0; at < pending.size();) {
    const size_t first = at;
    while (at < pending.size() && pending[at].host_id == pending[first].host_id) ++at;
    AddHost(group, std::span(pending).subspan(first, at - first), static_cast<uint32_t>(first));
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
