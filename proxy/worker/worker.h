// One thread that carries traffic: its loop, listeners, clusters, exchanges, timers, buffers and metric cells.
// Owned by the WorkerSet. Everything below is private to its thread but Post and the three counters.
// Its own thread; Post and the counters: any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/block_pool.h"
#include "base/crypto/random.h"
#include "base/limits.h"
#include "base/mailbox.h"
#include "base/timer_wheel.h"
#include "metrics/access_log_writer.h"
#include "proxy/context/worker_context.h"
#include "proxy/downstream/listener.h"
#include "proxy/exchange/exchange.h"
#include "proxy/net/reactor.h"
#include "proxy/worker/cluster_set.h"
#include "proxy/worker/question.h"

namespace headgate::proxy {

struct WorkerOptions {
  uint32_t index = 0;
  const base::Clock* clock = nullptr;
  metrics::Registry* registry = nullptr;
  metrics::AccessLogRing* access_log = nullptr;
  metrics::Shard* shard = nullptr;
  ProcessShared* process = nullptr;
};

// A listener's socket on its way to a worker.
struct LentSocket {
  std::string listener;
  net::ListenSocket* socket = nullptr;
};

class Worker final : public net::TurnHooks, public ListenerHost {
 public:
  explicit Worker(const WorkerOptions& options);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Any thread: runs on the worker's between two turns' events.
  template <class F>
  void Post(F function) {
    context_.Post(std::move(function));
  }
  void StartThread();
  void Join();
  // When the loop last turned: steady clock, nanoseconds. Any thread.
  int64_t last_turn() const noexcept { return last_turn_.load(std::memory_order_relaxed); }
  uint64_t pins() const noexcept { return pins_alive_.load(std::memory_order_relaxed); }

  // ---- messages: the worker's thread ----
  // Swaps to a new generation: what differs in clusters and splits, and all listeners. Sockets in `opened` start to
  // accept.
  void Adopt(std::shared_ptr<const Snapshot> snapshot, const std::vector<LentSocket>& opened);
  void SetEndpoints(const std::shared_ptr<UpstreamShared>& upstream, std::shared_ptr<const EndpointSet> endpoints);
  // Asks an upstream on the process's own behalf; `told` may be called from inside.
  void Ask(Question question, Asking::Told told);
  void BeginDrain();
  void ShutListeners();
  // Closes everything and ends the loop.
  void Stop();

  // One turn without a thread, for tests.
  void Turn(base::Duration wait_max) { reactor_.Turn(wait_max); }

 private:
  void BeginTurn(base::Instant now, base::Duration late) override;
  void EndTurn() override;
  base::Instant NextDue() const override;
  PinRef CurrentSnapshot() override { return PinRef(*current_.operator->()); }
  bool draining() const noexcept override { return draining_; }
  uint64_t connections_limit() const noexcept override { return connections_limit_; }

  using Listeners = absl::flat_hash_map<std::string, std::unique_ptr<Listener>>;
  std::unique_ptr<Listener> TakeListener(Listeners& from, const routing::ListenerPolicy& wanted);
  void AdoptSplits(const SnapshotPin& pin);
  void AdoptListeners(SnapshotPin& pin, const std::vector<LentSocket>& opened);
  void Sweep();

  const base::Clock& clock_;
  base::Mailbox mailbox_;
  net::Reactor reactor_;
  base::SlabPool slabs_;
  base::BlockPool blocks_{base::kSpareBlockBytesMax};
  base::TimerWheel timers_;
  base::RandomSource random_;
  base::Rng rng_;
  net::Graveyard graveyard_;
  DateCache date_;
  WorkerContext context_;
  ExchangePool exchanges_;
  ExchangeServices services_;
  ClusterSet clusters_;
  base::IntrusiveList<Asking, AskingTag> askings_;

  std::vector<std::unique_ptr<SnapshotPin>> pins_;
  PinRef current_;
  Listeners listeners_;
  std::vector<std::unique_ptr<Listener>> retired_listeners_;
  uint64_t connections_limit_ = 0;
  bool draining_ = false;
  base::Timer sweep_timer_;
  std::atomic<int64_t> last_turn_{0};
  std::atomic<uint64_t> pins_alive_{0};
  std::thread thread_;
};

}  // namespace headgate::proxy
