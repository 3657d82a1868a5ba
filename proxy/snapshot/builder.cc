#include "proxy/snapshot/builder.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <span>
#include <string_view>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "base/crypto/crypto.h"

namespace headgate::proxy {

namespace {

// What is announced, the preferred one first (RFC 7301 3.1).
std::span<const std::string_view> Alpn(const routing::ProtocolsPolicy& protocols) {
  static constexpr std::array<std::string_view, 2> kNames = {"h2", "http/1.1"};
  const std::span<const std::string_view> names(kNames);
  if (!protocols.h2) return names.subspan(1);
  return protocols.http1 ? names : names.first(1);
}

routing::ProtocolsPolicy ProtocolsOf(const routing::UpstreamPolicy& upstream) {
  const bool h2 = upstream.protocol == routing::UpstreamProtocol::kH2;
  return {.http1 = !h2, .h2 = h2};
}

// The listener of this name, else the one that had the address under another name.
const ListenerRuntime* Before(const Snapshot* previous, const routing::ListenerPolicy& policy) {
  if (previous == nullptr) return nullptr;
  const ListenerRuntime* found = nullptr;
  for (const ListenerRuntime& listener : previous->listeners) {
    if (listener.policy->name == policy.name) return &listener;
    if (listener.policy->address == policy.address) found = &listener;
  }
  return found;
}

std::vector<base::FileStamp> StampsOf(const routing::UpstreamTlsPolicy& policy, base::WallTime now) {
  std::vector<base::FileStamp> stamps;
  for (const std::string* path : {&policy.ca_file, &policy.cert_file, &policy.key_file}) {
    if (!path->empty()) stamps.push_back(base::FileStamp::Of(*path, now));
  }
  return stamps;
}

bool AllHold(const std::vector<base::FileStamp>& before, const std::vector<base::FileStamp>& now) {
  return std::equal(before.begin(), before.end(), now.begin(), now.end(),
                    [](const base::FileStamp& a, const base::FileStamp& b) { return a.Holds(b); });
}

// A digest of what the policy's files hold now: a context is built anew when a file changed under its name.
std::string DigestOfFiles(const routing::UpstreamTlsPolicy& policy) {
  std::string contents;
  for (const std::string* path : {&policy.ca_file, &policy.cert_file, &policy.key_file}) {
    if (path->empty()) continue;
    std::ifstream file(*path, std::ios::binary);
    absl::StrAppend(&contents, *path, "\n");
    contents.append(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return base::Sha256Hex(contents);
}

bool SameFiles(const routing::ListenerPolicy& a, const routing::ListenerPolicy& b) {
  if (a.certificates.size() != b.certificates.size()) return false;
  for (size_t i = 0; i < a.certificates.size(); ++i) {
    if (a.certificates[i].cert_file != b.certificates[i].cert_file) return false;
    if (a.certificates[i].key_file != b.certificates[i].key_file) return false;
  }
  return true;
}

// Where the previous snapshot has what is of one name. Most things keep their place.
template <class T>
class Former {
 public:
  explicit Former(std::span<const std::shared_ptr<const T>> before) : before_(before) {}

  uint32_t IndexOf(uint32_t likely, const T& now) {
    if (likely < before_.size() && before_[likely]->name == now.name) return likely;
    if (by_name_.empty()) {
      for (uint32_t i = 0; i < before_.size(); ++i) by_name_.emplace(before_[i]->name, i);
    }
    const auto found = by_name_.find(now.name);
    return found == by_name_.end() ? SnapshotChanges::kNew : found->second;
  }

 private:
  std::span<const std::shared_ptr<const T>> before_;
  absl::flat_hash_map<std::string_view, uint32_t> by_name_;
};
template <class T>
const std::vector<std::shared_ptr<const T>> kNothing;

std::vector<std::string> ProblemsOf(const routing::ListenerPolicy& policy) {
  std::vector<std::string> problems;
  for (const routing::CertificateFiles& files : policy.certificates) {
    const auto loaded = net::CertificateSet::Load({&files, 1});
    problems.emplace_back(loaded.ok() ? "" : loaded.status().message());
  }
  return problems;
}

}  // namespace

SnapshotBuilder::SnapshotBuilder(metrics::Registry& registry, const net::TicketKeys& tickets, uint32_t workers,
                                 const base::Clock& clock)
    : registry_(registry), tickets_(tickets), workers_(workers), clock_(clock) {}

SnapshotBuilder::~SnapshotBuilder() = default;

std::shared_ptr<UpstreamShared> SnapshotBuilder::SharedFor(const std::string& name) {
  std::weak_ptr<UpstreamShared>& known = shared_[name];
  std::shared_ptr<UpstreamShared> shared = known.lock();
  if (shared == nullptr) known = shared = std::make_shared<UpstreamShared>(name);
  return shared;
}

// A file may have changed while its name did not: its certificate is read again then. Contexts are shared when nothing
// changed.
absl::Status SnapshotBuilder::BuildListener(const routing::ListenerPolicy& policy, const ListenerRuntime* before,
                                            ListenerRuntime& runtime, std::vector<std::string>& warnings) {
  runtime.series = registry_.Listener(policy.name);
  std::weak_ptr<SharedBudget>& known = listener_connections_[policy.address.ToString()];
  runtime.connections = known.lock();
  if (runtime.connections == nullptr) known = runtime.connections = std::make_shared<SharedBudget>();
  if (!policy.tls) return absl::OkStatus();
  const net::CertificateSet* certificates = before == nullptr ? nullptr : before->certificates.get();
  auto loaded = net::CertificateSet::Load(policy.certificates, certificates, clock_.WallNow());
  const bool keeps = certificates != nullptr && SameFiles(policy, *before->policy);
  if (!loaded.ok()) {
    const std::string problem = absl::StrCat("listener '", policy.name, "': ", loaded.status().message());
    if (!keeps) return absl::Status(loaded.status().code(), problem);
    warnings.push_back(absl::StrCat(problem, "; the certificate in service stays"));
    runtime.certificates = before->certificates;
    runtime.certificate_problems = ProblemsOf(policy);
  } else {
    runtime.certificates = *std::move(loaded);
  }
  for (const net::CertificateInfo& info : runtime.certificates->infos()) {
    if (info.expired)
      warnings.push_back(absl::StrCat("listener '", policy.name, "': ", info.cert_file, " has expired"));
  }
  for (const net::UnusedCertificate& unused : runtime.certificates->Unused(clock_.WallNow())) {
    warnings.push_back(absl::StrCat("listener '", policy.name,
                                    "': ", runtime.certificates->infos()[unused.index].cert_file,
                                    " is never chosen: ", unused.why));
  }
  if (keeps && before->policy->min_version == policy.min_version && before->policy->protocols == policy.protocols &&
      runtime.certificates->SameAs(*before->certificates)) {
    runtime.certificates = before->certificates;
    runtime.tls = before->tls;
    return absl::OkStatus();
  }
  for (uint32_t i = 0; i < workers_; ++i) {
    auto context =
        net::TlsServerContext::Build(runtime.certificates, policy.min_version, Alpn(policy.protocols), tickets_);
    if (!context.ok()) return context.status();
    runtime.tls.push_back(*std::move(context));
  }
  return absl::OkStatus();
}

absl::Status SnapshotBuilder::BuildUpstream(const routing::UpstreamPolicy& policy, const UpstreamRuntime* before,
                                            UpstreamRuntime& runtime) {
  std::vector<base::FileStamp> stamps = StampsOf(policy.tls, clock_.WallNow());
  if (before != nullptr && before->policy == runtime.policy && AllHold(before->tls_stamps, stamps)) {
    runtime = *before;
    return absl::OkStatus();
  }
  runtime.tls_stamps = std::move(stamps);
  runtime.shared = SharedFor(policy.name);
  runtime.series = registry_.Upstream(policy.name);
  if (policy.dns_host.empty()) {
    const auto same_tables = [&policy](routing::LoadBalancingPolicy former) {
      return former == policy.load_balancing || (!Hashes(former) && !Hashes(policy.load_balancing));
    };
    const bool same = before != nullptr && before->endpoints != nullptr &&
                      before->policy->endpoints == policy.endpoints && same_tables(before->policy->load_balancing);
    std::vector<std::pair<base::SocketAddress, uint32_t>> addresses;
    for (const routing::StaticEndpoint& endpoint : policy.endpoints)
      addresses.emplace_back(endpoint.address, endpoint.weight);
    const EndpointSet* previous = before == nullptr ? nullptr : before->endpoints.get();
    runtime.endpoints = same ? before->endpoints : MakeEndpointSet(addresses, previous, policy.load_balancing);
  }
  if (!policy.tls.enabled) return absl::OkStatus();
  runtime.tls_files = DigestOfFiles(policy.tls);
  const bool same_files = before != nullptr && before->tls_files == runtime.tls_files;
  if (same_files && before->policy->tls == policy.tls && before->policy->protocol == policy.protocol &&
      !before->tls.empty()) {
    runtime.tls = before->tls;
    return absl::OkStatus();
  }
  for (uint32_t i = 0; i < workers_; ++i) {
    auto context = net::TlsClientContext::Build(policy.tls, Alpn(ProtocolsOf(policy)));
    if (!context.ok()) {
      return absl::Status(context.status().code(),
                          absl::StrCat("upstream '", policy.name, "': ", context.status().message()));
    }
    runtime.tls.push_back(*std::move(context));
  }
  return absl::OkStatus();
}

void SnapshotBuilder::BuildRoute(Snapshot& snapshot, uint32_t index, const Snapshot* previous, uint32_t before) {
  const auto& route = snapshot.compiled->routes[index];
  const bool known = before != SnapshotChanges::kNew;
  if (known && previous->compiled->routes[before] == route) {
    snapshot.routes.push_back(previous->routes[before]);
    snapshot.splits.push_back(previous->splits[before]);
    return;
  }
  std::vector<std::string_view> backends;
  std::shared_ptr<RouteSplit> split;
  if (const auto* forward = std::get_if<routing::ForwardAction>(&route->action)) {
    for (const routing::Backend& backend : forward->backends) backends.push_back(backend.name);
    split = std::make_shared<RouteSplit>();
    split->workers.resize(workers_);
    if (known && previous->splits[before] != nullptr) {
      snapshot.changes.splits.push_back({index, previous->splits[before]});
    } else {
      for (RouteSplit::OfWorker& worker : split->workers) worker.state.Adopt(*forward);
    }
  }
  const auto series = registry_.Route(route->name, backends);
  snapshot.routes.push_back({series, MakeChain(*route, *series)});
  snapshot.splits.push_back(std::move(split));
}

void SnapshotBuilder::BuildRoutes(Snapshot& snapshot, const Snapshot* previous) {
  snapshot.no_route = previous != nullptr ? previous->no_route : registry_.Route(metrics::kNoRoute, {});
  const auto& routes = snapshot.compiled->routes;
  Former<routing::RoutePolicy> former(previous == nullptr ? kNothing<routing::RoutePolicy>
                                                          : previous->compiled->routes);
  snapshot.routes.reserve(routes.size());
  snapshot.splits.reserve(routes.size());
  for (uint32_t i = 0; i < routes.size(); ++i) BuildRoute(snapshot, i, previous, former.IndexOf(i, *routes[i]));
}

absl::Status SnapshotBuilder::BuildListeners(Snapshot& snapshot, const Snapshot* previous,
                                             std::vector<std::string>& warnings) {
  for (const auto& policy : snapshot.compiled->listeners) {
    ListenerRuntime runtime{
        .policy = policy, .series = {}, .connections = {}, .certificates = {}, .tls = {}, .certificate_problems = {}};
    const absl::Status status = BuildListener(*policy, Before(previous, *policy), runtime, warnings);
    if (!status.ok()) return status;
    snapshot.listeners.push_back(std::move(runtime));
  }
  return absl::OkStatus();
}

absl::Status SnapshotBuilder::BuildUpstreams(Snapshot& snapshot, const Snapshot* previous) {
  const auto& policies = snapshot.compiled->upstreams;
  Former<routing::UpstreamPolicy> former(previous == nullptr ? kNothing<routing::UpstreamPolicy>
                                                             : previous->compiled->upstreams);
  SnapshotChanges& changes = snapshot.changes;
  std::vector<bool> stays(previous == nullptr ? 0 : previous->upstreams.size());
  snapshot.upstreams.reserve(policies.size());
  changes.former_upstreams.reserve(policies.size());
  for (uint32_t i = 0; i < policies.size(); ++i) {
    const uint32_t index = former.IndexOf(i, *policies[i]);
    const UpstreamRuntime* before = index == SnapshotChanges::kNew ? nullptr : &previous->upstreams[index];
    UpstreamRuntime runtime;
    runtime.policy = policies[i];
    const absl::Status status = BuildUpstream(*policies[i], before, runtime);
    if (!status.ok()) return status;
    if (before != nullptr) stays[index] = true;
    if (before == nullptr || !runtime.SameAs(*before)) changes.upstreams.push_back(i);
    changes.former_upstreams.push_back(index);
    snapshot.upstreams.push_back(std::move(runtime));
  }
  for (uint32_t i = 0; i < stays.size(); ++i) {
    if (!stays[i]) changes.gone_upstreams.push_back(i);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<const Snapshot>> SnapshotBuilder::Build(
    std::shared_ptr<const routing::Compiled> compiled, std::string hash, const Snapshot* previous,
    std::vector<std::string>& warnings) {
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->hash = std::move(hash);
  snapshot->compiled = std::move(compiled);
  snapshot->changes.since = previous == nullptr ? 0 : previous->generation;
  absl::Status status = BuildListeners(*snapshot, previous, warnings);
  if (status.ok()) status = BuildUpstreams(*snapshot, previous);
  if (!status.ok()) return status;
  BuildRoutes(*snapshot, previous);
  std::erase_if(shared_, [](const auto& entry) { return entry.second.expired(); });
  std::erase_if(listener_connections_, [](const auto& entry) { return entry.second.expired(); });
  snapshot->generation = next_generation_++;
  return std::shared_ptr<const Snapshot>(std::move(snapshot));
}

}  // namespace headgate::proxy
