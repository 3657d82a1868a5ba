// What the pools of every protocol have in common: the configuration in force, the balancer, slots shared with other
// workers, and the line of attempts that wait for a connection.
// Owned by a cluster. Attempts in the line are their exchanges'.
// One thread: the worker's. Slots (connections.max, maxPending) are the process's, in UpstreamShared.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "base/intrusive_list.h"
#include "base/timer_wheel.h"
#include "metrics/reasons.h"
#include "metrics/series.h"
#include "proxy/context/worker_context.h"
#include "proxy/net/tls_context.h"
#include "proxy/upstream/attempt.h"
#include "proxy/upstream/load_balancer.h"
#include "routing/policy/upstream.h"

namespace headgate::proxy {

class PoolBase {
 public:
  // How often a worker that waits for a slot looks whether another one has given one back.
  static constexpr base::Duration kSlotPoll = std::chrono::milliseconds(5);
  // How often connections are looked through: for their age, and for other workers that wait for a slot.
  static constexpr base::Duration kSweep = std::chrono::seconds(1);
  // The same while three quarters of the slots are taken.
  static constexpr base::Duration kSweepScarce = std::chrono::milliseconds(20);

  static constexpr const char* kFull = "connections.max and connections.maxPending are reached";

  PoolBase(WorkerContext& worker, Cluster& cluster, UpstreamShared& shared);
  virtual ~PoolBase() = default;
  PoolBase(const PoolBase&) = delete;
  PoolBase& operator=(const PoolBase&) = delete;

  // These are a cluster's; see there.
  void Configure(std::shared_ptr<const routing::UpstreamPolicy> policy, std::shared_ptr<net::TlsClientContext> tls,
                 std::shared_ptr<const metrics::UpstreamSeries> series);
  virtual void SetEndpoints(std::shared_ptr<const EndpointSet> endpoints) = 0;
  bool has_endpoint() const noexcept { return policy_ != nullptr && balancer_.size() > 0; }
  virtual base::Result<UpstreamStream*> Begin(Attempt& attempt) = 0;
  // False: it is not one of this pool's.
  virtual bool Abandon(Attempt& attempt) noexcept = 0;
  void Retire();
  virtual void CloseIdle() = 0;
  virtual bool busy() const noexcept = 0;

  // Who waits moves from a pool whose protocol is no longer wanted to another one; null: nobody is left.
  virtual Attempt* HandOver() noexcept = 0;
  virtual void Adopt(Attempt& attempt) = 0;

  size_t waiting() const noexcept { return waiting_; }

 protected:
  // How many of those who wait will be served by connections that are being opened.
  virtual size_t Expected() const noexcept = 0;
  // Opens connections for those who wait for a slot.
  virtual void OpenForPending() = 0;
  // Closes the idle connection that was unused the longest; false: there is none.
  virtual bool CloseOldestIdle() noexcept = 0;

  // What an attempt knows when it begins.
  static void Prepare(Attempt& attempt) noexcept;
  base::Error NoEndpoint(const char* detail) const noexcept;
  static base::Error Overload(const char* detail) noexcept;
  // Index of the endpoint that the attempt should go to; there is at least one.
  size_t Pick(Attempt& attempt) noexcept;
  // The attempt's hash does not speak against this endpoint.
  static bool May(const Attempt& attempt, const EndpointShared* endpoint) noexcept {
    return attempt.wanted == nullptr || attempt.wanted == endpoint;
  }
  // Those whose endpoint is gone may go anywhere.
  void ForgetWanted(const EndpointShared* gone) noexcept;
  void Enqueue(Attempt& attempt) noexcept;
  // Takes the attempt out of the line.
  void StopWaiting(Attempt& attempt) noexcept;
  // pending = waiting - expected, kept in the process's count.
  void UpdatePending() noexcept;
  // A place among those who wait for a slot; false: connections.maxPending is reached.
  bool TakePending() noexcept;
  // A slot of the upstream, and one of the process's descriptors.
  bool TakeFreeSlot() noexcept;
  // The same; idle connections to other endpoints make room, the longest unused first.
  bool TakeSlot();
  void GiveSlot() noexcept;
  // How many requests elsewhere in the process wait for a slot that this pool could give back.
  uint64_t OthersWaiting() const noexcept;
  // The first of the line whom no connection is being opened for. One that was opened for an attempt may have gone to
  // another: then who came first. Only while somebody waits.
  Attempt& FirstPending() noexcept;
  void OnSlotPoll();
  // Refuses who has waited for a slot as long as a connect may take.
  void RefuseLate();

  // Counts a failed connect, and sets the endpoint aside if nobody can be reached there.
  void NoteConnectFailure(EndpointShared& endpoint, const base::Error& error) noexcept;
  void CountConnect(metrics::ConnectResult result) noexcept;
  void AddGauge(metrics::ConnectionState state, int64_t change) noexcept;
  // When a connection that is opened now will be too old: connections.maxAge, jittered by 10 %.
  base::Instant Expiry() noexcept;
  // SNI, and the name to verify; empty: the endpoint's address.
  const std::string& ServerName() const noexcept;
  // When to look through the connections next.
  base::Duration SweepInterval() const noexcept;

  WorkerContext& worker_;
  Cluster& cluster_;
  UpstreamShared& shared_;
  std::shared_ptr<const routing::UpstreamPolicy> policy_;
  std::shared_ptr<net::TlsClientContext> tls_;
  std::shared_ptr<const metrics::UpstreamSeries> series_;
  LoadBalancer balancer_;
  bool retired_ = false;
  uint64_t generation_ = 0;  // connections of another TLS configuration take no further request

  base::IntrusiveList<Attempt, PendingTag> queue_;
  struct Failure {
    std::shared_ptr<EndpointShared> endpoint;
    base::Error error;
  };
  std::vector<Failure> failures_;  // connects that failed at once, told at the turn's end

  size_t idle_ = 0;    // connections that carry nothing
  size_t leased_ = 0;  // connections that carry something
  size_t waiting_ = 0;
  uint64_t own_pending_ = 0;
  base::Timer slot_poll_;
};

// Puts the pool's places (an endpoint and its connections) into the order of `endpoints`; new ones are made. Returns
// those whose endpoint is gone.
template <class Place>
std::vector<std::unique_ptr<Place>> Rearrange(std::vector<std::unique_ptr<Place>>& places,
                                              const EndpointSet& endpoints) {
  absl::flat_hash_map<const EndpointShared*, std::unique_ptr<Place>> before;
  for (std::unique_ptr<Place>& place : places) before.emplace(place->shared.get(), std::move(place));
  places.clear();
  for (const Endpoint& endpoint : endpoints.endpoints) {
    std::unique_ptr<Place>& old = before[endpoint.shared.get()];
    if (old != nullptr) {
      places.push_back(std::move(old));
      continue;
    }
    places.push_back(std::make_unique<Place>());
    places.back()->shared = endpoint.shared;
  }
  std::vector<std::unique_ptr<Place>> gone;
  for (auto& [shared, place] : before) {
    if (place != nullptr) gone.push_back(std::move(place));
  }
  return gone;
}

}  // namespace headgate::proxy
