#include <gtest/gtest.h>

#include "tests/http/h2/raw_peer.h"

namespace headgate::http::h2 {
namespace {

using std::chrono::seconds;

// Says the same up to `times` times; how many times until the session ended, or 0.
template <class F>
size_t SaysUntilTheEnd(RawPeer& peer, size_t times, F&& bytes) {
  for (size_t i = 0; i < times; ++i) {
    if (!peer.Say(bytes(i))) return i + 1;
  }
  return 0;
}

int32_t Odd(size_t i) { return static_cast<int32_t>(2 * i + 1); }

void ExpectCalm(const RawPeer& peer, Abuse abuse) {
  EXPECT_TRUE(peer.session.ended());
  EXPECT_TRUE(peer.session.ended_for_abuse());
  EXPECT_EQ(peer.session.abuse(), abuse);
  EXPECT_EQ(peer.GoawayCode(), H2Error::kEnhanceYourCalm);
  EXPECT_EQ(peer.session.streams(), 0u);
  for (const auto& [id, stream] : peer.streams) EXPECT_TRUE(stream->got_closed) << id;
}

TEST(Http2Abuse, RapidResetEndsAfterTwoHundredRequests) {
  RawServer server;
  const auto request_and_reset = [](size_t i) { return Headers(Odd(i), GetFields()) + RstStream(Odd(i)); };
  EXPECT_EQ(SaysUntilTheEnd(server, 100'000, request_and_reset), 201u);
  ExpectCalm(server, Abuse::kResets);
  EXPECT_LE(server.requests_begun, 201u);
}

TEST(Http2Abuse, RapidResetEndsAlsoWhenSlotsAreBusy) {
  RawServer server;
  for (size_t i = 0; i < 50; ++i) server.Say(Headers(Odd(i), GetFields()) + RstStream(Odd(i)));
  server.refuse_all = true;
  const auto request_and_reset = [](size_t i) { return Headers(Odd(50 + i), GetFields()) + RstStream(Odd(50 + i)); };
  EXPECT_EQ(SaysUntilTheEnd(server, 100'000, request_and_reset), 151u);
  ExpectCalm(server, Abuse::kResets);
}

// Chromium names a priority with each request, and another one when a picture comes into sight or leaves it.
TEST(Http2Abuse, AWallOfPhotosMayCancelThirtyAtEachScroll) {
  RawServer server;
  for (size_t scroll = 0, i = 0; scroll < 100; ++scroll) {
    for (const size_t last = i + 30; i < last; ++i) {
      const std::string priority = Frame(kPriorityUpdate, 0, 0, Big(static_cast<uint32_t>(Odd(i)), 4) + "u=4, i");
      const std::string request = Headers(Odd(i), GetFields());
      ASSERT_TRUE(server.Say(priority + request + priority + priority + RstStream(Odd(i)))) << scroll;
    }
    server.now += std::chrono::milliseconds(700);
  }
}

TEST(Http2Abuse, PrioritiesAreCountedInRelationToRequests) {
  RawServer server;
  std::string page;
  for (size_t i = 0; i < 90; ++i) {
    page += Headers(Odd(i), GetFields());
    for (int j = 0; j < 4; ++j) page += Frame(kPriorityUpdate, 0, 0, Big(static_cast<uint32_t>(Odd(i)), 4) + "u=1");
  }
  for (int i = 0; i < 300; ++i) page += Frame(kPriorityUpdate, 0, 0, Big(1, 4) + "u=1");
  EXPECT_TRUE(server.Say(page));
}

TEST(Http2Abuse, ARequestWhoseWholeAnswerIsOutButForItsEndWasAnswered) {
  RawServer server;
  for (size_t i = 0; i < 1000; ++i) {
    ASSERT_TRUE(server.Say(Headers(Odd(i), PostFields(), false)));
    TestStream& stream = server.stream(Odd(i));
    ResponseHead response(stream.arena);
    response.status = 413;
    server.session.HoldEnd(stream);
    server.session.SubmitResponse(stream, response, {}, base::End::kYes);
    server.Drain();
    ASSERT_TRUE(server.Say(RstStream(Odd(i)))) << i;
  }
}

TEST(Http2Abuse, AllOfAClientsRequestsMayBeCancelledAtOnce) {
  SessionConfig config = ServerConfig();
  config.streams_max = 2500;
  RawServer server(config);
  for (size_t i = 0; i < 2500; ++i) ASSERT_TRUE(server.Say(Headers(Odd(i), GetFields())));
  for (size_t i = 0; i < 2500; ++i) ASSERT_TRUE(server.Say(RstStream(Odd(i)))) << i;
  EXPECT_EQ(server.session.streams(), 0u);
}

TEST(Http2Abuse, CancelledRequestsThatWereAnsweredDoNotCount) {
  RawServer server;
  for (size_t i = 0; i < 1000; ++i) {
    ASSERT_TRUE(server.Say(Headers(Odd(i), PostFields(), false)));
    TestStream& stream = server.stream(Odd(i));
    ResponseHead response(stream.arena);
    response.status = 200;
    server.session.SubmitResponse(stream, response, {}, base::End::kYes);
    server.Drain();
    ASSERT_TRUE(server.Say(RstStream(Odd(i), 0)));
  }
}

TEST(Http2Abuse, CancelledRequestsAreForgottenWithTime) {
  RawServer server;
  for (size_t i = 0; i < 1000; ++i) {
    ASSERT_TRUE(server.Say(Headers(Odd(i), GetFields()) + RstStream(Odd(i))));
    server.now += std::chrono::milliseconds(50);
  }
}

TEST(Http2Abuse, ResetsThatWeAreMadeToSendEnd) {
  const struct {
    const char* name;
    std::string (*frames)(size_t);
  } cases[] = {
      {"malformed heads", [](size_t i) { return Headers(Odd(i), {{"a", "b"}}); }},
      {"malformed bodies",
       [](size_t i) { return Headers(Odd(i), PostFields({{"content-length", "1"}}), false) + Data(Odd(i), "", true); }},
      {"overflowing windows", [](size_t i) { return Headers(Odd(i), GetFields()) + WindowUpdate(Odd(i), 0x7fffffff); }},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.name);
    RawServer server;
    EXPECT_EQ(SaysUntilTheEnd(server, 100'000, test.frames), 51u);
    ExpectCalm(server, Abuse::kProvokedResets);
  }
}

TEST(Http2Abuse, StreamsBeyondTheLimitAreRefusedAndTheirFloodEnds) {
  SessionConfig config = ServerConfig();
  config.streams_max = 3;
  RawServer server(config);
  for (size_t i = 0; i < 3; ++i) server.Say(Headers(Odd(i), GetFields()));
  ASSERT_TRUE(server.Say(Headers(7, GetFields())));
  EXPECT_EQ(server.ResetOf(7), H2Error::kRefusedStream);
  EXPECT_FALSE(server.has(7));
  EXPECT_EQ(server.session.streams(), 3u);
  EXPECT_EQ(server.session.refused_streams(), 1u);
  EXPECT_EQ(SaysUntilTheEnd(server, 1000, [](size_t i) { return Headers(Odd(4 + i), GetFields()); }), 50u);
  ExpectCalm(server, Abuse::kProvokedResets);
}

TEST(Http2Abuse, AClientThatDoesNotKnowTheLimitYetIsNotBlamedSoon) {
  RawServer server(ServerConfig(), false);
  for (size_t i = 0; i < 200; ++i) ASSERT_TRUE(server.Say(Headers(Odd(i), GetFields()))) << i;
  EXPECT_EQ(server.session.streams(), 100u);
  EXPECT_EQ(server.session.refused_streams(), 100u);
}

TEST(Http2Abuse, ContinuationsEndAtEight) {
  for (const size_t count : {8u, 9u}) {
    for (const size_t piece : {base::kSlabBytes, size_t{1}}) {
      RawServer server;
      const std::string block = Block(GetFields());
      std::string bytes = Frame(kHeaders, kEndStream, 1, block);
      for (size_t i = 1; i <= count; ++i) {
        bytes += Frame(kContinuation, i == count ? kEndHeaders : 0, 1, HpackField("a", "b"));
      }
      EXPECT_EQ(server.Say(bytes, piece), count == 8);
      if (count == 8) {
        EXPECT_EQ(server.stream(1).head.headers.size(), 8u);
      } else {
        ExpectCalm(server, Abuse::kContinuation);
        EXPECT_FALSE(server.has(1) && server.stream(1).head_error().code == base::ErrorCode::kNone &&
                     server.stream(1).got_head);
      }
    }
  }
}

TEST(Http2Abuse, ContinuationsWithoutEndEnd) {
  RawServer server;
  server.Say(Frame(kHeaders, 0, 1, Block(GetFields())));
  EXPECT_EQ(SaysUntilTheEnd(server, 100'000, [](size_t) { return Frame(kContinuation, 0, 1, HpackField("a", "b")); }),
            9u);
  ExpectCalm(server, Abuse::kContinuation);
}

TEST(Http2Abuse, AHeadThatDecodesToTooMuchEnds) {
  // One entry of 4,000 bytes in the table, then one byte for each repetition.
  RawServer server;
  std::string block = Block(GetFields()) + HpackField("x", std::string(4000, 'y'), true);
  for (int i = 0; i < 40; ++i) block += HpackIndex(62);
  EXPECT_FALSE(server.Say(Frame(kHeaders, kEndStream | kEndHeaders, 1, block)));
  ExpectCalm(server, Abuse::kContinuation);
  EXPECT_FALSE(server.stream(1).got_head);
}

TEST(Http2Abuse, FloodsEnd) {
  const struct {
    const char* name;
    Abuse abuse;
    size_t allowed;
    std::string frame;
  } cases[] = {
      {"SETTINGS", Abuse::kSettings, 19, Frame(kSettingsFrame, 0, 0)},
      {"PING", Abuse::kPings, 100, Frame(kPing, 0, 0, "12345678")},
      {"unasked PING acknowledgements", Abuse::kPings, 100, Frame(kPing, kAck, 0, "12345678")},
      {"PRIORITY", Abuse::kPriority, 400, Frame(kPriorityFrame, 0, 1, Big(0, 5))},
      {"PRIORITY_UPDATE", Abuse::kPriority, 400, Frame(kPriorityUpdate, 0, 0, Big(1, 4) + "u=1")},
      {"unknown frames", Abuse::kPriority, 400, Frame(static_cast<FrameType>(0xbb), 0, 0, "x")},
      {"empty DATA", Abuse::kEmptyFrames, 100, Frame(kData, 0, 1)},
      {"empty padded DATA", Abuse::kEmptyFrames, 100, Frame(kData, kPadded, 1, std::string("\x03\0\0\0", 4))},
      {"small WINDOW_UPDATE", Abuse::kSmallWindowUpdates, 200, WindowUpdate(0, 1)},
      {"small WINDOW_UPDATE of a stream", Abuse::kSmallWindowUpdates, 200, WindowUpdate(1, 255)},
      {"small DATA", Abuse::kSmallData, 20'000, Frame(kData, 0, 1, "x")},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.name);
    RawServer server;
    server.Say(Headers(1, PostFields(), false));
    EXPECT_EQ(SaysUntilTheEnd(server, 100'000, [&](size_t) { return test.frame; }), test.allowed + 1);
    ExpectCalm(server, test.abuse);
    // What is rare enough may go on for ever.
    RawServer patient;
    patient.Say(Headers(1, PostFields(), false));
    for (size_t i = 0; i < test.allowed * 2; ++i) {
      ASSERT_TRUE(patient.Say(test.frame)) << i;
      patient.now += seconds(1);
    }
  }
}

TEST(Http2Abuse, FloodsFromAnUpstreamEnd) {
  RawClient settings;
  EXPECT_EQ(SaysUntilTheEnd(settings, 1000, [](size_t) { return Frame(kSettingsFrame, 0, 0); }), 20u);
  ExpectCalm(settings, Abuse::kSettings);
  RawClient pings;
  EXPECT_EQ(SaysUntilTheEnd(pings, 1000, [](size_t) { return Frame(kPing, 0, 0, "12345678"); }), 101u);
  ExpectCalm(pings, Abuse::kPings);
  RawClient empty;
  empty.Say(Headers(1, {{":status", "200"}}, false));
  EXPECT_EQ(SaysUntilTheEnd(empty, 1000, [](size_t) { return Data(1, "", false); }), 101u);
  ExpectCalm(empty, Abuse::kEmptyFrames);
}

TEST(Http2Abuse, APingForEachFrameThatWeSendIsNoFlood) {
  RawServer server;
  server.Say(Headers(1, GetFields()) + WindowUpdate(0, 1 << 30) + WindowUpdate(1, 1 << 30));
  TestStream& stream = server.stream(1);
  ResponseHead response(stream.arena);
  response.status = 200;
  server.session.SubmitResponse(stream, response, {}, base::End::kNo);
  for (int i = 0; i < 1000; ++i) {
    server.SendText(stream, "some message", false);
    server.Drain();
    ASSERT_TRUE(server.Say(Frame(kPing, 0, 0, "12345678") + WindowUpdate(1, 12) + WindowUpdate(0, 12))) << i;
  }
}

// CVE-2019-9511: many bytes asked for, and let through one at a time.
TEST(Http2Abuse, AWindowThatOpensByTheByteIsAFlood) {
  RawServer server;
  ASSERT_TRUE(server.Say(Frame(kSettingsFrame, 0, 0, Big(4, 2) + Big(0, 4)) + Headers(1, GetFields())));
  ResponseHead response(server.stream(1).arena);
  response.status = 200;
  server.session.SubmitResponse(server.stream(1), response, {}, base::End::kNo);
  server.SendText(server.stream(1), std::string(100'000, 'x'), false);
  server.Drain();
  const auto one_byte = [](size_t) { return WindowUpdate(1, 1); };
  EXPECT_LE(SaysUntilTheEnd(server, 10'000, one_byte), 300u);
  ExpectCalm(server, Abuse::kSmallWindowUpdates);
}

TEST(Http2Abuse, CreditForEachSmallMessageIsNoFlood) {
  RawServer server;
  ASSERT_TRUE(server.Say(Headers(1, GetFields())));
  ResponseHead response(server.stream(1).arena);
  response.status = 200;
  server.session.SubmitResponse(server.stream(1), response, {}, base::End::kNo);
  for (size_t i = 0; i < 10'000; ++i) {
    server.SendText(server.stream(1), "message", false);
    server.Drain();
    ASSERT_TRUE(server.Say(WindowUpdate(1, 7) + WindowUpdate(0, 7))) << i;
  }
}

TEST(Http2Abuse, SmallMessagesOfGrpcAndWebSocketAreNoFlood) {
  const Fields grpc = PostFields({{"content-type", "application/grpc"}, {"te", "trailers"}});
  Fields websocket = GetFields({{":protocol", "websocket"}});
  websocket[0].second = "CONNECT";
  std::swap(websocket[3], websocket[4]);  // pseudo fields first
  for (const Fields& fields : {grpc, websocket}) {
    RawServer server;
    ASSERT_TRUE(server.Say(Headers(1, fields, false)));
    ASSERT_FALSE(server.stream(1).malformed());
    for (size_t i = 0; i < 50'000; ++i) ASSERT_TRUE(server.Say(Data(1, "12345678", false))) << i;
  }
  RawServer server;
  ASSERT_TRUE(server.Say(Headers(1, PostFields(), false)));
  const auto small = [](size_t) { return Data(1, "12345678", false); };
  EXPECT_NE(SaysUntilTheEnd(server, 50'000, small), 0u);
  ExpectCalm(server, Abuse::kSmallData);
}

TEST(Http2Abuse, NothingIsTakenInAfterTheEnd) {
  RawServer server;
  SaysUntilTheEnd(server, 1000, [](size_t) { return Frame(kSettingsFrame, 0, 0); });
  const size_t begun = server.requests_begun;
  EXPECT_FALSE(server.Say(Headers(11, GetFields())));
  EXPECT_EQ(server.requests_begun, begun);
  EXPECT_FALSE(server.session.wants_write());
}

TEST(Http2Abuse, WhatAnUnreadPeerIsOwedStopsTheReading) {
  RawServer server;
  EXPECT_FALSE(server.session.congested());
  // No Produce in between: the answers pile up.
  for (int i = 0; i < 10'000 && !server.session.congested(); ++i) {
    std::string pings;
    for (int k = 0; k < 50; ++k) pings += Frame(kPing, 0, 0, "12345678");
    ASSERT_TRUE(server.Feed(pings));
    server.now += seconds(10);
  }
  EXPECT_TRUE(server.session.congested());
  server.Drain();
  EXPECT_FALSE(server.session.congested());
}

}  // namespace
}  // namespace headgate::http::h2
