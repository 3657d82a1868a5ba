// Every way in which an attempt ends before its response is complete: the upstream sees a reset, never a FIN, which it
// could take for a half-close.
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "tests/integration/hand_turned_worker.h"

namespace headgate::integration {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct GivenUpCase {
  const char* name;
  const char* route_options;
  std::string_view request;
  std::string_view answer;  // the upstream's, as far as it comes
  std::function<void(int& client, base::FakeClock& clock)> end;
};

constexpr std::string_view kPlain = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr std::string_view kUpload = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n";
constexpr std::string_view kPart = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello";

void Nothing(int& /*client*/, base::FakeClock& /*clock*/) {}
void TheClientResets(int& client, base::FakeClock& /*clock*/) {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(client, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  ::close(std::exchange(client, -1));
}
void TheClientCloses(int& client, base::FakeClock& clock) {
  clock.Advance(milliseconds(300));
  ::close(std::exchange(client, -1));
}
void TimePasses(int& /*client*/, base::FakeClock& clock) { clock.Advance(seconds(120)); }

class GivenUp : public HandTurnedWorker, public ::testing::WithParamInterface<GivenUpCase> {
 protected:
  void SetUp() override {
    route_options_ = GetParam().route_options;
    HandTurnedWorker::SetUp();
  }
  void Turns() {
    for (int i = 0; i < 10; ++i) Turn(milliseconds(1));
  }
  // How the connection to the upstream ended; "open" if it did not.
  std::string EndAtUpstream() const {
    char bytes[4096];
    for (;;) {
      const ssize_t got = ::recv(upstream_, bytes, sizeof(bytes), MSG_DONTWAIT);
      if (got == 0) return "FIN";
      if (got < 0) return errno == ECONNRESET ? "RST" : "open";
    }
  }
};

std::string NameOfGivenUp(const ::testing::TestParamInfo<GivenUpCase>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(
    Ways, GivenUp,
    ::testing::Values(
        GivenUpCase{"ClientResets", "", kPlain, "", TheClientResets},
        GivenUpCase{"ClientCloses", "", kPlain, "", TheClientCloses},
        GivenUpCase{"ClientResetsWithinItsBody", "", kUpload, "", TheClientResets},
        GivenUpCase{"ClientClosesWithinItsBody", "", kUpload, "", TheClientCloses},
        GivenUpCase{"ClientResetsWithinTheResponse", "", kPlain, kPart, TheClientResets},
        GivenUpCase{"ClientClosesWithinTheResponse", "", kPlain, kPart, TheClientCloses},
        GivenUpCase{"Request", "    timeouts: {request: 10s}\n", kPlain, "", TimePasses},
        GivenUpCase{"RequestWithinTheResponse", "    timeouts: {request: 10s}\n", kPlain, kPart, TimePasses},
        GivenUpCase{"BackendRequest", "    timeouts: {backendRequest: 10s}\n", kPlain, "", TimePasses},
        GivenUpCase{"Idle", "    timeouts: {idle: 10s}\n", kPlain, "", TimePasses},
        GivenUpCase{"IdleWithinTheResponse", "    timeouts: {idle: 10s}\n", kPlain, kPart, TimePasses},
        GivenUpCase{"BodyIdle", "", kUpload, "", TimePasses},
        GivenUpCase{"BodyTooLarge", "    maxBodySize: 5\n", kUpload, "",
                    [](int& client, base::FakeClock&) { ::send(client, "3\r\nabc\r\n", 8, MSG_NOSIGNAL); }},
        GivenUpCase{"MalformedBody", "", kUpload, "",
                    [](int& client, base::FakeClock&) { ::send(client, "xyz\r\n", 5, MSG_NOSIGNAL); }},
        GivenUpCase{"RetryOfAStatus", "    retry: {on: [\"503\"]}\n", kPlain,
                    "HTTP/1.1 503 Busy\r\nContent-Length: 10\r\n\r\nhello", Nothing},
        GivenUpCase{"MalformedResponse", "", kPlain, "HTTP/1.1 2000 OK\r\n\r\n", Nothing},
        GivenUpCase{"AnEarlyAnswerToAnUpload", "", kUpload, "HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n", Nothing}),
    NameOfGivenUp);

TEST_P(GivenUp, IsToldByAReset) {
  const GivenUpCase& way = GetParam();
  ASSERT_GT(::send(client_, way.request.data(), way.request.size(), MSG_NOSIGNAL), 0);
  TurnUntilReadable(upstream_listener_);
  upstream_ = ::accept(upstream_listener_, nullptr, nullptr);
  TurnUntilReadable(upstream_);
  EXPECT_EQ(EndAtUpstream(), "open");
  ::send(upstream_, way.answer.data(), way.answer.size(), MSG_NOSIGNAL);
  Turns();
  way.end(client_, clock_);
  Turns();
  EXPECT_EQ(EndAtUpstream(), "RST");
}

}  // namespace
}  // namespace headgate::integration
