// The HTTP/2 connections of one upstream on one worker: each carries many requests, and another one is opened before
// the peer's limit is reached. Owned by a cluster. Connections are its own; attempts in its line are their exchanges'.
// One thread: the worker's.
//
//   Begin --- a connection of the chosen endpoint has room -------------> a stream (crowded: one more is opened ahead)
//     |
//     +-- a connection to it is being opened, or a slot is free ---> expected ---+ granted at a turn's end
//     |                                                                |         |
//     |                                                                +-- its connect failed --> OnAttemptFailed
//     +-- no slot: another endpoint's connection has room --------------> a stream
//     +-- no room at all: pending (bounded) ------> granted, or expected, when a stream, a slot or SETTINGS give room
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/intrusive_list.h"
#include "base/timer_wheel.h"
#include "proxy/net/reactor.h"
#include "proxy/upstream/pool_base.h"
#include "proxy/upstream/upstream_h2_connection.h"

namespace headgate::proxy {

// An endpoint and its connections.
struct H2Place {
  std::shared_ptr<EndpointShared> shared;
  base::IntrusiveList<UpstreamH2Connection, IdleTag> connections;  // open ones, the oldest first
  size_t connecting = 0;
  size_t expected = 0;  // attempts that wait for them

  // Whether those that are being opened will have room for one more.
  bool expects_room() const noexcept {
    return expected < connecting * shared->streams_assumed.load(std::memory_order_relaxed);
  }
};

class H2Pool final : public PoolBase, private UpstreamH2ConnectionOwner, private net::IoHandler {
 public:
  // A connection that is younger than this is not stale: the retry of a stale reuse may take it.
  static constexpr base::Duration kFresh = std::chrono::seconds(1);
  // While other workers wait for a slot, a connection is given up when it has served this long.
  static constexpr base::Duration kSlotShare = std::chrono::seconds(1);

  H2Pool(WorkerContext& worker, Cluster& cluster, UpstreamShared& shared);
  ~H2Pool() override;

  void SetEndpoints(std::shared_ptr<const EndpointSet> endpoints) override;
  base::Result<UpstreamStream*> Begin(Attempt& attempt) override;
  bool Abandon(Attempt& attempt) noexcept override;
  void CloseIdle() override;
  bool busy() const noexcept override { return leased_ + connecting_ + waiting_ > 0 || !granted_.empty(); }
  Attempt* HandOver() noexcept override;
  void Adopt(Attempt& attempt) override;

 private:
  // UpstreamH2ConnectionOwner
  void OnConnectDone(UpstreamH2Connection& connection) override;
  void OnConnectFailed(UpstreamH2Connection& connection, const base::Error& error) override;
  void OnDraining(UpstreamH2Connection& connection) override;
  void OnLost(UpstreamH2Connection& connection) override;
  void OnRoom(UpstreamH2Connection& connection) override;
  void OnReleased(UpstreamH2Connection& connection) override;
  // IoHandler: deferred to the end of a turn.
  void OnReady(uint32_t events) override;

  bool MayCarry(const UpstreamH2Connection& connection) const noexcept;
  // A connection of this endpoint with room, one that is not crowded if there is one; null: none.
  UpstreamH2Connection* Choose(H2Place& place, bool fresh) noexcept;
  UpstreamH2Connection* ChooseAnywhere(const EndpointShared* avoid) noexcept;
  UpstreamH2Stream& Lease(UpstreamH2Connection& connection, Attempt& attempt);
  // Opens another connection to an endpoint whose connections are all crowded.
  void Grow(H2Place& place);
  void CloseIfUnused(UpstreamH2Connection& connection);
  void Regauge(UpstreamH2Connection& connection) noexcept;
  // Takes a connection out of every list and closes it.
  void Destroy(UpstreamH2Connection& connection) noexcept;

  // h2_pool_waiting.cc
  base::Result<UpstreamStream*> Wait(Attempt& attempt, H2Place& place);
  size_t Expected() const noexcept override { return expected_; }
  bool CloseOldestIdle() noexcept override;
  void OpenForPending() override;
  void Open(H2Place& place);
  H2Place* PlaceOf(const EndpointShared* endpoint) noexcept;
  // The attempt waits for a connection to this endpoint (or no longer for one).
  void Expect(Attempt& attempt, H2Place& place) noexcept;
  void ExpectNothing(Attempt& attempt) noexcept;
  void Leave(Attempt& attempt) noexcept;
  UpstreamH2Connection* ConnectionFor(Attempt& attempt) noexcept;
  void GrantAll();
  void ConnectFailed(const std::shared_ptr<EndpointShared>& endpoint, const base::Error& error);
  void FailWithoutEndpoints();

  void OnConnectDeadline();
  void OnSweep();
  void ArmSweep();
  void ShareSlots();

  std::vector<std::unique_ptr<H2Place>> places_;  // in the order of the balancer's endpoints
  base::IntrusiveList<UpstreamH2Connection, AllTag> all_;
  base::IntrusiveList<UpstreamH2Connection, AgeTag> idle_by_age_;
  base::IntrusiveList<UpstreamH2Connection, AgeTag> connecting_by_age_;
  base::IntrusiveList<UpstreamH2Stream, GrantTag> granted_;
  size_t connecting_ = 0;
  size_t expected_ = 0;
  base::Timer connect_deadline_;
  base::Timer sweep_;
};

}  // namespace headgate::proxy
