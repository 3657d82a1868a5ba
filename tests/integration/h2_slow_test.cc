// Streams that share a slow connection: nobody is blamed for the turns of its siblings. The clock is the test's.
#include <gtest/gtest.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "tests/http/h2/frames.h"
#include "tests/integration/hand_turned_worker.h"

namespace headgate::integration {
namespace {

using http::h2::Big;
using http::h2::Data;
using http::h2::Frame;
using http::h2::FrameType;
using http::h2::Headers;
using http::h2::WindowUpdate;
using std::chrono::seconds;

constexpr size_t kBodyBytes = 40'000;
constexpr int kStreams = 8;

int32_t IdOf(int stream) { return 2 * stream + 1; }

std::string Begin(int stream, const char* method, const char* path) {
  const bool end = std::string_view(method) == "GET";
  return Headers(IdOf(stream), {{":method", method}, {":scheme", "http"}, {":authority", "a"}, {":path", path}}, end);
}
std::string AskAll() {
  std::string requests;
  for (int i = 0; i < kStreams; ++i) requests += Begin(i, "GET", "/big");
  return requests;
}

class H2SlowConnection : public HandTurnedWorker {
 protected:
  H2SlowConnection() {
    listener_options_ = "protocols: [h2]";
    route_options_ =
        "    timeouts: {request: none, backendRequest: none, idle: 10m}\n"
        "  - name: big\n    hostnames: [a]\n    matches: [{path: {exact: /big}}]\n"
        "    respond: {status: 200, body: \"" +
        std::string(kBodyBytes, 'x') + "\"}\n";
  }
  void SetUp() override {
    HandTurnedWorker::SetUp();
    constexpr int kInitialWindowSize = 4;
    Say(std::string(http::h2::kMagic) +
        Frame(FrameType::kSettingsFrame, 0, 0, Big(kInitialWindowSize, 2) + Big(1'000'000, 4)));
  }
  void Say(const std::string& frames) {
    ASSERT_EQ(::send(client_, frames.data(), frames.size(), MSG_NOSIGNAL), static_cast<ssize_t>(frames.size()));
    int on_the_way = 1;  // a busy kernel takes its time
    for (int i = 0; on_the_way > 0 && i < 1000; ++i) {
      ASSERT_EQ(::ioctl(client_, SIOCOUTQ, &on_the_way), 0);
      if (on_the_way > 0) Turn(std::chrono::milliseconds(1));
    }
    for (int i = 0; i < 10; ++i) Turn(std::chrono::milliseconds(1));
    Hear();
  }
  void After(base::Duration time, const std::string& frames) {
    clock_.Advance(time);
    Say(frames);
  }
  void Hear() {
    char bytes[65536];
    for (ssize_t got; (got = ::recv(client_, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0;) {
      heard_.append(bytes, static_cast<size_t>(got));
    }
  }
  size_t Count(FrameType type) const {
    const auto frames = http::h2::ParseFrames(heard_);
    return static_cast<size_t>(
        std::count_if(frames.begin(), frames.end(), [type](const auto& frame) { return frame.type == type; }));
  }

  std::string heard_;
};

TEST_F(H2SlowConnection, WhoReadsSlowlyButSteadilyGetsEveryResponse) {
  Say(AskAll());
  // About 800 bytes a second: a stream has its turn each 40 s, in all 33 bytes per second each would do.
  constexpr uint32_t kCredit = 4096;
  for (size_t given = 65'535; given < kStreams * kBodyBytes; given += kCredit) {
    After(seconds(5), WindowUpdate(0, kCredit));
    ASSERT_EQ(Count(FrameType::kRstStream), 0U) << "after " << given << " bytes";
  }
  EXPECT_GT(heard_.size(), kStreams * kBodyBytes);
}

TEST_F(H2SlowConnection, WhoStopsReadingIsReset) {
  Say(AskAll());
  After(seconds(31), {});
  After(seconds(31), {});
  EXPECT_EQ(Count(FrameType::kRstStream), static_cast<size_t>(kStreams));
}

TEST_F(H2SlowConnection, WhoStopsReadingIsResetThoughItsPingsAreAnswered) {
  Say(Begin(0, "GET", "/big") + Begin(1, "GET", "/big"));
  std::string pings;
  for (int i = 0; i < 5; ++i) pings += Frame(FrameType::kPing, 0, 0, std::string(8, 'p'));
  for (int i = 0; i < 62; ++i) After(seconds(1), pings);
  EXPECT_EQ(Count(FrameType::kRstStream), 2U);
}

TEST_F(H2SlowConnection, AStreamWithoutCreditOfItsOwnIsResetThoughItsSiblingsFlow) {
  constexpr int kInitialWindowSize = 4;
  Say(Frame(FrameType::kSettingsFrame, 0, 0, Big(kInitialWindowSize, 2) + Big(100, 4)));
  Say(Begin(0, "GET", "/big") + Begin(1, "GET", "/big"));
  for (int i = 0; i < 13; ++i) After(seconds(5), WindowUpdate(0, 2000) + WindowUpdate(IdOf(1), 2000));
  EXPECT_EQ(Count(FrameType::kRstStream), 1U);
}

TEST_F(H2SlowConnection, AnUploadWaitsForItsTurnAsLongAsTheConnectionIsBusy) {
  constexpr int kUploads = 3;
  std::string requests;
  for (int i = 0; i < kUploads; ++i) requests += Begin(i, "POST", "/") + Data(IdOf(i), "begin", false);
  Say(requests);
  const size_t before = Count(FrameType::kHeaders);
  // Of one upload 800 bytes a second: 240 for each of 3 are 720.
  const std::string piece(4000, 'x');
  for (int i = 0; i < 12; ++i) {
    After(seconds(5), Data(IdOf(0), piece, false));
    ASSERT_EQ(Count(FrameType::kHeaders), before) << "answered after " << 5 * i << " s";
  }
  for (int i = 0; i < 7; ++i) After(seconds(5), {});
  EXPECT_EQ(Count(FrameType::kHeaders), before + kUploads) << "408 for each";
}

TEST_F(H2SlowConnection, AnUploadsOwnBytesAreNotItsSiblings) {
  Say(Begin(0, "POST", "/") + Data(IdOf(0), "begin", false));
  After(seconds(1), Data(IdOf(0), std::string(4000, 'x'), false));
  const size_t before = Count(FrameType::kHeaders);
  for (int i = 0; i < 4; ++i) After(seconds(5), {});
  EXPECT_EQ(Count(FrameType::kHeaders), before + 1) << "408 after bodyIdle, 15 s";
}

}  // namespace
}  // namespace headgate::integration
