// How many connections each client address has: limits.maxConnectionsPerClient, of the whole process. An IPv6 client is
// its /64.
// Owned by the process's shared state; a place is owned by the connection that took it.
// Any thread: lock-free. Memory is bounded (512 KiB, touched as addresses come): while an address finds no room its
// connections are not counted.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "base/ip.h"

namespace headgate::proxy {

class ClientPlaces {
 public:
  static constexpr size_t kSlots = 64 * 1024;
  static constexpr size_t kProbes = 16;

  // Gives its place back when it goes.
  class Place {
   public:
    Place() noexcept = default;
    explicit Place(std::atomic<uint64_t>* slot) noexcept : slot_(slot) {}
    Place(Place&& other) noexcept : slot_(std::exchange(other.slot_, nullptr)) {}
    Place& operator=(Place&& other) noexcept {
      std::swap(slot_, other.slot_);
      return *this;
    }
    ~Place() {
      if (slot_ != nullptr) slot_->fetch_sub(1, std::memory_order_relaxed);
    }

   private:
    std::atomic<uint64_t>* slot_ = nullptr;
  };

  ClientPlaces();
  ClientPlaces(const ClientPlaces&) = delete;
  ClientPlaces& operator=(const ClientPlaces&) = delete;

  // False: the client has `limit` connections. At most kCountMax - 1 are counted.
  bool Take(const base::IpAddress& client, uint64_t limit, Place& place) noexcept;

 private:
  // A slot is the address's hash above, the count below; without a count it is free.
  static constexpr unsigned kCountBits = 20;
  static constexpr uint64_t kCountMax = (uint64_t{1} << kCountBits) - 1;

  struct Free {
    void operator()(void* memory) const noexcept;
  };
  uint64_t seed_;  // nobody can choose addresses that meet in one place
  std::unique_ptr<std::atomic<uint64_t>[], Free> slots_;
};

}  // namespace headgate::proxy
