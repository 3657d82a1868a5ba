// One worker's hold on one snapshot: counted without atomics, with what the worker keeps per generation.
// Owned by the worker; alive while it is the current one or a request refers to it.
// One thread: the worker's.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "proxy/snapshot/snapshot.h"
#include "routing/split.h"

namespace headgate::proxy {

class Cluster;

class SnapshotPin {
 public:
  explicit SnapshotPin(std::shared_ptr<const Snapshot> snapshot) : snapshot_(std::move(snapshot)) {}

  const Snapshot& snapshot() const noexcept { return *snapshot_; }
  const routing::Compiled& compiled() const noexcept { return *snapshot_->compiled; }

  // By index of the compiled configuration.
  std::vector<Cluster*> clusters;                            // of upstreams
  std::vector<std::shared_ptr<routing::SplitState>> splits;  // of routes; null where nothing is split

  uint32_t refs = 0;

 private:
  std::shared_ptr<const Snapshot> snapshot_;
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
