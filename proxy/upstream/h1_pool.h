// The HTTP/1 connections of one upstream on one worker: who is idle, who is being opened, and which attempts wait for
// one. Owned by a cluster. Connections are its own; attempts in its queue are their exchanges'. One thread: the
// worker's.
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
#include "proxy/net/reactor.h"
#include "proxy/upstream/idle_limit.h"
#include "proxy/upstream/pool_base.h"
#include "proxy/upstream/upstream_h1_connection.h"

namespace headgate::proxy {

// An endpoint and its idle connections.
struct PoolEndpoint {
  std::shared_ptr<EndpointShared> shared;
  base::IntrusiveList<UpstreamH1Connection, IdleTag> idle;
  IdleLimit limit;
};

class H1Pool final : public PoolBase, private UpstreamH1ConnectionOwner, private net::IoHandler {
 public:
  H1Pool(WorkerContext& worker, Cluster& cluster, UpstreamShared& shared);
  ~H1Pool() override;

  void SetEndpoints(std::shared_ptr<const EndpointSet> endpoints) override;
  base::Result<UpstreamStream*> Begin(Attempt& attempt) override;
  bool Abandon(Attempt& attempt) noexcept override;
  void CloseIdle() override;
  bool busy() const noexcept override { return leased_ + connecting_ + waiting_ > 0 || !granted_.empty(); }
  Attempt* HandOver() noexcept override;
  void Adopt(Attempt& attempt) override;

 private:
  // UpstreamH1ConnectionOwner
  void OnConnectDone(UpstreamH1Connection& connection) override;
  void OnConnectFailed(UpstreamH1Connection& connection, const base::Error& error) override;
  void OnIdleClosed(UpstreamH1Connection& connection) override;
  void OnReleased(UpstreamH1Connection& connection, bool clean) override;
  // IoHandler: deferred to the end of a turn.
  void OnReady(uint32_t events) override;

  UpstreamStream* Lease(UpstreamH1Connection& connection, Attempt& attempt) noexcept;
  UpstreamH1Connection* TakeIdle(PoolEndpoint& place) noexcept;
  bool MayKeep(const UpstreamH1Connection& connection) const noexcept;
  // Of an idle one: it carries no further request, for its idleness or its age.
  bool Stale(const UpstreamH1Connection& connection) const noexcept;
  void MakeFree(UpstreamH1Connection& connection);
  void PutIdle(UpstreamH1Connection& connection);
  Attempt* WaiterFor(const UpstreamH1Connection& connection) noexcept;
  void Grant(UpstreamH1Connection& connection, Attempt& attempt);

  base::Result<UpstreamStream*> Wait(Attempt& attempt, size_t endpoint);
  size_t Expected() const noexcept override { return connecting_; }
  bool CloseOldestIdle() noexcept override;
  void Open(size_t endpoint);
  void OpenForPending() override;
  void ConnectFailed(EndpointShared& endpoint, const base::Error& error);
  void FailWaiter(EndpointShared& endpoint, const base::Error& error);

  // Takes a connection out of every list and closes it.
  void Destroy(UpstreamH1Connection& connection) noexcept;
  void LeaveIdle(UpstreamH1Connection& connection) noexcept;

  void OnConnectDeadline();
  void OnSweep();
  void ArmSweep();

  std::vector<std::unique_ptr<PoolEndpoint>> places_;  // in the order of the balancer's endpoints
  base::IntrusiveList<UpstreamH1Connection, AllTag> all_;
  base::IntrusiveList<UpstreamH1Connection, AgeTag> idle_by_age_;
  base::IntrusiveList<UpstreamH1Connection, AgeTag> connecting_by_age_;
  base::IntrusiveList<UpstreamH1Connection, AgeTag> granted_;
  size_t connecting_ = 0;
  base::Timer connect_deadline_;
  base::Timer sweep_;
};

}  // namespace headgate::proxy
