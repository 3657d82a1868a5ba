// The connections of one upstream on one worker: who is idle, who is being opened, and which attempts wait for one.
// Owned by a cluster. Connections are its own; attempts in its queue are their exchanges'.
// One thread: the worker's. Slots (connections.max, maxPending) are the process's, in UpstreamShared.
//
//   Begin --- idle connection ---------------------------------------> leased
//     |                                                                  ^
//     +-- a slot is free: connection opened --+                          |
//     |                                       v                          |
//     +-- no slot: pending (bounded) -----> waiting --- granted (turn's end): who became free first serves the first
//                                             |
//                                             +-- its connect failed --> OnAttemptFailed
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/intrusive_list.h"
#include "base/timer_wheel.h"
#include "metrics/series.h"
#include "proxy/net/reactor.h"
#include "proxy/upstream/h1_connection.h"
#include "proxy/upstream/load_balancer.h"
#include "routing/policy/upstream.h"

namespace headgate::proxy {

// An endpoint and its idle connections.
struct PoolEndpoint {
  std::shared_ptr<EndpointShared> shared;
  base::IntrusiveList<H1Connection, IdleTag> idle;
};

class Pool final : private H1ConnectionOwner, private net::IoHandler {
 public:
  // How often a worker that waits for a slot looks whether another one has given one back.
  static constexpr base::Duration kSlotPoll = std::chrono::milliseconds(5);
  // How often idle connections are looked through: for their age, and for other workers that wait for a slot.
  static constexpr base::Duration kSweep = std::chrono::seconds(1);
  // The same while three quarters of the slots are taken.
  static constexpr base::Duration kSweepScarce = std::chrono::milliseconds(20);

  Pool(WorkerContext& worker, Cluster& cluster, UpstreamShared& shared);
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  void Configure(std::shared_ptr<const routing::UpstreamPolicy> policy, std::shared_ptr<net::TlsClientContext> tls,
                 std::shared_ptr<const metrics::UpstreamSeries> series);
  void SetEndpoints(std::shared_ptr<const EndpointSet> endpoints);
  bool has_endpoint() const noexcept { return policy_ != nullptr && !places_.empty(); }
  base::Result<UpstreamStream*> Begin(Attempt& attempt);
  void Abandon(Attempt& attempt) noexcept;
  void Retire();
  void CloseIdle();
  bool busy() const noexcept { return leased_ + connecting_ + waiting_ > 0 || !granted_.empty(); }
  const metrics::UpstreamSeries& series() const noexcept { return *series_; }

  size_t idle_connections() const noexcept { return idle_; }
  size_t waiting() const noexcept { return waiting_; }

 private:
  // H1ConnectionOwner
  void OnConnectDone(H1Connection& connection) override;
  void OnConnectFailed(H1Connection& connection, const base::Error& error) override;
  void OnIdleClosed(H1Connection& connection) override;
  void OnReleased(H1Connection& connection, bool clean) override;
  // IoHandler: deferred to the end of a turn.
  void OnReady(uint32_t events) override;

  UpstreamStream* Lease(H1Connection& connection, Attempt& attempt) noexcept;
  H1Connection* TakeIdle(PoolEndpoint& place) noexcept;
  bool MayKeep(const H1Connection& connection) const noexcept;
  void MakeFree(H1Connection& connection);
  void PutIdle(H1Connection& connection);
  Attempt* WaiterFor(const H1Connection& connection) noexcept;
  void Grant(H1Connection& connection, Attempt& attempt);

  base::Result<UpstreamStream*> Wait(Attempt& attempt, size_t endpoint);
  // Takes the attempt out of the queue.
  void StopWaiting(Attempt& attempt) noexcept;
  bool TakeSlot();
  void Open(size_t endpoint);
  // Opens connections for those who wait for a slot.
  void OpenForPending();
  // pending = waiting - connecting, kept in the process's count.
  void UpdatePending() noexcept;
  void ConnectFailed(EndpointShared& endpoint, const base::Error& error);
  void FailWaiter(EndpointShared& endpoint, const base::Error& error);
  void CountConnect(const base::Error& error) noexcept;

  // Takes a connection out of every list and closes it.
  void Destroy(H1Connection& connection) noexcept;
  void LeaveIdle(H1Connection& connection) noexcept;
  bool OthersWait() const noexcept { return shared_.pending.taken() > own_pending_; }

  void OnSlotPoll();
  void OnConnectDeadline();
  void OnSweep();
  void ArmSweep();

  WorkerContext& worker_;
  Cluster& cluster_;
  UpstreamShared& shared_;
  std::shared_ptr<const routing::UpstreamPolicy> policy_;
  std::shared_ptr<net::TlsClientContext> tls_;
  std::shared_ptr<const metrics::UpstreamSeries> series_;
  LoadBalancer balancer_;
  std::vector<std::unique_ptr<PoolEndpoint>> places_;  // in the order of the balancer's endpoints
  bool retired_ = false;
  uint64_t generation_ = 0;  // connections of another TLS configuration end with their attempt

  base::IntrusiveList<H1Connection, AllTag> all_;
  base::IntrusiveList<H1Connection, AgeTag> idle_by_age_;
  base::IntrusiveList<H1Connection, AgeTag> connecting_by_age_;
  base::IntrusiveList<H1Connection, AgeTag> granted_;
  base::IntrusiveList<Attempt, PendingTag> queue_;
  struct Failure {
    std::shared_ptr<EndpointShared> endpoint;
    base::Error error;
  };
  std::vector<Failure> failures_;  // connects that failed at once, told at the turn's end

  size_t idle_ = 0;
  size_t leased_ = 0;
  size_t connecting_ = 0;
  size_t waiting_ = 0;
  uint64_t own_pending_ = 0;

  base::Timer slot_poll_;
  base::Timer connect_deadline_;
  base::Timer sweep_;
};

}  // namespace headgate::proxy
