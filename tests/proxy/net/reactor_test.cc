#include "proxy/net/reactor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <functional>
#include <thread>
#include <vector>

#include "tests/proxy/net/loop.h"

namespace headgate::proxy::net {
namespace {

using ::testing::ElementsAre;

class Recorder final : public IoHandler {
 public:
  void OnReady(uint32_t events) override {
    seen.push_back(events);
    if (then) then();
  }
  std::vector<uint32_t> seen;
  std::function<void()> then;
};

class Hooks final : public TurnHooks {
 public:
  explicit Hooks(const base::Clock& clock) : clock_(clock) {}
  void BeginTurn(base::Instant now, base::Duration late_in) override {
    begun = now;
    late = late_in;
    ++turns;
    if (on_turn) on_turn();
  }
  void EndTurn() override { ++ended; }
  base::Instant NextDue() const override { return due; }
  base::Instant due = base::Instant::max();
  base::Instant begun{};
  base::Duration late{-1};
  int turns = 0;
  int ended = 0;
  std::function<void()> on_turn;

 private:
  const base::Clock& clock_;
};

class Closer {
 public:
  explicit Closer(std::pair<int, int> both) : a(both.first), b(both.second) {}
  ~Closer() {
    ::close(a);
    ::close(b);
  }
  int a;
  int b;
};

TEST(ReactorTest, ReadinessIsToldOncePerEdge) {
  Loop loop;
  Closer pair(UnixPair());
  Recorder handler;
  ASSERT_TRUE(loop.reactor.Add(pair.a, handler));
  loop.reactor.Turn(base::Duration::zero());
  EXPECT_THAT(handler.seen, ElementsAre(IoHandler::kWritable));
  ASSERT_EQ(::write(pair.b, "x", 1), 1);
  loop.Settle();
  EXPECT_THAT(handler.seen, ElementsAre(IoHandler::kWritable, IoHandler::kWritable | IoHandler::kReadable));
}

TEST(ReactorTest, LevelTriggeredReadinessIsToldEachTurn) {
  Loop loop;
  Closer pair(UnixPair());
  Recorder handler;
  ASSERT_TRUE(loop.reactor.AddLevelTriggered(pair.a, handler));
  ASSERT_EQ(::write(pair.b, "x", 1), 1);
  loop.reactor.Turn(base::Duration::zero());
  loop.reactor.Turn(base::Duration::zero());
  EXPECT_THAT(handler.seen, ElementsAre(IoHandler::kReadable, IoHandler::kReadable));
}

TEST(ReactorTest, APeerThatLeftIsToldAsHangup) {
  Loop loop;
  const auto [a, b] = TcpPair();
  Recorder handler;
  ASSERT_TRUE(loop.reactor.Add(a, handler));
  ::close(b);
  ASSERT_TRUE(loop.Until([&] { return !handler.seen.empty() && (handler.seen.back() & IoHandler::kHangup) != 0; }));
  loop.reactor.Remove(a);
  ::close(a);
}

TEST(ReactorTest, AnEventOfTheSameBatchIsNotToldAfterRemove) {
  Loop loop;
  Closer one(UnixPair());
  Closer two(UnixPair());
  Recorder first;
  Recorder second;
  ASSERT_TRUE(loop.reactor.Add(one.a, first));
  ASSERT_TRUE(loop.reactor.Add(two.a, second));
  // Whichever is told first removes the other.
  first.then = [&] { loop.reactor.Remove(two.a); };
  second.then = [&] { loop.reactor.Remove(one.a); };
  loop.Settle();
  EXPECT_EQ(first.seen.size() + second.seen.size(), 1u);
}

TEST(ReactorTest, ADescriptorThatIsOpenedAnewWithinABatchGetsNoEventOfTheOld) {
  Loop loop;
  const auto [old_a, old_b] = UnixPair();
  Closer other(UnixPair());
  Recorder old_handler;
  Recorder new_handler;
  Recorder trigger;
  ASSERT_TRUE(loop.reactor.AddLevelTriggered(other.a, trigger));
  ASSERT_TRUE(loop.reactor.Add(old_a, old_handler));
  loop.Settle();
  old_handler.seen.clear();
  int opened[2] = {-1, -1};
  trigger.then = [&, old = old_a] {
    loop.reactor.Forget(old);
    ::close(old);
    const auto [a, b] = UnixPair();
    ASSERT_EQ(a, old) << "the kernel gives the lowest number";
    opened[0] = a;
    opened[1] = b;
    ASSERT_TRUE(loop.reactor.Add(a, new_handler));
    trigger.then = nullptr;
  };
  ASSERT_EQ(::write(other.b, "x", 1), 1);
  ASSERT_EQ(::write(old_b, "x", 1), 1);
  loop.reactor.Turn(base::Duration::zero());
  loop.reactor.Remove(other.a);
  EXPECT_TRUE(old_handler.seen.empty());
  EXPECT_TRUE(new_handler.seen.empty());
  loop.reactor.Turn(base::Duration::zero());
  EXPECT_THAT(new_handler.seen, ElementsAre(IoHandler::kWritable));
  ::close(opened[0]);
  ::close(opened[1]);
  ::close(old_b);
}

TEST(ReactorTest, DeferredHandlersRunOnceWithinTheTurn) {
  Loop loop;
  Recorder handler;
  loop.reactor.Defer(handler);
  loop.reactor.Defer(handler);
  loop.reactor.Turn(base::Duration::zero());
  EXPECT_THAT(handler.seen, ElementsAre(IoHandler::kDeferred));
}

TEST(ReactorTest, AHandlerThatAlwaysDefersItselfDoesNotKeepATurnForEver) {
  Loop loop;
  Recorder handler;
  handler.then = [&] { loop.reactor.Defer(handler); };
  loop.reactor.Defer(handler);
  loop.reactor.Turn(base::Duration::zero());
  const size_t in_one_turn = handler.seen.size();
  EXPECT_GE(in_one_turn, 1u);
  EXPECT_LE(in_one_turn, 16u);
  loop.reactor.Turn(std::chrono::hours(1));
  EXPECT_GT(handler.seen.size(), in_one_turn) << "the rest runs in the next turn, which does not wait";
}

TEST(ReactorTest, ADeferredHandlerThatIsDestroyedIsForgotten) {
  Loop loop;
  {
    Recorder handler;
    loop.reactor.Defer(handler);
  }
  loop.reactor.Turn(base::Duration::zero());
  EXPECT_EQ(loop.turns, 1);
}

TEST(ReactorTest, EachTurnReadsTheClockOnceAndCallsTheHooks) {
  base::FakeClock clock;
  Hooks hooks(clock);
  Reactor reactor(clock, hooks);
  clock.Advance(std::chrono::seconds(3));
  reactor.Turn(base::Duration::zero());
  EXPECT_EQ(hooks.begun, clock.Now());
  EXPECT_EQ(hooks.turns, 1);
  EXPECT_EQ(hooks.ended, 1);
}

TEST(ReactorTest, ATurnIsAsLateAsTheTurnBeforeItTook) {
  base::FakeClock clock;
  Hooks hooks(clock);
  Reactor reactor(clock, hooks);
  Recorder handler;
  handler.then = [&] { clock.Advance(std::chrono::milliseconds(30)); };
  reactor.Defer(handler);
  reactor.Turn(base::Duration::zero());
  EXPECT_EQ(hooks.late, base::Duration::zero());
  reactor.Turn(base::Duration::zero());
  EXPECT_EQ(hooks.late, std::chrono::milliseconds(30));
  reactor.Turn(base::Duration::zero());
  EXPECT_EQ(hooks.late, base::Duration::zero());
}

TEST(ReactorTest, ATurnAfterASleepThatWasAskedForIsNotLate) {
  base::SystemClock clock;
  Hooks hooks(clock);
  Reactor reactor(clock, hooks);
  hooks.due = clock.Now() + std::chrono::hours(1);
  const base::Instant before = clock.Now();
  reactor.Turn(std::chrono::milliseconds(20));
  EXPECT_GE(hooks.begun - before, std::chrono::milliseconds(20));
  EXPECT_LE(hooks.late, hooks.begun - before - std::chrono::milliseconds(20));
}

TEST(ReactorTest, RunWaitsUntilWhatIsDueAndNotMuchLonger) {
  base::SystemClock clock;
  Hooks hooks(clock);
  Reactor reactor(clock, hooks);
  const base::Instant due = clock.Now() + std::chrono::milliseconds(30);
  hooks.due = due;
  hooks.on_turn = [&] {
    if (hooks.begun >= due) reactor.Stop();
  };
  reactor.Run();
  EXPECT_GE(hooks.begun, due);
  EXPECT_LE(hooks.turns, 4) << "it does not spin while it waits";
}

TEST(ReactorTest, WakeFromAnotherThreadEndsTheWait) {
  base::SystemClock clock;
  Hooks hooks(clock);
  Reactor reactor(clock, hooks);
  std::atomic<bool> asked{false};
  hooks.on_turn = [&] {
    if (asked.load()) reactor.Stop();
  };
  std::thread other([&] {
    asked = true;
    reactor.Wake();
  });
  const base::Instant begun = clock.Now();
  reactor.Run();
  other.join();
  EXPECT_LT(clock.Now() - begun, std::chrono::seconds(5));
}

TEST(ReactorTest, EveryWakeIsANewTurn) {
  base::SystemClock clock;
  Hooks hooks(clock);
  Reactor reactor(clock, hooks);
  int left = 1000;
  hooks.on_turn = [&] {
    if (--left == 0) return reactor.Stop();
    reactor.Wake();
  };
  reactor.Wake();
  const base::Instant begun = clock.Now();
  reactor.Run();
  EXPECT_EQ(hooks.turns, 1000);
  EXPECT_LT(clock.Now() - begun, std::chrono::seconds(20)) << "a lost wake costs a second";
}

TEST(ReactorTest, AnIdleLoopUsesNoProcessorTime) {
  base::SystemClock clock;
  Hooks hooks(clock);
  Reactor reactor(clock, hooks);
  Closer pair(UnixPair());
  Recorder handler;
  ASSERT_TRUE(reactor.Add(pair.a, handler));
  ASSERT_EQ(::write(pair.b, "x", 1), 1);  // told once, never read: the set stays quiet
  hooks.due = clock.Now() + std::chrono::milliseconds(100);
  hooks.on_turn = [&] {
    if (hooks.begun >= hooks.due) reactor.Stop();
  };
  reactor.Run();
  EXPECT_LE(hooks.turns, 5);
}

TEST(ReactorTest, StopEndsRunAfterTheTurnAndRunMayBeCalledAgain) {
  base::SystemClock clock;
  Hooks hooks(clock);
  Reactor reactor(clock, hooks);
  Recorder handler;
  handler.then = [&] { reactor.Stop(); };
  for (int i = 1; i <= 2; ++i) {
    reactor.Defer(handler);
    reactor.Run();
    EXPECT_EQ(hooks.turns, i);
    EXPECT_EQ(hooks.ended, i);
  }
}

TEST(ReactorTest, AClosedDescriptorIsRefused) {
  Loop loop;
  Recorder handler;
  const auto [a, b] = UnixPair();
  ::close(a);
  ::close(b);
  EXPECT_FALSE(loop.reactor.Add(a, handler));
}

}  // namespace
}  // namespace headgate::proxy::net
