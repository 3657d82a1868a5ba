// Counts one connection in headgate_connections of its listener: active or idle, until it goes.
// Part of a connection.
// One thread: the worker's.
#pragma once

#include "proxy/downstream/listener.h"

namespace headgate::proxy {

class ConnectionGauge {
 public:
  ConnectionGauge(Listener& listener, metrics::ConnectionState state) : listener_(listener), state_(state) { Add(1); }
  ~ConnectionGauge() { Add(-1); }
  ConnectionGauge(const ConnectionGauge&) = delete;
  ConnectionGauge& operator=(const ConnectionGauge&) = delete;

  void Set(metrics::ConnectionState state) {
    if (state == state_) return;
    Add(-1);
    state_ = state;
    Add(1);
  }

 private:
  void Add(int64_t change) { listener_.Count(state_, change); }

  Listener& listener_;
  metrics::ConnectionState state_;
};

}  // namespace headgate::proxy
