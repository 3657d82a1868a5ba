// A route's filters in the order in which they see a request. chain.cc is the list of all.
// Owned by the snapshot; an unchanged route's goes from snapshot to snapshot.
// Built on the control thread, const afterwards: any thread.
#pragma once

#include <memory>
#include <vector>

#include "metrics/series.h"
#include "proxy/filters/filter.h"

namespace headgate::proxy {

using FilterChain = std::vector<std::unique_ptr<const Filter>>;

// Null: the route needs no filter, and its requests meet none.
// `series` is what its filters count with.
std::shared_ptr<const FilterChain> MakeChain(const routing::RoutePolicy& route,
                                             const metrics::RouteSeries& series = {});

// The first refusal by the head alone; code kNone: there is none.
base::Error JudgeByChain(const FilterChain* chain, const routing::RoutePolicy& route, const http::RequestHead& head,
                         const base::IpAddress& client);

}  // namespace headgate::proxy
