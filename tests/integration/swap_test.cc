// What a worker does when it takes a new generation.
#include <gtest/gtest.h>

#include <string>

#include "routing/split.h"
#include "tests/integration/hand_turned_worker.h"

namespace headgate::integration {
namespace {

class SwapTest : public HandTurnedWorker {
 protected:
  std::string Text(int routes, int weight) const {
    std::string text = "listeners:\n  - {name: web, address: \"127.0.0.1:" + std::to_string(web_port_) +
                       "\"}\nupstreams:\n  app: {endpoints: [\"127.0.0.1:" + std::to_string(upstream_port_) + "\"]}\n";
    for (int i = 0; i < routes; ++i) {
      text += "  app-" + std::to_string(i) + ": {endpoints: [\"127.0.0.1:" + std::to_string(upstream_port_) + "\"]}\n";
    }
    text += "routes:\n";
    for (int i = 0; i < routes; ++i) {
      const std::string number = std::to_string(i);
      text += "  - {name: r" + number + ", matches: [{path: {prefix: /" + number +
              "}}], backends: [{upstream: app, weight: " + std::to_string(i == 0 ? weight : 5) + "}, {upstream: app-" +
              number + ", weight: 3}]}\n";
    }
    return text;
  }
  uint64_t CostOfOneWeight(int routes) {
    Adopt(Text(routes, 5));
    Adopt(Text(routes, 6));
    return swap_allocations_;
  }
};

TEST_F(SwapTest, CostsWhatChangedAndNotWhatThereIs) {
  const uint64_t few = CostOfOneWeight(5);
  EXPECT_LE(CostOfOneWeight(500), few + 2);
}

TEST_F(SwapTest, ProgressOfASplitGoesOnUnderItsNewWeights) {
  const auto forward = [&] { return std::get<routing::ForwardAction>(snapshot_->compiled->routes[0]->action); };
  Adopt(Text(2, 5));
  routing::SplitState expected;
  expected.Adopt(forward());
  const auto unchanged = snapshot_->splits[1];
  for (int i = 0; i < 3; ++i) EXPECT_EQ(snapshot_->splits[0]->workers[0].state.Next(), expected.Next());
  unchanged->workers[0].state.Next();
  Adopt(Text(2, 2));
  expected.Adopt(forward());
  for (int i = 0; i < 10; ++i) EXPECT_EQ(snapshot_->splits[0]->workers[0].state.Next(), expected.Next());
  EXPECT_EQ(snapshot_->splits[1], unchanged);
}

}  // namespace
}  // namespace headgate::integration
