#include "routing/route_table.h"

#include <algorithm>
#include <array>
#include <bit>
#include <span>

#include "base/hash.h"
#include "routing/conditions.h"
#include "routing/table_index.h"

namespace headgate::routing {

uint64_t HostHash(HostKind kind, std::string_view text) noexcept {
  return base::StableHash64(text, static_cast<uint64_t>(kind));
}

uint64_t PathHash(uint64_t host_hash, bool exact, std::string_view text) noexcept {
  return base::StableHash64(text, host_hash + (exact ? 1 : 0));
}

namespace {

// A smaller table than this stays in the cache by itself.
constexpr size_t kColdSlots = 4096;
constexpr int kPrefetchedPrefixes = 4;

FoundHost FindHostSlot(const ListenerGroup& group, uint64_t listener_bit, HostKind kind, std::string_view text,
                       uint64_t hash) noexcept {
  const size_t mask = group.hosts.size() - 1;
  for (size_t at = hash & mask; group.hosts[at].listeners != 0; at = (at + 1) & mask) {
    const HostSlot& slot = group.hosts[at];
    if (slot.tag != HashTag(hash) || slot.kind != kind || !slot.text.Equals(text, group.pool)) continue;
    return (slot.listeners & listener_bit) != 0 ? FoundHost{&slot, hash} : FoundHost{};
  }
  return {};
}

FoundHost FindWildcard(const ListenerGroup& group, uint64_t listener_bit, std::string_view host) noexcept {
  size_t labels = static_cast<size_t>(std::count(host.begin(), host.end(), '.'));
  for (size_t dot = host.find('.'); dot != std::string_view::npos; dot = host.find('.', dot + 1), --labels) {
    if (dot == 0) continue;  // a wildcard stands for a label at least
    const size_t bit = std::min<size_t>(labels, 127);
    if ((group.wildcard_labels[bit / 64] >> (bit % 64) & 1U) == 0) continue;
    const std::string_view suffix = host.substr(dot + 1);
    const uint64_t hash = HostHash(HostKind::kWildcard, suffix);
    const FoundHost found = FindHostSlot(group, listener_bit, HostKind::kWildcard, suffix, hash);
    if (found.slot != nullptr) return found;
  }
  return {};
}

uint32_t HighestBit(uint64_t bits) noexcept { return 63U - static_cast<uint32_t>(std::countl_zero(bits)); }

// The prefixes of a path that may be in the table: by whole segments, as many as its longest prefix has.
class Segments {
 public:
  Segments(std::string_view path, uint64_t prefix_depths) noexcept : path_(path) {
    ends_[0] = 0;
    const uint32_t deepest = HighestBit(prefix_depths | 1U);
    size_t at = 0;
    while (depth_ < deepest && at < path.size()) {
      at = std::min(path.find('/', at + 1), path.size());
      ends_[++depth_] = static_cast<uint32_t>(at);
    }
  }
  // Of these depths, those that the path has.
  uint64_t Present(uint64_t depths) const noexcept { return depths & (~uint64_t{0} >> (63U - depth_)); }
  std::string_view Prefix(uint32_t depth) const noexcept { return path_.substr(0, ends_[depth]); }

 private:
  std::string_view path_;
  uint32_t depth_ = 0;
  std::array<uint32_t, kPrefixSegmentsMax + 1> ends_;  // [n]: where the first n segments end
};

// One request's search: host, then exact paths, patterns, and prefixes from the longest on.
class Search {
 public:
  Search(const ListenerGroup& group, uint64_t listener_bit, const http::RequestHead& head) noexcept
      : group_(group),
        listener_bit_(listener_bit),
        head_(head),
        path_(head.match_path),
        exact_hash_(HostHash(HostKind::kExact, head.host)),
        is_cold_(PrefetchHost()),
        segments_(path_, group.prefix_depths) {}

  Match Run() noexcept {
    if (is_cold_) PrefetchPaths();
    host_ = FindHost(group_, listener_bit_, head_.host, exact_hash_);
    if (host_.slot == nullptr) return {};
    if (path_ == "*") return ByHostAlone();
    Match match;
    if (host_.slot->has_exact_paths && ByPath(true, path_, PathHash(host_.hash, true, path_), match)) return match;
    if (host_.slot->has_patterns && ByPattern(match)) return match;
    ByPrefix(match);
    return match;
  }

 private:
  bool Accepts(const Entry& entry) const noexcept {
    return (entry.listeners & listener_bit_) != 0 && EntryFulfils(entry, head_);
  }

  void PrefetchPath(uint64_t hash) const noexcept {
    __builtin_prefetch(&group_.paths[hash & (group_.paths.size() - 1)]);
  }

  // Asks for what the search will most likely read, before it waits for any of it: the host first, that it is on its
  // way while the path is cut. True where the table is large enough to need it.
  bool PrefetchHost() const noexcept {
    if (group_.paths.size() < kColdSlots) return false;
    __builtin_prefetch(&group_.hosts[exact_hash_ & (group_.hosts.size() - 1)]);
    return true;
  }

  void PrefetchPaths() noexcept {
    if (group_.has_exact_paths) PrefetchPath(PathHash(exact_hash_, true, path_));
    uint64_t depths = segments_.Present(group_.prefix_depths);
    for (int i = 0; i < kPrefetchedPrefixes && depths != 0; ++i) {
      const uint32_t depth = HighestBit(depths);
      depths &= ~(uint64_t{1} << depth);
      hashes_[depth] = PathHash(exact_hash_, false, segments_.Prefix(depth));
      hashed_ |= uint64_t{1} << depth;
      PrefetchPath(hashes_[depth]);
    }
  }

  uint64_t PrefixHash(uint32_t depth) const noexcept {
    if (host_.hash == exact_hash_ && (hashed_ >> depth & 1U) != 0) return hashes_[depth];
    return PathHash(host_.hash, false, segments_.Prefix(depth));
  }

  bool ByPath(bool exact, std::string_view text, uint64_t hash, Match& match) const noexcept {
    const auto host = static_cast<uint32_t>(host_.slot - group_.hosts.data());
    const size_t mask = group_.paths.size() - 1;
    for (size_t at = hash & mask; group_.paths[at].count != 0; at = (at + 1) & mask) {
      const PathSlot& slot = group_.paths[at];
      if (slot.tag != HashTag(hash) || slot.host != host || slot.exact != exact) continue;
      if (!slot.text.Equals(text, group_.pool)) continue;
      const auto covered = static_cast<uint32_t>(text.size());
      if (slot.answer == nullptr) return FirstOf({group_.entries.data() + slot.first, slot.count}, covered, match);
      match = {slot.answer, slot.route_index, covered};
      return true;
    }
    return false;
  }

  bool FirstOf(std::span<const Entry> entries, uint32_t prefix_bytes, Match& match) const noexcept {
    for (const Entry& entry : entries) {
      if (!Accepts(entry)) continue;
      match = {entry.policy, entry.route_index, prefix_bytes};
      return true;
    }
    return false;
  }

  bool ByPattern(Match& match) const noexcept {
    for (const Entry& entry : std::span(group_.entries.data() + host_.slot->first_regex, host_.slot->regex_count)) {
      if (!Accepts(entry) || !entry.match->regex->FullMatch(path_)) continue;
      match = {entry.policy, entry.route_index, 0};
      return true;
    }
    return false;
  }

  void ByPrefix(Match& match) const noexcept {
    for (uint64_t depths = segments_.Present(host_.slot->prefix_depths); depths != 0;) {
      const uint32_t longest = HighestBit(depths);
      depths &= ~(uint64_t{1} << longest);
      if (ByPath(false, segments_.Prefix(longest), PrefixHash(longest), match)) return;
    }
  }

  // OPTIONS *: what takes every path comes first, then whatever the host has in the order of precedence.
  Match ByHostAlone() const noexcept {
    Match match;
    const bool takes_all = (host_.slot->prefix_depths & 1U) != 0;
    if (takes_all && ByPath(false, {}, PathHash(host_.hash, false, {}), match)) return match;
    FirstOf({group_.entries.data() + host_.slot->first_entry, host_.slot->entry_count}, 0, match);
    return match;
  }

  const ListenerGroup& group_;
  const uint64_t listener_bit_;
  const http::RequestHead& head_;
  const std::string_view path_;
  const uint64_t exact_hash_;
  const bool is_cold_;
  const Segments segments_;
  FoundHost host_;
  uint64_t hashed_ = 0;  // bit n: hashes_[n] is known, for the exact host
  std::array<uint64_t, kPrefixSegmentsMax + 1> hashes_;
};

}  // namespace

FoundHost FindHost(const ListenerGroup& group, uint64_t listener_bit, std::string_view host,
                   uint64_t exact_hash) noexcept {
  if (group.hosts.empty()) return {};
  const FoundHost exact = FindHostSlot(group, listener_bit, HostKind::kExact, host, exact_hash);
  if (exact.slot != nullptr) return exact;
  if ((group.wildcard_labels[0] | group.wildcard_labels[1]) != 0) {
    const FoundHost wildcard = FindWildcard(group, listener_bit, host);
    if (wildcard.slot != nullptr) return wildcard;
  }
  if (!group.has_any) return {};
  return FindHostSlot(group, listener_bit, HostKind::kAny, {}, HostHash(HostKind::kAny, {}));
}

bool EntryFulfils(const Entry& entry, const http::RequestHead& head) noexcept {
  if (entry.method != Entry::kAnyMethod && entry.method != static_cast<uint8_t>(head.method)) return false;
  if (!entry.has_conditions) return true;
  for (const ValueCondition& header : entry.match->headers) {
    if (!HeaderFulfils(header, head)) return false;
  }
  for (const ValueCondition& parameter : entry.match->query) {
    if (!QueryFulfils(parameter, head)) return false;
  }
  return true;
}

RouteTable::RouteTable() noexcept = default;
RouteTable::~RouteTable() = default;
RouteTable::RouteTable(RouteTable&&) noexcept = default;
RouteTable& RouteTable::operator=(RouteTable&&) noexcept = default;

bool RouteTable::BelongsElsewhere(uint32_t listener, std::string_view host) const noexcept {
  if (impl_ == nullptr) return false;
  const uint64_t hash = HostHash(HostKind::kExact, host);
  const auto names = [&](const ListenerGroup& group, uint64_t listeners) {
    const FoundHost found = FindHost(group, listeners, host, hash);
    return found.slot != nullptr && found.slot->kind != HostKind::kAny;
  };
  const uint32_t own = listener / Impl::kGroupListeners;
  if (own < impl_->groups.size() && names(impl_->groups[own], uint64_t{1} << (listener % Impl::kGroupListeners))) {
    return false;
  }
  return std::any_of(impl_->groups.begin(), impl_->groups.end(),
                     [&names](const ListenerGroup& group) { return names(group, ~uint64_t{0}); });
}

Match RouteTable::Find(uint32_t listener, const http::RequestHead& head) const noexcept {
  if (impl_ == nullptr || listener / Impl::kGroupListeners >= impl_->groups.size()) return {};
  const ListenerGroup& group = impl_->groups[listener / Impl::kGroupListeners];
  const uint64_t listener_bit = uint64_t{1} << (listener % Impl::kGroupListeners);
  return Search(group, listener_bit, head).Run();
}

}  // namespace headgate::routing
