#include "metrics/access_log_losses.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <memory>

namespace headgate::metrics {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;

struct AccessLogLossesTest : testing::Test {
  template <class F>
  std::string Told(F act) {
    testing::internal::CaptureStderr();
    act();
    base::log::Flush();
    return testing::internal::GetCapturedStderr();
  }
  std::unique_ptr<Shard> shard = std::make_unique<Shard>();
  AccessLogLosses losses{*shard, CounterId{200}};
};

TEST_F(AccessLogLossesTest, AreCountedAndToldOnceInAWhileAndSoIsTheirEnd) {
  losses.Failed(ENOSPC);
  EXPECT_THAT(
      Told([&] { losses.Count(3); }),
      EndsWith("warning access log: cannot be written (No space left on device): 3 lines are dropped so far\n"));
  EXPECT_THAT(Told([&] { losses.Count(4); }), IsEmpty()) << "it was told just now";
  EXPECT_THAT(Told([&] { losses.Written(); }), EndsWith("info access log: is written again; 7 lines were dropped\n"));
  EXPECT_THAT(Told([&] { losses.Written(); }), IsEmpty());
  EXPECT_EQ(shard->Read(200), 7U);
}

TEST_F(AccessLogLossesTest, OfWhichNobodyWasToldEndWithoutAWord) {
  losses.Failed(ENOSPC);
  EXPECT_THAT(Told([&] { losses.Count(0); }), IsEmpty());
  Told([&] {
    losses.Count(1);
    losses.Written();
  });
  EXPECT_THAT(Told([&] {
                losses.Count(1);
                losses.Written();
              }),
              IsEmpty());
  EXPECT_EQ(shard->Read(200), 2U);
}

TEST_F(AccessLogLossesTest, AReaderThatDoesNotKeepUpIsTold) {
  EXPECT_THAT(Told([&] { losses.Stuck(); }), HasSubstr("warning access log: its reader does not keep up"));
  EXPECT_THAT(Told([&] { losses.Stuck(); }), IsEmpty());
}

}  // namespace
}  // namespace headgate::metrics
