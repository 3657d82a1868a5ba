#include "proxy/worker/worker.h"

#include <algorithm>

#include "base/limits.h"
#include "base/thread_name.h"

namespace headgate::proxy {

namespace {

// An idle loop turns at least this often: /livez takes ten seconds without a turn for a hang.
constexpr base::Duration kHeartbeat = std::chrono::seconds(1);

}  // namespace

Worker::Worker(const WorkerOptions& options)
    : clock_(*options.clock),
      reactor_(clock_, *this),
      slabs_(base::kSpareSlabsMax),
      timers_(clock_.Now()),
      rng_(random_.Next64()),
      context_{.index = options.index,
               .reactor = reactor_,
               .mailbox = mailbox_,
               .slabs = slabs_,
               .blocks = blocks_,
               .timers = timers_,
               .rng = rng_,
               .graveyard = graveyard_,
               .shard = *options.shard,
               .series = options.registry->Process(),
               .process = *options.process,
               .clock = clock_,
               .now = clock_.Now(),
               .wall_now = clock_.WallNow()},
      services_{
          .worker = context_, .random = random_, .date = date_, .pool = exchanges_, .access_log = options.access_log},
      clusters_(context_),
      sweep_timer_([](void* self) { static_cast<Worker*>(self)->Sweep(); }, this) {
  last_turn_.store(context_.now.time_since_epoch().count(), std::memory_order_relaxed);
  timers_.Arm(sweep_timer_, context_.now + kHeartbeat);
}

Worker::~Worker() {
  Join();
  listeners_.clear();
  retired_listeners_.clear();
  graveyard_.Empty();
  clusters_.Clear();
  graveyard_.Empty();
}

void Worker::StartThread() {
  thread_ = std::thread([this] {
    base::NameThisThread("worker");
    reactor_.Run();
  });
}

void Worker::Join() {
  if (thread_.joinable()) thread_.join();
}

void Worker::BeginTurn(base::Instant now, base::Duration late) {
  context_.shard.Observe(context_.series.loop_delay, late);
  context_.now = now;
  context_.wall_now = clock_.WallNow();
  last_turn_.store(now.time_since_epoch().count(), std::memory_order_relaxed);
  if (!mailbox_.empty()) mailbox_.Drain();
}

// Deadlines come after what has arrived: a process that was stopped for a while must not time out answers that wait.
void Worker::EndTurn() {
  timers_.Advance(context_.now);
  if (!graveyard_.empty()) graveyard_.Empty();
}

base::Instant Worker::NextDue() const { return timers_.NextDue(); }

void Worker::Adopt(std::shared_ptr<const Snapshot> snapshot, const std::vector<LentSocket>& opened) {
  pins_.push_back(std::make_unique<SnapshotPin>(std::move(snapshot), context_.index));
  SnapshotPin& pin = *pins_.back();
  connections_limit_ = std::min(OrNone(pin.compiled().max_connections), context_.process.shares.clients);
  clusters_.Adopt(pin, current_ ? current_.operator->() : nullptr);
  AdoptSplits(pin);
  AdoptListeners(pin, opened);
  current_ = PinRef(pin);
  Sweep();
}

// Progress along a split's sequence outlives the generation: a reload skews nothing.
void Worker::AdoptSplits(const SnapshotPin& pin) {
  for (const SnapshotChanges::Split& change : pin.snapshot().changes.splits) {
    routing::SplitState& state = pin.split(change.route);
    state = change.before->workers[context_.index].state;
    state.Adopt(std::get<routing::ForwardAction>(pin.compiled().routes[change.route]->action));
  }
}

// A connection belongs to whoever has its address now, under whichever name.
std::unique_ptr<Listener> Worker::TakeListener(Listeners& from, const routing::ListenerPolicy& wanted) {
  auto known = from.find(wanted.name);
  if (known == from.end() || known->second->policy().address != wanted.address) {
    known = std::find_if(from.begin(), from.end(),
                         [&](const auto& entry) { return entry.second->policy().address == wanted.address; });
  }
  if (known == from.end()) return std::make_unique<Listener>(*this, services_);
  std::unique_ptr<Listener> listener = std::move(known->second);
  from.erase(known);
  return listener;
}

void Worker::AdoptListeners(SnapshotPin& pin, const std::vector<LentSocket>& opened) {
  Listeners before = std::move(listeners_);
  listeners_.clear();
  const std::vector<ListenerRuntime>& wanted = pin.snapshot().listeners;
  for (uint32_t i = 0; i < wanted.size(); ++i) {
    const std::string& name = wanted[i].policy->name;
    std::unique_ptr<Listener> listener = TakeListener(before, *wanted[i].policy);
    const bool moved =
        std::any_of(opened.begin(), opened.end(), [&](const LentSocket& lent) { return lent.listener == name; });
    if (moved) listener->Shut();  // it gets another socket
    listener->Configure(wanted[i], i);
    listeners_[name] = std::move(listener);
  }
  for (auto& [name, listener] : before) {
    listener->Retire(PinRef(*current_.operator->()));
    retired_listeners_.push_back(std::move(listener));
  }
  for (const LentSocket& lent : opened) listeners_.at(lent.listener)->Open(*lent.socket);
}

void Worker::SetEndpoints(const std::shared_ptr<UpstreamShared>& upstream,
                          std::shared_ptr<const EndpointSet> endpoints) {
  clusters_.SetEndpoints(upstream, std::move(endpoints));
}

void Worker::Ask(Question question, Asking::Told told) {
  Cluster* cluster = clusters_.Find(question.upstream);
  auto* asking = new Asking(context_, std::move(question), std::move(told));
  askings_.PushBack(*asking);
  if (cluster != nullptr) return asking->Begin(*cluster);
  asking->Abandon({base::ErrorCode::kNoEndpoint, base::Side::kProxy, base::Retry::kNever, "no such upstream"});
}

// Frees generations, listeners and clusters that nothing uses any more; keeps the heartbeat.
void Worker::Sweep() {
  timers_.Arm(sweep_timer_, context_.now + kHeartbeat);
  std::erase_if(retired_listeners_, [](const std::unique_ptr<Listener>& listener) { return listener->empty(); });
  for (auto& listener : retired_listeners_) listener->ReleaseSnapshot();
  std::erase_if(pins_, [](const std::unique_ptr<SnapshotPin>& pin) { return pin->refs == 0; });
  pins_alive_.store(pins_.size(), std::memory_order_relaxed);
  clusters_.Sweep(pins_.empty() ? 0 : pins_.front()->number);
  if (exchanges_.lent() == 0) {
    slabs_.Trim(base::kSpareSlabsMax / 8);
    blocks_.Trim(base::kSpareBlockBytesMax / 8);
  }
}

void Worker::BeginDrain() {
  draining_ = true;
  for (auto& [name, listener] : listeners_) listener->BeginDrain();
}

void Worker::ShutListeners() {
  for (auto& [name, listener] : listeners_) {
    listener->Shut();
    listener->CloseIdle();
  }
  for (auto& listener : retired_listeners_) listener->CloseIdle();
}

void Worker::Stop() {
  draining_ = true;
  for (auto& [name, listener] : listeners_) {
    listener->Shut();
    listener->CloseAll();
  }
  for (auto& listener : retired_listeners_) listener->CloseAll();
  while (Asking* asking = askings_.front()) {
    asking->Abandon({base::ErrorCode::kDraining, base::Side::kProxy, base::Retry::kNever, "headgate ends"});
  }
  clusters_.CloseIdle();
  reactor_.Stop();
}

}  // namespace headgate::proxy
