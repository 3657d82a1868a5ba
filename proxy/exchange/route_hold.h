// The configuration that a request began with, the route it won, the backend it went to. Its pin on the snapshot can be
// let go: then only the route's own records stay. Part of an exchange.
// One thread: the worker's.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "metrics/series.h"
#include "proxy/snapshot/pin.h"
#include "routing/route_table.h"

namespace headgate::proxy {

class RouteHold {
 public:
  void Pin(PinRef pin, uint32_t listener) noexcept {
    pin_ = std::move(pin);
    listener_ = listener;
    series_ = pin_->snapshot().no_route.get();
  }
  // Looks the request's route up; false: no route takes it.
  bool Find(const http::RequestHead& request) {
    match_ = pin_->compiled().table.Find(listener_, request);
    if (match_.route == nullptr) return false;
    series_ = pin_->snapshot().routes[match_.route_index].series.get();
    return true;
  }
  // `backend` of the route's action.
  void Choose(uint32_t backend) noexcept { backend_ = backend + 1; }
  // A long response or a tunnel must not hold a generation of the configuration.
  void LetGo() {
    if (!pin_) return;
    const Snapshot& snapshot = pin_->snapshot();
    kept_policy_ = match_.route != nullptr ? pin_->compiled().routes[match_.route_index] : nullptr;
    kept_series_ = match_.route != nullptr ? snapshot.routes[match_.route_index].series : snapshot.no_route;
    pin_.reset();
  }

  bool pinned() const noexcept { return static_cast<bool>(pin_); }
  // ---- only while it is pinned ----
  SnapshotPin& pin() const noexcept { return *pin_.operator->(); }
  const routing::Compiled& compiled() const noexcept { return pin_->compiled(); }
  uint32_t listener_index() const noexcept { return listener_; }
  const routing::ListenerPolicy& listener() const noexcept { return *pin_->snapshot().listeners[listener_].policy; }
  const routing::Match& match() const noexcept { return match_; }
  // Of a route that was found; null: none.
  const FilterChain* filters() const noexcept { return pin_->snapshot().routes[match_.route_index].filters.get(); }
  // ---- at any time ----
  const routing::RoutePolicy* policy() const noexcept { return match_.route; }  // null: no route
  const metrics::RouteSeries& series() const noexcept { return *series_; }
  const metrics::BackendSeries& backend_series() const noexcept { return series_->backends[backend_]; }
  bool has_backend() const noexcept { return backend_ != 0; }
  std::string_view route_name() const noexcept {
    return match_.route != nullptr ? std::string_view(match_.route->name) : std::string_view();
  }
  // Empty: it went to no upstream.
  std::string_view upstream_name() const noexcept {
    if (!has_backend()) return {};
    return std::get<routing::ForwardAction>(match_.route->action).backends[backend_ - 1].name;
  }

 private:
  PinRef pin_;
  routing::Match match_;
  const metrics::RouteSeries* series_ = nullptr;
  uint32_t listener_ = 0;
  uint32_t backend_ = 0;  // index into RouteSeries::backends; 0: no upstream
  std::shared_ptr<const routing::RoutePolicy> kept_policy_;
  std::shared_ptr<const metrics::RouteSeries> kept_series_;
};

}  // namespace headgate::proxy
