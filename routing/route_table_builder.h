// Builds a RouteTable. Routes are added in any order: the result is the same.
// Owned by the compile step.
// Control thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "routing/route_table.h"
#include "routing/rules.h"
#include "routing/table_index.h"

namespace headgate::routing {

class RouteTableBuilder {
 public:
  explicit RouteTableBuilder(uint32_t listener_count);

  // `policy` must outlive the table. No listeners: all of them. A prefix may have kPrefixSegmentsMax segments at most.
  void Add(uint32_t route_index, const RoutePolicy& policy, std::shared_ptr<const RouteRules> rules,
           std::span<const uint32_t> listeners);
  RouteTable Build();

 private:
  struct Pending {
    Entry entry;
    const HostName* host;
    uint32_t host_id = 0;
  };
  static bool Precedes(const Entry& a, const Entry& b) noexcept;
  static void SortByHost(std::vector<Pending>& pending);
  static void Fill(std::vector<Pending>& pending, ListenerGroup& group);
  // Sorted entries with the same host and path, patterns apart.
  static size_t CountPaths(const std::vector<Pending>& pending);
  static void AddHost(ListenerGroup& group, std::span<const Pending> pending, uint32_t first_entry);
  static void AddPaths(ListenerGroup& group, HostSlot& host, uint64_t host_hash);
  // Entries of one host that have one path.
  struct PathRun {
    uint32_t first = 0;
    uint32_t count = 0;
  };
  static void AddPath(ListenerGroup& group, const HostSlot& host, uint64_t host_hash, PathRun run);

  std::vector<std::vector<Pending>> groups_;
  std::vector<uint64_t> all_listeners_;  // per group
  std::vector<std::shared_ptr<const RouteRules>> rules_;
};

// Whether both entries of one host ask for the same path: neighbours in the order of precedence, and one slot.
bool SamePath(const Entry& a, const Entry& b) noexcept;
// Segments of a normalised prefix ("" has none).
uint32_t CountSegments(std::string_view prefix) noexcept;

}  // namespace headgate::routing
