#include "proxy/upstream/cluster.h"

#include <algorithm>
#include <array>
#include <utility>

#include "proxy/upstream/h1_pool.h"
#include "proxy/upstream/h2_pool.h"

namespace headgate::proxy {

struct Cluster::Impl {
  Impl(WorkerContext& worker_context, Cluster& owner, std::shared_ptr<UpstreamShared> upstream)
      : worker(worker_context), cluster(owner), shared(std::move(upstream)) {}

  // The pool of the protocol in force. What the former one carries finishes there, who waited there moves.
  void Choose();

  WorkerContext& worker;
  Cluster& cluster;
  std::shared_ptr<UpstreamShared> shared;
  std::shared_ptr<const metrics::UpstreamSeries> series = std::make_shared<metrics::UpstreamSeries>();
  std::shared_ptr<const routing::UpstreamPolicy> policy;
  std::shared_ptr<net::TlsClientContext> tls;
  std::shared_ptr<const EndpointSet> endpoints;
  std::array<std::unique_ptr<PoolBase>, 2> pools;  // [1]: HTTP/2; made when first needed
  PoolBase* active = nullptr;
};

void Cluster::Impl::Choose() {
  const bool h2 = policy->protocol != routing::UpstreamProtocol::kHttp1;
  std::unique_ptr<PoolBase>& pool = pools[h2 ? 1 : 0];
  if (pool == nullptr) {
    if (h2) {
      pool = std::make_unique<H2Pool>(worker, cluster, *shared);
    } else {
      pool = std::make_unique<H1Pool>(worker, cluster, *shared);
    }
    if (endpoints != nullptr) pool->SetEndpoints(endpoints);
  }
  active = pool.get();
}

Cluster::Cluster(WorkerContext& worker, std::shared_ptr<UpstreamShared> shared)
    : impl_(std::make_unique<Impl>(worker, *this, std::move(shared))) {}

Cluster::~Cluster() = default;

void Cluster::Configure(std::shared_ptr<const routing::UpstreamPolicy> policy,
                        std::shared_ptr<net::TlsClientContext> tls,
                        std::shared_ptr<const metrics::UpstreamSeries> series) {
  PoolBase* before = impl_->active;
  impl_->policy = std::move(policy);
  impl_->tls = std::move(tls);
  impl_->Choose();
  if (series != nullptr) impl_->series = std::move(series);
  impl_->active->Configure(impl_->policy, impl_->tls, impl_->series);
  if (before == nullptr || before == impl_->active) return;
  before->Retire();
  while (Attempt* attempt = before->HandOver()) impl_->active->Adopt(*attempt);
}

void Cluster::SetEndpoints(std::shared_ptr<const EndpointSet> endpoints) {
  impl_->endpoints = endpoints;
  for (const std::unique_ptr<PoolBase>& pool : impl_->pools) {
    if (pool != nullptr) pool->SetEndpoints(endpoints);
  }
}

std::unique_ptr<Cluster> Cluster::Alone(std::shared_ptr<EndpointShared> endpoint) const {
  auto alone = std::make_unique<Cluster>(impl_->worker, impl_->shared);
  if (impl_->policy != nullptr) alone->Configure(impl_->policy, impl_->tls, impl_->series);
  auto only = std::make_shared<EndpointSet>();
  only->version = 1;
  only->endpoints.push_back({std::move(endpoint), 1});
  alone->SetEndpoints(std::move(only));
  return alone;
}

bool Cluster::has_endpoint() const noexcept { return impl_->active != nullptr && impl_->active->has_endpoint(); }

base::Result<UpstreamStream*> Cluster::Begin(Attempt& attempt) {
  if (impl_->active != nullptr) return impl_->active->Begin(attempt);
  return base::Error{base::ErrorCode::kNoEndpoint, base::Side::kProxy, base::Retry::kNever,
                     "the upstream has no endpoint"};
}

void Cluster::Abandon(Attempt& attempt) noexcept {
  if (attempt.waiting_in != this) return;
  // Who is in the line waits in the active pool; a grant of this turn may be of the other one.
  if (impl_->active->Abandon(attempt)) return;
  for (const std::unique_ptr<PoolBase>& pool : impl_->pools) {
    if (pool != nullptr && pool->Abandon(attempt)) return;
  }
}

void Cluster::Retire() {
  if (impl_->active != nullptr) impl_->active->Retire();
}

bool Cluster::busy() const noexcept {
  return std::any_of(impl_->pools.begin(), impl_->pools.end(),
                     [](const std::unique_ptr<PoolBase>& pool) { return pool != nullptr && pool->busy(); });
}

void Cluster::CloseIdle() {
  for (const std::unique_ptr<PoolBase>& pool : impl_->pools) {
    if (pool != nullptr) pool->CloseIdle();
  }
}

const std::string& Cluster::name() const noexcept { return impl_->shared->name; }

UpstreamShared& Cluster::shared() noexcept { return *impl_->shared; }

const metrics::UpstreamSeries& Cluster::series() const noexcept { return *impl_->series; }

}  // namespace headgate::proxy
