// A source of objects that a test holds in memory: translated from documents of somebody else's, the oldest wins.
// Owned by the loader; its Objects by the test.
// Any thread: a mutex.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "control/source.h"

namespace headgate::control {

/// What is there now.
class Objects {
 public:
  /// One route that answers 200 at `path`, as a translator would write it: the text's lines stand for the document's
  /// places spec.name and spec.path.
  void Put(const std::string& name, uint64_t age, const std::string& route, const std::string& path) {
    PutText(
        name, age,
        "routes:\n  - name: " + route + "\n    respond: {status: 200}\n    matches: [{path: {exact: " + path + "}}]\n");
  }
  void PutText(const std::string& name, uint64_t age, std::string text) {
    config::Unit unit{"Page/" + name, std::move(text), config::UnitKind::kObject, age};
    unit.origin =
        std::make_shared<const config::Origin>(config::Origin{"Page " + name, {{2, "spec.name"}, {4, "spec.path"}}});
    const std::lock_guard lock(mutex_);
    units_[name] = std::move(unit);
    changed_ = true;
  }
  void Remove(const std::string& name) {
    const std::lock_guard lock(mutex_);
    units_.erase(name);
    changed_ = true;
  }
  /// Not empty: it cannot be asked.
  void SetProblem(std::string problem) {
    const std::lock_guard lock(mutex_);
    problem_ = std::move(problem);
  }

 private:
  friend class MemorySource;
  std::mutex mutex_;
  std::map<std::string, config::Unit> units_;
  std::string problem_;
  bool changed_ = true;
};

class MemorySource final : public Source {
 public:
  explicit MemorySource(Objects& objects) : objects_(objects) {}

  absl::StatusOr<Answer> Ask(Trigger why) override {
    const std::lock_guard lock(objects_.mutex_);
    if (!objects_.problem_.empty()) return absl::UnavailableError(objects_.problem_);
    if (why == Trigger::kWatch && !std::exchange(objects_.changed_, false)) return Answer{};
    Offer offer;
    for (const auto& [name, unit] : objects_.units_) offer.units.push_back(unit);
    return Answer{.offer = std::move(offer)};
  }

 private:
  Objects& objects_;
};

}  // namespace headgate::control
