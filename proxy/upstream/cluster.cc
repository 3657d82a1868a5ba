#include "proxy/upstream/cluster.h"

#include <utility>

#include "proxy/upstream/pool.h"

namespace headgate::proxy {

struct Cluster::Impl {
  Impl(WorkerContext& worker, Cluster& cluster, std::shared_ptr<UpstreamShared> upstream)
      : shared(std::move(upstream)), pool(worker, cluster, *shared) {}
  std::shared_ptr<UpstreamShared> shared;
  Pool pool;
};

Cluster::Cluster(WorkerContext& worker, std::shared_ptr<UpstreamShared> shared)
    : impl_(std::make_unique<Impl>(worker, *this, std::move(shared))) {}

Cluster::~Cluster() = default;

void Cluster::Configure(std::shared_ptr<const routing::UpstreamPolicy> policy,
                        std::shared_ptr<net::TlsClientContext> tls,
                        std::shared_ptr<const metrics::UpstreamSeries> series) {
  impl_->pool.Configure(std::move(policy), std::move(tls), std::move(series));
}

void Cluster::SetEndpoints(std::shared_ptr<const EndpointSet> endpoints) {
  impl_->pool.SetEndpoints(std::move(endpoints));
}

bool Cluster::has_endpoint() const noexcept { return impl_->pool.has_endpoint(); }

base::Result<UpstreamStream*> Cluster::Begin(Attempt& attempt) { return impl_->pool.Begin(attempt); }

void Cluster::Abandon(Attempt& attempt) noexcept { impl_->pool.Abandon(attempt); }

void Cluster::Retire() { impl_->pool.Retire(); }

bool Cluster::busy() const noexcept { return impl_->pool.busy(); }

void Cluster::CloseIdle() { impl_->pool.CloseIdle(); }

const std::string& Cluster::name() const noexcept { return impl_->shared->name; }

UpstreamShared& Cluster::shared() noexcept { return *impl_->shared; }

const metrics::UpstreamSeries& Cluster::series() const noexcept { return impl_->pool.series(); }

}  // namespace headgate::proxy
