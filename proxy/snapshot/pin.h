// One worker's hold on one snapshot: counted without atomics, with what the worker keeps per generation.
// Owned by the worker; alive while it is the current one or a request refers to it.
// One thread: the worker's.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "proxy/snapshot/snapshot.h"

namespace headgate::proxy {

class Cluster;

class SnapshotPin {
 public:
  SnapshotPin(std::shared_ptr<const Snapshot> snapshot, uint32_t worker)
      : snapshot_(std::move(snapshot)), worker_(worker) {}

  const Snapshot& snapshot() const noexcept { return *snapshot_; }
  const routing::Compiled& compiled() const noexcept { return *snapshot_->compiled; }

  // Of a route that forwards.
  routing::SplitState& split(uint32_t route) const noexcept { return snapshot_->splits[route]->workers[worker_].state; }

  std::vector<Cluster*> clusters;  // of upstreams, by index of the compiled configuration
  uint64_t number = 0;             // of this worker's adoptions
  uint32_t refs = 0;

 private:
  std::shared_ptr<const Snapshot> snapshot_;
  uint32_t worker_;
};

// Owns one reference. Whoever brings the count to zero leaves the pin to the worker's next sweep.
class PinRef {
 public:
  PinRef() noexcept = default;
  explicit PinRef(SnapshotPin& pin) noexcept : pin_(&pin) { ++pin.refs; }
  PinRef(PinRef&& other) noexcept : pin_(std::exchange(other.pin_, nullptr)) {}
  PinRef& operator=(PinRef&& other) noexcept {
    std::swap(pin_, other.pin_);
    return *this;
  }
  PinRef(const PinRef&) = delete;
  PinRef& operator=(const PinRef&) = delete;
  ~PinRef() { reset(); }
  void reset() noexcept {
    if (pin_ != nullptr) --std::exchange(pin_, nullptr)->refs;
  }
  SnapshotPin* operator->() const noexcept { return pin_; }
  explicit operator bool() const noexcept { return pin_ != nullptr; }

 private:
  SnapshotPin* pin_ = nullptr;
};

}  // namespace headgate::proxy
