#include "routing/route_table.h"

#include <array>
#include <span>

#include "base/hash.h"
#include "routing/conditions.h"
#include "routing/table_index.h"

namespace headgate::routing {

uint64_t HostHash(HostKind kind, std::string_view text) noexcept {
  return base::StableHash64(text, static_cast<uint64_t>(kind));
}

uint64_t PathHash(bool exact, std::string_view text) noexcept { return base::StableHash64(text, exact ? 1 : 0); }

namespace {

const HostSlot* FindHostSlot(const ListenerGroup& group, uint64_t listener_bit, HostKind kind,
                             std::string_view text) noexcept {
  const uint64_t hash = HostHash(kind, text);
  const size_t mask = group.hosts.size() - 1;
  for (size_t at = hash & mask; group.hosts[at].entry_count != 0; at = (at + 1) & mask) {
    const HostSlot& slot = group.hosts[at];
    if (slot.tag != HashTag(hash) || slot.kind != kind || !slot.text.Equals(text, group.pool)) continue;
    return (slot.listeners & listener_bit) != 0 ? &slot : nullptr;
  }
  return nullptr;
}

const HostSlot* FindWildcard(const ListenerGroup& group, uint64_t listener_bit, std::string_view host) noexcept {
  size_t labels = static_cast<size_t>(std::count(host.begin(), host.end(), '.'));
  for (size_t dot = host.find('.'); dot != std::string_view::npos; dot = host.find('.', dot + 1), --labels) {
    if (dot == 0) continue;  // a wildcard stands for a label at least
    const size_t bit = std::min<size_t>(labels, 127);
    if ((group.wildcard_labels[bit / 64] >> (bit % 64) & 1U) == 0) continue;
    const HostSlot* slot = FindHostSlot(group, listener_bit, HostKind::kWildcard, host.substr(dot + 1));
    if (slot != nullptr) return slot;
  }
  return nullptr;
}

bool HasWildcards(const ListenerGroup& group) noexcept {
  return (group.wildcard_labels[0] | group.wildcard_labels[1]) != 0;
}

// One host's search: the request against exact paths, patterns, then prefixes from the longest on.
class HostSearch {
 public:
  HostSearch(const ListenerGroup& group, const HostSlot& host, uint64_t listener_bit,
             const http::RequestHead& head) noexcept
      : group_(group), host_(host), listener_bit_(listener_bit), head_(head), path_(head.match_path) {}

  Match Run() noexcept {
    if (path_ == "*") return ByHostAlone();
    Match match;
    if (host_.has_exact_paths && ByPath(true, path_, match)) return match;
    if (host_.regex_count != 0 && ByPattern(match)) return match;
    ByPrefix(match);
    return match;
  }

 private:
  bool Accepts(const Entry& entry) const noexcept {
    return (entry.listeners & listener_bit_) != 0 && EntryFulfils(entry, head_);
  }

  bool ByPath(bool exact, std::string_view text, Match& match) const noexcept {
    const uint64_t hash = PathHash(exact, text);
    const size_t mask = (size_t{1} << host_.path_bits) - 1;
    const PathSlot* const slots = group_.paths.data() + host_.first_path;
    for (size_t at = hash & mask; slots[at].count != 0; at = (at + 1) & mask) {
      const PathSlot& slot = slots[at];
      if (slot.tag != HashTag(hash) || slot.exact != exact || !slot.text.Equals(text, group_.pool)) continue;
      if (slot.answer != nullptr) {
        match = {slot.answer, slot.route_index, static_cast<uint32_t>(text.size())};
        return true;
      }
      return FirstOf({group_.entries.data() + slot.first, slot.count}, static_cast<uint32_t>(text.size()), match);
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
    for (const Entry& entry : std::span(group_.entries.data() + host_.first_regex, host_.regex_count)) {
      if (!Accepts(entry) || !entry.match->regex->FullMatch(path_)) continue;
      match = {entry.policy, entry.route_index, 0};
      return true;
    }
    return false;
  }

  void ByPrefix(Match& match) const noexcept {
    // ends[n]: where the first n segments of the path end.
    std::array<uint32_t, kPrefixSegmentsMax + 1> ends;
    ends[0] = 0;
    const uint32_t deepest = 63U - static_cast<uint32_t>(std::countl_zero(host_.prefix_depths | 1U));
    uint32_t depth = 0;
    size_t at = 0;
    while (depth < deepest && at < path_.size()) {
      at = std::min(path_.find('/', at + 1), path_.size());
      ends[++depth] = static_cast<uint32_t>(at);
    }
    for (uint64_t depths = host_.prefix_depths & (~uint64_t{0} >> (63U - depth)); depths != 0;) {
      const uint32_t longest = 63U - static_cast<uint32_t>(std::countl_zero(depths));
      depths &= ~(uint64_t{1} << longest);
      if (ByPath(false, path_.substr(0, ends[longest]), match)) return;
    }
  }

  // OPTIONS *: what takes every path comes first, then whatever the host has in the order of precedence.
  Match ByHostAlone() const noexcept {
    Match match;
    if ((host_.prefix_depths & 1U) != 0 && ByPath(false, {}, match)) return match;
    FirstOf({group_.entries.data() + host_.first_entry, host_.entry_count}, 0, match);
    return match;
  }

  const ListenerGroup& group_;
  const HostSlot& host_;
  const uint64_t listener_bit_;
  const http::RequestHead& head_;
  const std::string_view path_;
};

}  // namespace

const HostSlot* FindHost(const ListenerGroup& group, uint64_t listener_bit, std::string_view host) noexcept {
  if (group.hosts.empty()) return nullptr;
  if (const HostSlot* exact = FindHostSlot(group, listener_bit, HostKind::kExact, host); exact != nullptr) return exact;
  if (HasWildcards(group)) {
    if (const HostSlot* wildcard = FindWildcard(group, listener_bit, host); wildcard != nullptr) return wildcard;
  }
  return group.has_any ? FindHostSlot(group, listener_bit, HostKind::kAny, {}) : nullptr;
}

bool EntryFulfils(const Entry& entry, const http::RequestHead& head) noexcept {
  if (entry.method != Entry::kAnyMethod && entry.method != static_cast<uint8_t>(head.method)) return false;
  if (!entry.has_conditions) return true;
  for (const ValueCondition& header : entry.match->headers) {
    if (!HeaderFulfils(header, head)) return false;
  }
  for (const ValueCondition& parameter : entry.match->query) {
    if (!QueryFulfils(parameter, head.query)) return false;
  }
  return true;
}

RouteTable::RouteTable() noexcept = default;
RouteTable::~RouteTable() = default;
RouteTable::RouteTable(RouteTable&&) noexcept = default;
RouteTable& RouteTable::operator=(RouteTable&&) noexcept = default;

Match RouteTable::Find(uint32_t listener, const http::RequestHead& head) const noexcept {
  if (impl_ == nullptr || listener / Impl::kGroupListeners >= impl_->groups.size()) return {};
  const ListenerGroup& group = impl_->groups[listener / Impl::kGroupListeners];
  const uint64_t listener_bit = uint64_t{1} << (listener % Impl::kGroupListeners);
  const HostSlot* host = FindHost(group, listener_bit, head.host);
  if (host == nullptr) return {};
  return HostSearch(group, *host, listener_bit, head).Run();
}

}  // namespace headgate::routing
