#include "control/admin/metrics_pages.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <map>

namespace headgate::control {
namespace {

TEST(MetricsPages, GzipIsTakenWhereItIsAcceptedOnly) {
  for (const char* field : {"gzip", "deflate, gzip", "gzip;q=0.5", "br, GZIP ; q=1"})
    EXPECT_TRUE(AcceptsGzip(field)) << field;
  for (const char* field : {"", "identity", "gzip;q=0", "x-gzip", "br, gzip; q=0.000"})
    EXPECT_FALSE(AcceptsGzip(field)) << field;
}

TEST(MetricsPages, OfManyScrapesAtOneTimeAFewWaitTheirTurnAndTheRestIsToldToComeBack) {
  const base::SystemClock clock;
  metrics::Registry registry(clock);
  State state;
  PagesContext context;
  context.registry = &registry;
  context.clock = &clock;
  context.state = &state;
  const pages::Handler handler = MetricsPages(context);
  pages::Request request;
  request.method = "GET";
  request.path = "/metrics";
  boost::asio::io_context io;
  constexpr int kScrapes = 200;
  std::map<int, int> answers;
  for (int i = 0; i < kScrapes; ++i) {
    boost::asio::co_spawn(
        io,
        [&]() -> boost::asio::awaitable<void> {
          const pages::Response answer = co_await handler(request);
          ++answers[answer.status];
          EXPECT_EQ(answer.headers.front().first, answer.status == 200 ? "Vary" : "Retry-After");
        },
        boost::asio::detached);
  }
  io.run();
  EXPECT_EQ(answers[200] + answers[503], kScrapes);
  EXPECT_GE(answers[200], 5);
  EXPECT_GE(answers[503], 1);
}

}  // namespace
}  // namespace headgate::control
