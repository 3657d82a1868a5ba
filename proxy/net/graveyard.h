// Objects that are finished but may still be on the stack or in this turn's batch of events; freed at the turn's end.
// Owned by a worker.
// One thread: the worker's.
#pragma once

#include <memory>
#include <vector>

namespace headgate::proxy::net {

class Mortal {
 public:
  virtual ~Mortal() = default;
};

class Graveyard {
 public:
  void Bury(std::unique_ptr<Mortal> dead) { dead_.push_back(std::move(dead)); }
  // Frees all, those too that are buried meanwhile.
  void Empty() {
    while (!dead_.empty()) {
      std::unique_ptr<Mortal> last = std::move(dead_.back());
      dead_.pop_back();
    }
  }
  bool empty() const noexcept { return dead_.empty(); }

 private:
  std::vector<std::unique_ptr<Mortal>> dead_;
};

}  // namespace headgate::proxy::net
