#include "http/h2/stream_log.h"

#include <gtest/gtest.h>

#include "tests/http/h2/raw_peer.h"

namespace headgate::http::h2 {
namespace {

TEST(Http2StreamLog, KnowsWhatAClientSaidOfItsStreams) {
  StreamLog log;
  EXPECT_EQ(log.OnHeaders(5, false), H2Error::kNoError);
  EXPECT_EQ(log.OnData(5, false), H2Error::kNoError);
  EXPECT_EQ(log.OnHeaders(3, true), H2Error::kProtocolError);
  EXPECT_EQ(log.OnHeaders(1, true), H2Error::kProtocolError);
  EXPECT_EQ(log.OnHeaders(5, true), H2Error::kNoError);  // trailers
  EXPECT_EQ(log.OnData(5, false), H2Error::kStreamClosed);
  EXPECT_EQ(log.OnHeaders(5, true), H2Error::kStreamClosed);
  EXPECT_EQ(log.OnHeaders(7, false), H2Error::kNoError);
  log.OnReset(7);
  EXPECT_EQ(log.OnData(7, true), H2Error::kStreamClosed);
  EXPECT_EQ(log.OnData(9, true), H2Error::kNoError);  // idle: not judged here
}

TEST(Http2StreamLog, SaysNothingOfOldStreams) {
  StreamLog log;
  EXPECT_EQ(log.OnHeaders(1, false), H2Error::kNoError);
  for (uint32_t id = 3; id < 1001; id += 2) ASSERT_EQ(log.OnHeaders(id, true), H2Error::kNoError);
  EXPECT_EQ(log.OnData(1, true), H2Error::kNoError);
  EXPECT_EQ(log.OnHeaders(0x7fffffff, true), H2Error::kNoError);
  EXPECT_EQ(log.OnHeaders(0x7ffffffd, true), H2Error::kProtocolError);
  EXPECT_EQ(log.OnHeaders(999, true), H2Error::kNoError);
}

struct LogCase {
  const char* name;
  std::string frames;
  std::string last;
  H2Error code;
};

TEST(Http2ClosedStreams, FramesBehindAStreamsEndEndTheConnection) {
  const LogCase cases[] = {
      {"DATA behind END_STREAM", Headers(1, GetFields()), Data(1, "x", true), H2Error::kStreamClosed},
      {"HEADERS behind END_STREAM", Headers(1, GetFields()), Headers(1, GetFields()), H2Error::kStreamClosed},
      {"DATA behind a reset", Headers(1, PostFields(), false) + RstStream(1), Data(1, "x", true),
       H2Error::kStreamClosed},
      {"HEADERS behind a reset", Headers(1, PostFields(), false) + RstStream(1), Headers(1, {{"a", "b"}}),
       H2Error::kStreamClosed},
      {"HEADERS of a skipped stream", Headers(5, GetFields()), Headers(3, GetFields()), H2Error::kProtocolError},
      {"PRIORITY of stream 0", "", Frame(kPriorityFrame, 0, 0, Big(0, 5)), H2Error::kProtocolError},
      {"DATA of an idle stream", "", Data(1, "x", true), H2Error::kProtocolError},
  };
  for (const LogCase& test : cases) {
    SCOPED_TRACE(test.name);
    for (const bool at_once : {false, true}) {
      RawServer server;
      if (at_once) {
        EXPECT_FALSE(server.Say(test.frames + test.last));
      } else {
        ASSERT_TRUE(server.Say(test.frames));
        EXPECT_FALSE(server.Say(test.last));
      }
      EXPECT_EQ(server.GoawayCode(), test.code);
      EXPECT_FALSE(server.session.ended_for_abuse());
      EXPECT_TRUE(test.frames.empty() || server.requests_begun == 1);
    }
  }
}

TEST(Http2ClosedStreams, FramesThatCrossOurEndAreIgnored) {
  RawServer server;
  server.Say(Headers(1, PostFields(), false));
  TestStream& stream = server.stream(1);
  ResponseHead response(stream.arena);
  response.status = 413;
  server.session.HoldEnd(stream);
  server.session.SubmitResponse(stream, response, {}, base::End::kYes);
  server.session.ReleaseEnd(stream, true);
  server.Drain();
  EXPECT_TRUE(stream.got_closed);
  EXPECT_TRUE(server.Say(Data(1, "late", false) + WindowUpdate(1, 1000) + Frame(kPriorityFrame, 0, 1, Big(0, 5))));
  EXPECT_TRUE(server.Say(Headers(1, {{"a", "b"}})));
  EXPECT_TRUE(server.Say(RstStream(1)));
  EXPECT_TRUE(server.Say(Headers(3, GetFields())));
  EXPECT_TRUE(server.stream(3).got_head);
}

}  // namespace
}  // namespace headgate::http::h2
