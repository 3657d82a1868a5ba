#include "proxy/worker/worker_set.h"

#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <utility>

#include "proxy/worker/worker.h"

namespace headgate::proxy {

namespace {

constexpr size_t kAccessLogRingBytes = size_t{1} << 20U;

// 0: none.
uint64_t FileLimit() noexcept {
  rlimit limit{};
  const bool limited = ::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
  return limited ? limit.rlim_cur : 0;
}

}  // namespace

struct WorkerSet::Impl {
  struct OpenListener {
    net::ListenAddress wanted;
    net::ListenSocket::Sockets sockets;  // one per worker
  };
  using OpenListeners = std::map<std::string, OpenListener>;

  explicit Impl(const WorkerSetOptions& given) : options(given) {}

  absl::Status OpenMissing(const Snapshot& snapshot, OpenListeners& opened) const;
  absl::StatusOr<net::ListenSocket::Sockets> Open(const net::ListenAddress& wanted) const;
  const OpenListener* HolderOf(const net::ListenAddress& wanted) const;
  void SweepSnapshots();

  WorkerSetOptions options;
  ProcessShared process;
  std::vector<std::unique_ptr<metrics::AccessLogRing>> rings;
  std::vector<std::unique_ptr<Worker>> workers;
  OpenListeners listeners;
  // Every generation that a worker may hold: the last reference is always dropped here, never on a worker.
  mutable std::mutex snapshots_mutex;
  std::vector<std::shared_ptr<const Snapshot>> snapshots;
  bool stopped = false;
};

WorkerSet::WorkerSet(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}

// It delegates so that the destructor runs when a thread cannot be made: the workers that have theirs must be stopped.
WorkerSet::WorkerSet(const WorkerSetOptions& options) : WorkerSet(std::make_unique<Impl>(options)) {
  const metrics::ProcessSeries& series = options.registry->Process();
  impl_->process.shares = SharesOf(FileLimit(), options.workers);
  for (uint32_t i = 0; i < options.workers; ++i) {
    metrics::Shard& shard = options.registry->AddShard();
    metrics::AccessLogRing* ring = nullptr;
    if (options.access_log != nullptr) {
      impl_->rings.push_back(std::make_unique<metrics::AccessLogRing>(kAccessLogRingBytes, *options.access_log_settings,
                                                                      shard, series.access_log_dropped));
      ring = impl_->rings.back().get();
      options.access_log->AddRing(*ring);
    }
    impl_->workers.push_back(std::make_unique<Worker>(WorkerOptions{.index = i,
                                                                    .clock = options.clock,
                                                                    .registry = options.registry,
                                                                    .access_log = ring,
                                                                    .shard = &shard,
                                                                    .process = &impl_->process}));
  }
  for (auto& worker : impl_->workers) worker->StartThread();
}

WorkerSet::~WorkerSet() {
  Stop();
  for (auto& ring : impl_->rings) impl_->options.access_log->RemoveRing(*ring);
}

// Whose sockets are on just this address: their listener has another name now, or another address.
const WorkerSet::Impl::OpenListener* WorkerSet::Impl::HolderOf(const net::ListenAddress& wanted) const {
  if (wanted.address.port == 0) return nullptr;
  const auto holder = std::find_if(listeners.begin(), listeners.end(),
                                   [&](const auto& entry) { return entry.second.wanted == wanted; });
  return holder == listeners.end() ? nullptr : &holder->second;
}

// A holder's sockets stay open under descriptors of the new listener's own: whoever waits in a queue is served.
absl::StatusOr<net::ListenSocket::Sockets> WorkerSet::Impl::Open(const net::ListenAddress& wanted) const {
  const OpenListener* holder = HolderOf(wanted);
  if (holder == nullptr) return net::ListenSocket::Open(wanted, workers.size());
  net::ListenSocket::Sockets sockets;
  for (const auto& socket : holder->sockets) {
    auto shared = net::ListenSocket::Share(*socket);
    if (!shared.ok()) return shared.status();
    sockets.push_back(*std::move(shared));
  }
  return sockets;
}

absl::Status WorkerSet::Impl::OpenMissing(const Snapshot& snapshot, OpenListeners& opened) const {
  std::map<std::string, net::ListenAddress> missing;
  for (const ListenerRuntime& runtime : snapshot.listeners) {
    const net::ListenAddress wanted{runtime.policy->address, runtime.policy->dual_stack};
    const auto known = listeners.find(runtime.policy->name);
    if (known == listeners.end() || known->second.wanted != wanted) missing[runtime.policy->name] = wanted;
  }
  // All are tried before one is open, and none where a socket of ours would be found.
  for (const auto& [name, wanted] : missing) {
    const bool ours = std::any_of(listeners.begin(), listeners.end(),
                                  [&](const auto& entry) { return entry.second.wanted.Overlaps(wanted); });
    if (ours) continue;
    if (absl::Status status = net::ListenSocket::CheckFree(wanted); !status.ok()) return status;
  }
  for (const auto& [name, wanted] : missing) {
    auto sockets = Open(wanted);
    if (!sockets.ok()) return sockets.status();
    opened[name] = {wanted, *std::move(sockets)};
  }
  return absl::OkStatus();
}

absl::Status WorkerSet::Publish(std::shared_ptr<const Snapshot> snapshot, std::function<void()> acknowledged) {
  Impl::OpenListeners opened;
  if (absl::Status status = impl_->OpenMissing(*snapshot, opened); !status.ok()) return status;
  auto leaving = std::make_shared<std::vector<Impl::OpenListener>>();
  Impl::OpenListeners staying;
  for (const ListenerRuntime& runtime : snapshot->listeners) {
    const std::string& name = runtime.policy->name;
    if (opened.contains(name)) continue;
    staying.insert(impl_->listeners.extract(name));
  }
  for (auto& [name, listener] : impl_->listeners) leaving->push_back(std::move(listener));
  impl_->listeners = std::move(staying);
  std::vector<std::vector<LentSocket>> lent(impl_->workers.size());
  for (auto& [name, listener] : opened) {
    for (size_t i = 0; i < lent.size(); ++i) lent[i].push_back({name, listener.sockets[i].get()});
    impl_->listeners[name] = std::move(listener);
  }
  {
    const std::lock_guard lock(impl_->snapshots_mutex);
    impl_->snapshots.push_back(snapshot);
    impl_->SweepSnapshots();
  }
  // The sockets that leave close when the last worker has emptied its queue and drops its reference.
  auto remaining = std::make_shared<std::atomic<size_t>>(impl_->workers.size());
  auto done = std::make_shared<std::function<void()>>(std::move(acknowledged));
  for (size_t i = 0; i < impl_->workers.size(); ++i) {
    Worker* worker = impl_->workers[i].get();
    worker->Post([worker, snapshot, sockets = std::move(lent[i]), leaving, remaining, done]() mutable {
      worker->Adopt(std::move(snapshot), sockets);
      leaving.reset();
      if (remaining->fetch_sub(1) == 1 && *done) (*done)();
    });
  }
  return absl::OkStatus();
}

void WorkerSet::PublishEndpoints(std::shared_ptr<UpstreamShared> upstream,
                                 std::shared_ptr<const EndpointSet> endpoints) {
  for (auto& worker : impl_->workers) {
    worker->Post([worker = worker.get(), upstream, endpoints] { worker->SetEndpoints(upstream, endpoints); });
  }
}

void WorkerSet::Ask(Question question, std::function<void(Answer)> told) const {
  Worker* worker = impl_->workers.front().get();
  worker->Post([worker, question = std::move(question), told = std::move(told)]() mutable {
    worker->Ask(std::move(question), std::move(told));
  });
}

void WorkerSet::SetMemoryFull(bool full) { impl_->process.memory_full.store(full, std::memory_order_relaxed); }

void WorkerSet::BeginDrain() {
  impl_->process.draining.store(true, std::memory_order_relaxed);
  for (auto& worker : impl_->workers) {
    worker->Post([worker = worker.get()] { worker->BeginDrain(); });
  }
}

void WorkerSet::CloseListeners() {
  auto leaving = std::make_shared<Impl::OpenListeners>(std::move(impl_->listeners));
  impl_->listeners.clear();
  for (auto& worker : impl_->workers) {
    worker->Post([worker = worker.get(), leaving]() mutable {
      worker->ShutListeners();
      leaving.reset();
    });
  }
}

void WorkerSet::Stop() {
  if (std::exchange(impl_->stopped, true)) return;
  for (auto& worker : impl_->workers) {
    worker->Post([worker = worker.get()] { worker->Stop(); });
  }
  for (auto& worker : impl_->workers) worker->Join();
}

void WorkerSet::Impl::SweepSnapshots() {
  std::erase_if(snapshots, [](const std::shared_ptr<const Snapshot>& held) { return held.use_count() == 1; });
}

uint64_t WorkerSet::generations_alive() const noexcept {
  const std::lock_guard lock(impl_->snapshots_mutex);
  impl_->SweepSnapshots();
  uint64_t most = 0;
  for (const auto& worker : impl_->workers) most = std::max(most, worker->pins());
  return most;
}

uint64_t WorkerSet::connections() const noexcept { return impl_->process.connections.taken(); }

base::Duration WorkerSet::stalled_for() const noexcept {
  const base::Instant now = impl_->options.clock->Now();
  base::Duration longest{0};
  for (const auto& worker : impl_->workers) {
    longest = std::max(longest, base::Duration(now.time_since_epoch().count() - worker->last_turn()));
  }
  return longest;
}

std::string WorkerSet::AddressOf(const std::string& listener) const {
  const auto known = impl_->listeners.find(listener);
  return known == impl_->listeners.end() ? "" : known->second.sockets.front()->address().ToString();
}

uint32_t WorkerSet::workers() const noexcept { return static_cast<uint32_t>(impl_->workers.size()); }

}  // namespace headgate::proxy
