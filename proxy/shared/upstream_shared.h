// What all workers know of one upstream and its endpoints together: budgets, and who is set aside.
// Owned by shared_ptr: the WorkerSet's directory, snapshots, clusters and endpoint sets. Survives reloads by name.
// Any thread: atomics only.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/ip.h"
#include "proxy/shared/endpoint_tables.h"
#include "proxy/shared/process_shared.h"

namespace headgate::proxy {

// An endpoint that refused is set aside for 1 s, doubling to 10 s while it goes on refusing; a success ends it.
struct EndpointShared {
  explicit EndpointShared(const base::SocketAddress& where) : address(where), text(where.ToString()) {}
  const base::SocketAddress address;
  const std::string text;               // "10.1.2.3:8080", for logs and /upstreams
  std::atomic<int64_t> aside_until{0};  // steady clock, nanoseconds
  std::atomic<uint32_t> refusals{0};    // in a row
  std::atomic<uint32_t> active{0};      // requests now
  // HTTP/2: how many streams a connection of it is taken to allow until its own SETTINGS come: at first what RFC 9113
  // 6.5.2 recommends as the least, then what its last ones said, from 1 to that.
  static constexpr uint32_t kStreamsAssumed = 100;
  std::atomic<uint32_t> streams_assumed{kStreamsAssumed};

  bool IsAside(base::Instant now) const noexcept {
    return aside_until.load(std::memory_order_relaxed) > now.time_since_epoch().count();
  }
  void SetAside(base::Instant now) noexcept;
  void NoteStreams(uint32_t allowed) noexcept {
    streams_assumed.store(std::clamp<uint32_t>(allowed, 1, kStreamsAssumed), std::memory_order_relaxed);
  }
  void Succeeded() noexcept {
    if (refusals.load(std::memory_order_relaxed) != 0) refusals.store(0, std::memory_order_relaxed);
  }
};

struct Endpoint {
  std::shared_ptr<EndpointShared> shared;
  uint32_t weight = 1;
};

// Versioned and immutable: published per upstream, costs no compilation.
struct EndpointSet {
  uint64_t version = 0;
  std::vector<Endpoint> endpoints;
  std::shared_ptr<const Schedule> schedule;  // null: all weights are equal
  std::shared_ptr<const HashTable>
      hash_table;  // null: the policy that it was made for hashes nothing, or nobody is there
};

struct UpstreamShared {
  explicit UpstreamShared(std::string upstream_name) : name(std::move(upstream_name)) {}
  const std::string name;
  SharedBudget connections;  // open or being opened; limit connections.max
  SharedBudget pending;      // requests waiting for a connection; limit connections.maxPending
  SharedBudget requests;     // requests that were given to this upstream and are not finished
  SharedBudget retries;      // retries under way; limit by the route's budget of `requests`
};

// Makes an endpoint set, with the tables that `policy` needs, that keeps the shared state of addresses that `previous`
// had. Control thread: 1,000 endpoints take some 10 ms.
std::shared_ptr<const EndpointSet> MakeEndpointSet(
    const std::vector<std::pair<base::SocketAddress, uint32_t>>& addresses, const EndpointSet* previous,
    routing::LoadBalancingPolicy policy = routing::LoadBalancingPolicy::kRoundRobin);

}  // namespace headgate::proxy
