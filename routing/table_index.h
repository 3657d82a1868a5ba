// How the route table lies in memory: hosts, paths and entries in a few flat arrays, so that a look-up touches little.
//
//   host slots ---> entries with a regular expression, in order
//   path slots ---> entries (sorted by precedence) --> conditions
//
// A slot holds its key's text when it is short, and the answer itself when there is only one and it asks for no more.
// Owned by RouteTable. Written by RouteTableBuilder, const afterwards: any thread.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.h"
#include "routing/huge_pages.h"
#include "routing/policy/route.h"
#include "routing/route_table.h"
#include "routing/rules.h"

namespace headgate::routing {

// One match of one route under one of its hostnames.
struct Entry {
  const RoutePolicy* policy = nullptr;
  const RouteRules* rules = nullptr;
  const MatchRule* match = nullptr;
  uint64_t listeners = 0;  // bit i: listener i of the group
  uint32_t route_index = 0;
  uint8_t method = kAnyMethod;
  bool has_conditions = false;  // on headers or the query

  static constexpr uint8_t kAnyMethod = 0xff;
};

// A key's text: within the slot, or in the pool.
template <size_t kInlineBytes>
class SlotText {
 public:
  void Set(std::string_view text, std::string& pool) {
    size_ = static_cast<uint32_t>(text.size());
    if (text.size() <= kInlineBytes) {
      std::copy(text.begin(), text.end(), bytes_.begin());
      return;
    }
    const auto offset = static_cast<uint32_t>(pool.size());
    pool.append(text);
    std::memcpy(bytes_.data(), &offset, sizeof(offset));
  }
  bool Equals(std::string_view text, const std::string& pool) const noexcept { return View(pool) == text; }
  std::string_view View(const std::string& pool) const noexcept {
    if (size_ <= kInlineBytes) return {bytes_.data(), size_};
    uint32_t offset;
    std::memcpy(&offset, bytes_.data(), sizeof(offset));
    return std::string_view(pool).substr(offset, size_);
  }

 private:
  uint32_t size_ = 0;
  std::array<char, kInlineBytes> bytes_{};
};

// Entries of one host that have one path. Free when count is 0.
struct alignas(64) PathSlot {
  uint32_t tag = 0;    // upper half of the hash
  uint32_t host = 0;   // index of its slot
  uint32_t first = 0;  // entries [first, first + count)
  uint32_t count = 0;
  const RoutePolicy* answer = nullptr;  // the first entry's, if it asks for nothing but host and path
  uint32_t route_index = 0;             // of the first entry
  bool exact = false;                   // else a prefix
  SlotText<27> text;
};
static_assert(sizeof(PathSlot) == 64);

// Free when no listener has it. What a usual look-up reads lies in the first 64 bytes.
struct alignas(128) HostSlot {
  uint64_t listeners = 0;      // that have a route for this host
  uint64_t prefix_depths = 0;  // bit n: there is a prefix of n segments
  uint32_t tag = 0;
  HostKind kind = HostKind::kExact;
  bool has_exact_paths = false;
  bool has_patterns = false;
  SlotText<84> text;
  uint32_t first_entry = 0;  // all of them, sorted by precedence
  uint32_t entry_count = 0;
  uint32_t first_regex = 0;  // entries [first_regex, first_regex + regex_count)
  uint32_t regex_count = 0;
};
static_assert(sizeof(HostSlot) == 128);

// The table of up to 64 listeners. Slots are found by open addressing in arrays whose size is a power of two, half
// of it free. A path's hash begins with its host's hash, not with anything that the host's slot holds: both slots can
// be on their way from memory at once.
struct ListenerGroup {
  std::vector<HostSlot, HugePageAllocator<HostSlot>> hosts;  // empty: no routes
  std::vector<PathSlot, HugePageAllocator<PathSlot>> paths;
  std::vector<Entry> entries;
  std::string pool;
  uint64_t prefix_depths = 0;  // of all hosts
  bool has_exact_paths = false;
  // Bit n: there is a wildcard of n labels (127: or more).
  std::array<uint64_t, 2> wildcard_labels{};
  bool has_any = false;
};

struct RouteTable::Impl {
  static constexpr uint32_t kGroupListeners = 64;
  std::vector<ListenerGroup> groups;
  std::vector<std::shared_ptr<const RouteRules>> rules;  // what the entries point into
};

uint64_t HostHash(HostKind kind, std::string_view text) noexcept;
uint64_t PathHash(uint64_t host_hash, bool exact, std::string_view text) noexcept;
inline uint32_t HashTag(uint64_t hash) noexcept { return static_cast<uint32_t>(hash >> 32U); }

struct FoundHost {
  const HostSlot* slot = nullptr;  // null: no hostname fits
  uint64_t hash = 0;
};
// The host that decides for a request. `listener_bit`: one bit; `exact_hash`: of `host` as an exact hostname.
FoundHost FindHost(const ListenerGroup& group, uint64_t listener_bit, std::string_view host,
                   uint64_t exact_hash) noexcept;
// Method, headers and query of an entry; listener and path are judged before.
bool EntryFulfils(const Entry& entry, const http::RequestHead& head) noexcept;

}  // namespace headgate::routing
