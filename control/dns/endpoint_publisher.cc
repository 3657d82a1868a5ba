#include "control/dns/endpoint_publisher.h"

#include <fmt/core.h>

#include <bit>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <future>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "base/log/log.h"
#include "control/dns/refresh.h"

namespace headgate::control::dns {
namespace {

namespace asio = boost::asio;

// resolv.conf is looked at this often; it is taken up within 5 s.
constexpr auto kRenewal = std::chrono::seconds(2);

struct Target {
  std::shared_ptr<proxy::UpstreamShared> shared;
  std::string host;
  uint16_t port = 0;
  routing::LoadBalancingPolicy load_balancing = routing::LoadBalancingPolicy::kRoundRobin;
};

// Told when the last of a generation's new names was answered for the first time.
struct Settled {
  std::promise<void> promise;
  ~Settled() { promise.set_value(); }
};

struct Entry {
  explicit Entry(asio::io_context& io) : timer(io) {}
  Target target;
  Refresh refresh;
  std::shared_ptr<const proxy::EndpointSet> endpoints;
  std::shared_ptr<Settled> waiting;  // until the first answer
  uint64_t round = 0;                // answers of earlier rounds (another host) are not for us
  asio::steady_timer timer;
};

// Empty when it went well.
std::string ProblemOf(const Answer& answer) {
  return answer.status.ok() ? answer.missing : std::string(answer.status.message());
}

// Of failures in a row the first, second, fourth and so on are told.
void LogOutcome(const std::string& name, const std::string& problem, const Refresh& refresh, uint32_t failed_before) {
  const uint32_t failures = refresh.failures();
  if (failures == 0 && failed_before > 0) base::log::Info("upstream '{}': its name resolves again", name);
  if (!std::has_single_bit(failures)) return;
  base::log::Warning("upstream '{}': {}{}{}", name, problem,
                     refresh.addresses().empty() ? "" : "; its last addresses stay",
                     failures == 1 ? "" : fmt::format(" ({} times in a row)", failures));
}

}  // namespace

struct EndpointPublisher::Impl {
  Impl(asio::io_context& context, const LookupOptions& options, Publish given)
      : io(context), lookup(std::make_unique<Lookup>(context, options)), publish(std::move(given)), renewal(context) {
    WaitForRenewal();
  }

  void WaitForRenewal();
  void Renew();

  void Update(const std::vector<Target>& targets, const std::shared_ptr<Settled>& settled);
  void Begin(const std::string& name, Entry& entry, const std::shared_ptr<Settled>& settled);
  void Ask(const std::string& name, uint64_t round);
  void Next();
  void OnAnswer(const std::string& name, uint64_t round, const Answer& answer);
  void Note(const std::string& name, const Answer& answer);
  void PublishEntry(Entry& entry);

  asio::io_context& io;
  std::unique_ptr<Lookup> lookup;
  Publish publish;
  asio::steady_timer renewal;
  std::map<std::string, std::unique_ptr<Entry>> entries;
  std::deque<std::pair<std::string, uint64_t>> queue;
  size_t asking = 0;
  uint64_t rounds = 0;
  mutable std::mutex mutex;
  // Under the mutex:
  std::map<std::string, std::shared_ptr<const proxy::EndpointSet>> published;
  std::map<std::string, NameState> states;
};

void EndpointPublisher::Impl::WaitForRenewal() {
  renewal.expires_after(kRenewal);
  renewal.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    Renew();
    WaitForRenewal();
  });
}

// Other servers may know other addresses: all names are asked for again, and what was under way is void.
void EndpointPublisher::Impl::Renew() {
  if (!lookup->Renew()) return;
  base::log::Info("name servers or search list changed: {} names are looked up again", entries.size());
  for (auto& [name, entry] : entries) {
    entry->timer.cancel();
    entry->round = ++rounds;
    Ask(name, entry->round);
  }
}

void EndpointPublisher::Impl::Update(const std::vector<Target>& targets, const std::shared_ptr<Settled>& settled) {
  Renew();
  std::map<std::string, std::unique_ptr<Entry>> before = std::move(entries);
  entries.clear();
  for (const Target& target : targets) {
    std::unique_ptr<Entry>& entry = entries[target.shared->name];
    const auto known = before.find(target.shared->name);
    if (known != before.end()) entry = std::move(known->second);
    const bool is_new = entry == nullptr;
    if (is_new) entry = std::make_unique<Entry>(io);
    const bool same = !is_new && entry->target.host == target.host && entry->target.port == target.port;
    const bool same_state = same && entry->target.shared == target.shared;
    const bool same_tables = same && entry->target.load_balancing == target.load_balancing;
    entry->target = target;
    if (!same) {
      Begin(target.shared->name, *entry, settled);
    } else if (!same_tables && entry->endpoints != nullptr) {
      PublishEntry(*entry);
    } else if (!same_state && entry->endpoints != nullptr) {
      publish(target.shared, entry->endpoints);
    }
  }
  const std::lock_guard lock(mutex);
  std::erase_if(published, [this](const auto& item) { return !entries.contains(item.first); });
  std::erase_if(states, [this](const auto& item) { return !entries.contains(item.first); });
}

void EndpointPublisher::Impl::Begin(const std::string& name, Entry& entry, const std::shared_ptr<Settled>& settled) {
  entry.refresh = Refresh();
  entry.timer.cancel();
  entry.round = ++rounds;
  entry.waiting = settled;
  Ask(name, entry.round);
}

void EndpointPublisher::Impl::Ask(const std::string& name, uint64_t round) {
  queue.emplace_back(name, round);
  Next();
}

void EndpointPublisher::Impl::Next() {
  while (asking < kLookupsMax && !queue.empty()) {
    const auto next = queue.front();
    queue.pop_front();
    const auto known = entries.find(next.first);
    if (known == entries.end() || known->second->round != next.second) continue;
    ++asking;
    lookup->Resolve(known->second->target.host, [this, next](const Answer& answer) {
      // Not from within the look-up: an answer out of /etc/hosts comes before Resolve returns.
      asio::post(io, [this, next, answer] {
        if (answer.complete) --asking;
        OnAnswer(next.first, next.second, answer);
        Next();
      });
    });
  }
}

void EndpointPublisher::Impl::OnAnswer(const std::string& name, uint64_t round, const Answer& answer) {
  const auto known = entries.find(name);
  if (known == entries.end() || known->second->round != round) return;
  Entry& entry = *known->second;
  const uint32_t failed = entry.refresh.failures();
  const base::Duration wait = entry.refresh.Take(answer, base::SystemClock().Now());
  if (answer.complete) {
    LogOutcome(name, ProblemOf(answer), entry.refresh, failed);
    Note(name, answer);
  }
  if (entry.refresh.changed()) PublishEntry(entry);
  if (!answer.complete) return;
  entry.waiting.reset();
  entry.timer.expires_after(std::chrono::duration_cast<asio::steady_timer::duration>(wait));
  entry.timer.async_wait([this, name, round](const boost::system::error_code& error) {
    if (!error) Ask(name, round);
  });
}

void EndpointPublisher::Impl::Note(const std::string& name, const Answer& answer) {
  const std::lock_guard lock(mutex);
  NameState& state = states[name];
  if (answer.status.ok()) state.resolved = base::SystemClock().WallNow();
  state.problem = ProblemOf(answer);
}

void EndpointPublisher::Impl::PublishEntry(Entry& entry) {
  std::vector<std::pair<base::SocketAddress, uint32_t>> addresses;
  for (const base::IpAddress& ip : entry.refresh.addresses()) {
    addresses.emplace_back(base::SocketAddress{ip, entry.target.port}, 1);
  }
  entry.endpoints = proxy::MakeEndpointSet(addresses, entry.endpoints.get(), entry.target.load_balancing);
  {
    const std::lock_guard lock(mutex);
    published[entry.target.shared->name] = entry.endpoints;
  }
  if (addresses.empty()) {
    base::log::Warning("upstream '{}': its name has had no address for {} s: no endpoint is left",
                       entry.target.shared->name, Refresh::kDeniedMin.count());
  } else {
    base::log::Info("upstream '{}': {} addresses", entry.target.shared->name, addresses.size());
  }
  publish(entry.target.shared, entry.endpoints);
}

EndpointPublisher::EndpointPublisher(asio::io_context& io, const LookupOptions& options, Publish publish)
    : impl_(std::make_unique<Impl>(io, options, std::move(publish))) {}

EndpointPublisher::~EndpointPublisher() {
  // Look-ups under way are answered now, by posts that nobody runs any more.
  impl_->lookup.reset();
}

void EndpointPublisher::Prepare(const proxy::Snapshot& snapshot) {
  std::vector<Target> targets;
  for (const proxy::UpstreamRuntime& upstream : snapshot.upstreams) {
    if (upstream.policy->dns_host.empty()) continue;
    targets.push_back(
        {upstream.shared, upstream.policy->dns_host, upstream.policy->dns_port, upstream.policy->load_balancing});
  }
  auto settled = std::make_shared<Settled>();
  const std::future<void> answered = settled->promise.get_future();
  asio::post(impl_->io, [impl = impl_.get(), targets = std::move(targets), settled = std::move(settled)]() mutable {
    impl->Update(targets, settled);
    settled.reset();
  });
  answered.wait_for(kFirstAnswerMax);
}

NameState EndpointPublisher::StateOf(const std::string& upstream) const {
  const std::lock_guard lock(impl_->mutex);
  const auto known = impl_->states.find(upstream);
  return known == impl_->states.end() ? NameState() : known->second;
}

std::shared_ptr<const proxy::EndpointSet> EndpointPublisher::EndpointsOf(const std::string& upstream) const {
  const std::lock_guard lock(impl_->mutex);
  const auto known = impl_->published.find(upstream);
  return known == impl_->published.end() ? nullptr : known->second;
}

}  // namespace headgate::control::dns
