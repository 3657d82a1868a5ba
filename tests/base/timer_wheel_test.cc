#include "base/timer_wheel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "base/rng.h"

namespace headgate::base {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

struct Alarm {
  Alarm() : timer([](void* self) { static_cast<Alarm*>(self)->Ring(); }, this) {}
  void Ring() {
    ++rung;
    if (then) then();
  }
  int rung = 0;
  std::function<void()> then;
  Timer timer;
};

class TimerWheelTest : public testing::Test {
 protected:
  void Turn(Duration by) {
    now += by;
    wheel.Advance(now);
  }
  Instant now{hours(1)};
  TimerWheel wheel{now};
};

TEST_F(TimerWheelTest, FiresOnceWhenTheDeadlineHasPassedAndNotBefore) {
  Alarm alarm;
  wheel.Arm(alarm.timer, now + milliseconds(23));
  Turn(milliseconds(22));
  EXPECT_EQ(alarm.rung, 0);
  Turn(milliseconds(6));
  EXPECT_EQ(alarm.rung, 1);
  EXPECT_FALSE(alarm.timer.armed());
  Turn(seconds(10));
  EXPECT_EQ(alarm.rung, 1);
}

TEST_F(TimerWheelTest, ADeadlineInThePastFiresWithTheNextTick) {
  Alarm alarm;
  Turn(seconds(1));
  wheel.Arm(alarm.timer, now - seconds(5));
  EXPECT_EQ(alarm.rung, 0);
  Turn(TimerWheel::kTick);
  EXPECT_EQ(alarm.rung, 1);
}

TEST_F(TimerWheelTest, ADisarmedTimerNeverFiresAndCanBeArmedAgain) {
  Alarm alarm;
  wheel.Arm(alarm.timer, now + milliseconds(50));
  alarm.timer.Disarm();
  Turn(seconds(1));
  EXPECT_EQ(alarm.rung, 0);
  wheel.Arm(alarm.timer, now + milliseconds(50));
  Turn(milliseconds(55));
  EXPECT_EQ(alarm.rung, 1);
}

TEST_F(TimerWheelTest, MovingADeadlineLaterAndEarlierTakesEffect) {
  Alarm alarm;
  wheel.Arm(alarm.timer, now + seconds(1));
  wheel.Arm(alarm.timer, now + seconds(5));
  Turn(seconds(2));
  EXPECT_EQ(alarm.rung, 0);
  wheel.Arm(alarm.timer, now + milliseconds(10));
  Turn(milliseconds(15));
  EXPECT_EQ(alarm.rung, 1);
  Turn(hours(1));
  EXPECT_EQ(alarm.rung, 1);
}

TEST_F(TimerWheelTest, ACallbackMayArmItsOwnTimerAgain) {
  Alarm alarm;
  alarm.then = [&] { wheel.Arm(alarm.timer, now + milliseconds(100)); };
  wheel.Arm(alarm.timer, now + milliseconds(100));
  for (int i = 0; i < 1000; ++i) Turn(milliseconds(1));
  EXPECT_GE(alarm.rung, 9);
  EXPECT_LE(alarm.rung, 10);
}

TEST_F(TimerWheelTest, ACallbackThatArmsForThePastFiresOncePerAdvanceNotOncePerTickSlept) {
  Alarm alarm;
  alarm.then = [&] { wheel.Arm(alarm.timer, Instant{}); };
  wheel.Arm(alarm.timer, now);
  Turn(hours(10));
  EXPECT_EQ(alarm.rung, 1);
  Turn(hours(10));
  EXPECT_EQ(alarm.rung, 2);
}

TEST_F(TimerWheelTest, ACallbackMayDestroyEveryTimerThatIsDueWithIt) {
  std::vector<std::unique_ptr<Alarm>> alarms(10);
  int rung = 0;
  for (auto& alarm : alarms) {
    alarm = std::make_unique<Alarm>();
    alarm->then = [&] {
      ++rung;
      const auto dead = std::exchange(alarms, {});  // the one that runs included
    };
    wheel.Arm(alarm->timer, now + milliseconds(20));
  }
  Turn(milliseconds(30));
  EXPECT_EQ(rung, 1);
  EXPECT_EQ(wheel.NextDue(), Instant::max());
}

TEST_F(TimerWheelTest, ACallbackMayDisarmOrMoveAnotherThatIsDueWithIt) {
  Alarm first;
  Alarm disarmed;
  Alarm moved;
  first.then = [&] {
    disarmed.timer.Disarm();
    wheel.Arm(moved.timer, now + seconds(1));
  };
  for (Alarm* alarm : {&first, &disarmed, &moved}) wheel.Arm(alarm->timer, now + milliseconds(20));
  Turn(milliseconds(30));
  EXPECT_EQ(first.rung, 1);
  EXPECT_EQ(disarmed.rung, 0);
  EXPECT_EQ(moved.rung, 0);
  Turn(milliseconds(1005));
  EXPECT_EQ(moved.rung, 1);
}

TEST_F(TimerWheelTest, ATimerDestroyedWhileArmedLeavesTheWheel) {
  {
    Alarm near;
    Alarm far;
    wheel.Arm(near.timer, now + milliseconds(20));
    wheel.Arm(far.timer, now + hours(5));
  }
  Turn(hours(10));
  EXPECT_EQ(wheel.NextDue(), Instant::max());
}

TEST_F(TimerWheelTest, AWheelMayDieBeforeItsTimers) {
  Alarm alarm;
  {
    TimerWheel short_lived(now);
    short_lived.Arm(alarm.timer, now + seconds(1));
  }
  EXPECT_FALSE(alarm.timer.linked());
}

TEST_F(TimerWheelTest, DeadlinesBeyondTheWheelsReachStillFire) {
  Alarm alarm;
  Alarm never;
  const Instant deadline = now + hours(24 * 600);
  wheel.Arm(alarm.timer, deadline);
  wheel.Arm(never.timer, Instant::max());
  wheel.Advance(deadline - milliseconds(1));
  EXPECT_EQ(alarm.rung, 0);
  wheel.Advance(deadline + TimerWheel::kTick);
  EXPECT_EQ(alarm.rung, 1);
  EXPECT_EQ(never.rung, 0);
}

TEST_F(TimerWheelTest, NextDueIsTheFirstDeadlineWithinItsTick) {
  EXPECT_EQ(wheel.NextDue(), Instant::max());
  Alarm alarm;
  wheel.Arm(alarm.timer, now + milliseconds(100));
  EXPECT_LE(wheel.NextDue(), now + milliseconds(105));
  EXPECT_GE(wheel.NextDue(), now + milliseconds(100));
}

TEST_F(TimerWheelTest, FollowingNextDueAloneFiresEveryTimerInAFewSteps) {
  Alarm alarm;
  const Instant deadline = now + hours(30);
  wheel.Arm(alarm.timer, deadline);
  int steps = 0;
  while (alarm.rung == 0) {
    ASSERT_NE(wheel.NextDue(), Instant::max());
    ASSERT_GT(wheel.NextDue(), now);
    now = wheel.NextDue();
    wheel.Advance(now);
    ++steps;
  }
  EXPECT_LT(now - deadline, TimerWheel::kTick);
  EXPECT_LE(steps, 4);
}

TEST_F(TimerWheelTest, TimeThatStandsStillOrGoesBackFiresNothing) {
  Alarm alarm;
  wheel.Arm(alarm.timer, now + milliseconds(10));
  wheel.Advance(now);
  wheel.Advance(now - hours(2));
  EXPECT_EQ(alarm.rung, 0);
  Turn(milliseconds(15));
  EXPECT_EQ(alarm.rung, 1);
}

// The wheel against the obvious: a list of deadlines that is searched.
class Model {
 public:
  Model(TimerWheel& wheel, Instant now, uint64_t seed) : wheel_(wheel), now_(now), rng_(seed) {}

  void Step() {
    switch (rng_.Below(8)) {
      case 0:
        Add();
        break;
      case 1:
        Remove();
        break;
      case 2:
        Disarm();
        break;
      case 3:
      case 4:
        ArmOne();
        break;
      default:
        Advance();
        break;
    }
  }

 private:
  struct Entry {
    Entry(Model& owner, size_t number) : model(owner), id(number), timer(&Entry::OnFire, this) {}
    static void OnFire(void* self) { static_cast<Entry*>(self)->model.Fired(*static_cast<Entry*>(self)); }
    Model& model;
    size_t id;
    Timer timer;
    std::optional<Instant> deadline;
    Instant armed_at{};
  };

  Duration Span() {
    // From a fraction of a tick to months, each magnitude as likely.
    return Duration(static_cast<int64_t>(rng_.Next() >> (10 + rng_.Below(40))));
  }
  void Add() {
    if (entries_.size() < 200) entries_.push_back(std::make_unique<Entry>(*this, next_id_++));
    ArmOne();
  }
  Entry* Any() { return entries_.empty() ? nullptr : entries_[rng_.Below(entries_.size())].get(); }
  void Remove() {
    if (!entries_.empty()) entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(rng_.Below(entries_.size())));
  }
  void Disarm() {
    if (Entry* entry = Any()) {
      entry->timer.Disarm();
      entry->deadline.reset();
    }
  }
  void ArmOne() {
    if (Entry* entry = Any()) {
      entry->deadline = rng_.Below(20) == 0 ? now_ - Span() % hours(1) : now_ + Span();
      entry->armed_at = now_;
      wheel_.Arm(entry->timer, *entry->deadline);
    }
  }
  void Fired(Entry& entry) {
    ASSERT_TRUE(entry.deadline.has_value()) << "fired without being armed";
    ASSERT_LE(*entry.deadline, now_) << "fired early";
    entry.deadline.reset();
    // What a callback may do: arm this one or another, disarm, destroy others or this one.
    switch (rng_.Below(6)) {
      case 0:
        ArmOne();
        break;
      case 1:
        Disarm();
        break;
      case 2:
        Remove();
        break;
      case 3:
        entry.deadline = now_ + Span();
        entry.armed_at = now_;
        wheel_.Arm(entry.timer, *entry.deadline);
        break;
      default:
        break;
    }
  }
  void Advance() {
    const Instant due = wheel_.NextDue();
    for (const auto& entry : entries_) {
      if (entry->deadline && *entry->deadline > now_) {
        ASSERT_LE(due, *entry->deadline + TimerWheel::kTick) << "NextDue is no lower bound";
      }
    }
    now_ += rng_.Below(4) == 0 ? Span() : Span() % milliseconds(40);
    wheel_.Advance(now_);
    for (const auto& entry : entries_) {
      if (!entry->deadline || entry->armed_at == now_) continue;
      ASSERT_GT(std::max(*entry->deadline, entry->armed_at) + TimerWheel::kTick, now_) << "more than a tick late";
    }
  }

  TimerWheel& wheel_;
  Instant now_;
  Rng rng_;
  size_t next_id_ = 0;
  std::vector<std::unique_ptr<Entry>> entries_;
};

TEST_F(TimerWheelTest, BehavesLikeASearchedListUnderRandomUse) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  for (uint64_t round = 0; round < 20; ++round) {
    TimerWheel fresh(now);
    Model model(fresh, now, seed + round);
    for (int i = 0; i < 3000 && !HasFatalFailure(); ++i) model.Step();
  }
}

TEST_F(TimerWheelTest, YearsOfIdleTimeAreSkippedNotSteppedThrough) {
  // A year is 6.3 billion ticks: stepping through them would take far longer than a test may.
  Alarm alarm;
  wheel.Arm(alarm.timer, now + hours(24 * 365));
  for (int i = 0; i < 3; ++i) Turn(hours(24 * 365));
  EXPECT_EQ(alarm.rung, 1);
}

}  // namespace
}  // namespace headgate::base
