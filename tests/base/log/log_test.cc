#include "base/log/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace headgate::base::log {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::MatchesRegex;

class LogTest : public testing::Test {
 protected:
  template <class F>
  std::string Captured(F write) {
    testing::internal::CaptureStderr();
    write();
    Flush();
    return testing::internal::GetCapturedStderr();
  }
};

TEST_F(LogTest, WritesTimeLevelAndTextInOneLineOnStandardError) {
  EXPECT_THAT(Captured([] { Info("accepted {} of {}", 3, "listener web"); }),
              MatchesRegex("20[0-9-]+T[0-9:]+\\.[0-9][0-9][0-9]Z info accepted 3 of listener web\n"));
  EXPECT_THAT(Captured([] { Warning("a"); }), EndsWith("Z warning a\n"));
  EXPECT_THAT(Captured([] { Error("b"); }), EndsWith("Z error b\n"));
}

TEST_F(LogTest, AStrangersTextCannotForgeALine) {
  EXPECT_THAT(Captured([] { Info("path {}", "/\n2026 error forged\x1b[2J\x7f"); }),
              EndsWith("info path /\\x0a2026 error forged\\x1b[2J\\x7f\n"));
}

TEST_F(LogTest, CutsALineThatIsTooLong) {
  const std::string line = Captured([] { Info("{}", std::string(5000, 'x')); });
  EXPECT_LT(line.size(), 1100U);
  EXPECT_THAT(line, EndsWith("xxx...\n"));
}

TEST_F(LogTest, LinesOfSeveralThreadsStayWhole) {
  const std::string lines = Captured([] {
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([] {
        for (int n = 0; n < 100; ++n) Info("{}", std::string(100, 'y'));
      });
    }
    for (std::thread& thread : threads) thread.join();
  });
  size_t count = 0;
  for (size_t at = 0; at < lines.size(); ++count) {
    const size_t end = lines.find('\n', at);
    ASSERT_EQ(end - at, std::string_view("2026-01-31T12:00:00.000Z info ").size() + 100);
    at = end + 1;
  }
  EXPECT_EQ(count, 400U);
}

TEST_F(LogTest, ARepeatedEventIsWrittenOncePerIntervalWithTheNumberLeftOut) {
  LimitedLog limited(std::chrono::seconds(1));
  FakeClock clock;
  const std::string lines = Captured([&] {
    for (int i = 0; i < 10; ++i) {
      limited.Write(Level::kWarning, clock.Now(), "refused {}", i);
      clock.Advance(std::chrono::milliseconds(200));
    }
  });
  EXPECT_THAT(lines, HasSubstr("refused 0\n"));
  EXPECT_THAT(lines, HasSubstr("refused 5\n"));
  EXPECT_THAT(lines, HasSubstr("4 times more"));
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 3);
}

TEST_F(LogTest, ThreadsThatShareALimitAdmitOneEventAndCountTheOthers) {
  LimitedLog limited(std::chrono::seconds(1));
  const FakeClock clock;
  std::atomic<int> admitted{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 1000; ++n) admitted += limited.Admit(clock.Now()) ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(admitted.load(), 1);
  EXPECT_EQ(limited.Admit(clock.Now() + std::chrono::seconds(1)), 3999U);
}

}  // namespace
}  // namespace headgate::base::log
