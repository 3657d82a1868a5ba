#include <gtest/gtest.h>

#include "tests/http/h2/raw_peer.h"

namespace headgate::http::h2 {
namespace {

TEST(Http2Session, CarriesARequestAndItsResponse) {
  Peers peers;
  auto head = peers.Get("/assets/app.js");
  head->has_query = true;
  head->query = "v=3";
  head->headers.Add(HeaderId::kUserAgent, "test");
  head->headers.Add(HeaderId::kOther, "x-custom", "one");
  const int32_t id = peers.client.Request(*head);
  ASSERT_EQ(id, 1);
  peers.Exchange();

  TestStream& request = peers.server.stream(id);
  EXPECT_TRUE(request.got_head);
  EXPECT_EQ(request.head_error().code, base::ErrorCode::kNone) << request.head_error().detail;
  EXPECT_EQ(request.head.method, Method::kGet);
  EXPECT_EQ(request.head.version, Version::kHttp2);
  EXPECT_EQ(request.head.path, "/assets/app.js");
  EXPECT_EQ(request.head.query, "v=3");
  EXPECT_EQ(request.head.host, "example.com");
  EXPECT_EQ(request.head.body.kind, BodyKind::kNone);
  EXPECT_EQ(request.head.headers.Get(HeaderId::kUserAgent), "test");
  EXPECT_EQ(request.head.headers.Find(HeaderId::kOther, "x-custom")->value, "one");
  EXPECT_TRUE(request.remote_ended());

  auto response = peers.Ok();
  response->headers.Add(HeaderId::kContentType, "text/plain");
  response->body = {BodyKind::kLength, 5};
  peers.server.session.SubmitResponse(request, *response, "Sun, 06 Nov 1994 08:49:37 GMT", base::End::kNo);
  peers.server.SendText(request, "hello", true);
  peers.Exchange();

  TestStream& answer = peers.client.stream(id);
  ASSERT_EQ(answer.responses.size(), 1u) << answer.head_error().detail;
  EXPECT_EQ(answer.responses[0]->status, 200);
  EXPECT_EQ(answer.responses[0]->body.length, 5u);
  EXPECT_EQ(answer.responses[0]->headers.Get(HeaderId::kContentType), "text/plain");
  EXPECT_EQ(answer.responses[0]->headers.Get(HeaderId::kDate), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(answer.received_text(), "hello");
  EXPECT_TRUE(answer.remote_ended());
  EXPECT_TRUE(answer.got_closed);
  EXPECT_EQ(answer.reset_code(), H2Error::kNoError);
  EXPECT_FALSE(answer.reset_by_peer());
  EXPECT_TRUE(request.got_closed);
  EXPECT_EQ(peers.server.session.streams(), 0u);
  EXPECT_EQ(peers.client.session.streams(), 0u);
}

TEST(Http2Session, CarriesInterimResponsesAndTrailers) {
  Peers peers;
  auto head = peers.Post();
  head->te_trailers = true;
  const int32_t id = peers.client.Request(*head, false);
  HeaderMap request_trailers(peers.arena);
  request_trailers.Add(HeaderId::kOther, "x-checksum", "1");
  peers.client.SendText(peers.client.stream(id), "question", false);
  peers.client.session.SendTrailers(peers.client.stream(id), request_trailers);
  peers.Exchange();
  TestStream& request = peers.server.stream(id);
  EXPECT_TRUE(request.head.te_trailers);
  EXPECT_EQ(request.head.body.kind, BodyKind::kChunked);
  EXPECT_EQ(request.received_text(), "question");
  ASSERT_NE(request.trailers(), nullptr);
  EXPECT_EQ(request.trailers()->Find(HeaderId::kOther, "x-checksum")->value, "1");

  auto hints = peers.Ok();
  hints->status = 103;
  peers.server.session.SubmitInterim(request, *hints);
  peers.server.session.SubmitResponse(request, *peers.Ok(), {}, base::End::kNo);
  peers.server.SendText(request, "answer", false);
  HeaderMap trailers(peers.arena);
  trailers.Add(HeaderId::kGrpcStatus, "0");
  peers.server.session.SendTrailers(request, trailers);
  peers.Exchange();
  TestStream& answer = peers.client.stream(id);
  ASSERT_EQ(answer.responses.size(), 2u) << answer.head_error().detail;
  EXPECT_EQ(answer.responses[0]->status, 103);
  EXPECT_EQ(answer.responses[1]->status, 200);
  EXPECT_EQ(answer.received_text(), "answer");
  ASSERT_NE(answer.trailers(), nullptr);
  EXPECT_EQ(answer.trailers()->Get(HeaderId::kGrpcStatus), "0");
  EXPECT_TRUE(answer.got_closed && request.got_closed);
  EXPECT_TRUE(request.local_ended());
}

TEST(Http2Session, TrailersWithoutABodyNeedNoEmptyData) {
  Peers peers;
  const int32_t id = peers.client.Request(*peers.Get());
  peers.Exchange();
  TestStream& request = peers.server.stream(id);
  HeaderMap trailers(peers.arena);
  trailers.Add(HeaderId::kGrpcStatus, "12");
  peers.server.session.SubmitResponse(request, *peers.Ok(), {}, base::End::kNo);
  peers.server.session.SendTrailers(request, trailers);
  const std::vector<ParsedFrame> frames = ParseFrames(peers.server.Produce());
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(frames[0].type, kHeaders);
  EXPECT_EQ(frames[1].type, kHeaders);
  EXPECT_EQ(frames[1].flags & kEndStream, kEndStream);
}

TEST(Http2Session, CarriesBodiesOfAnySizeBothWaysInAnyPieces) {
  for (const size_t piece : {base::kSlabBytes, size_t{1}, size_t{7}, size_t{1000}}) {
    SCOPED_TRACE(piece);
    const size_t size = piece < 1000 ? 100'000 : 3'000'000;
    std::string text(size, 'x');
    for (size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + i % 23);
    Peers peers;
    const int32_t id = peers.client.Request(*peers.Post(), false);
    peers.client.SendText(peers.client.stream(id), text, true);
    peers.Exchange(piece);
    TestStream& request = peers.server.stream(id);
    EXPECT_TRUE(request.received_text() == text);
    EXPECT_TRUE(request.remote_ended());
    EXPECT_EQ(request.body_bytes(), size);
    peers.server.session.SubmitResponse(request, *peers.Ok(), {}, base::End::kNo);
    peers.server.SendText(request, text, true);
    peers.Exchange(piece);
    EXPECT_TRUE(peers.client.stream(id).received_text() == text);
    EXPECT_TRUE(peers.client.stream(id).got_closed);
    EXPECT_EQ(peers.server.session.held_bytes() + peers.client.session.held_bytes(), 0u);
  }
}

TEST(Http2Session, ManyRequestsRunSideBySide) {
  Peers peers;
  std::vector<int32_t> ids;
  for (int i = 0; i < 100; ++i) ids.push_back(peers.client.Request(*peers.Get()));
  peers.Exchange();
  EXPECT_EQ(peers.server.session.streams(), 100u);
  for (size_t i = ids.size(); i-- > 0;) {
    TestStream& request = peers.server.stream(ids[i]);
    peers.server.session.SubmitResponse(request, *peers.Ok(), {}, base::End::kNo);
    peers.server.SendText(request, std::to_string(i), true);
  }
  peers.Exchange();
  for (size_t i = 0; i < ids.size(); ++i) {
    EXPECT_EQ(peers.client.stream(ids[i]).received_text(), std::to_string(i));
  }
  EXPECT_EQ(peers.server.session.streams(), 0u);
}

TEST(Http2Session, SiblingsShareTheConnectionByTurns) {
  Peers peers;
  const int32_t first = peers.client.Request(*peers.Get());
  const int32_t second = peers.client.Request(*peers.Get());
  peers.Exchange();
  for (const int32_t id : {first, second}) {
    peers.server.session.SubmitResponse(peers.server.stream(id), *peers.Ok(), {}, base::End::kNo);
    peers.server.SendText(peers.server.stream(id), std::string(60'000, 'x'), true);
  }
  std::vector<int32_t> order;
  for (const ParsedFrame& frame : ParseFrames(peers.server.Produce())) {
    if (frame.type == kData) order.push_back(frame.id);
  }
  ASSERT_GE(order.size(), 4u);
  EXPECT_NE(order[0], order[1]);
  EXPECT_NE(order[1], order[2]);
}

TEST(Http2Session, ProducesAboutAsMuchAsItIsAskedFor) {
  Peers peers;
  const int32_t id = peers.client.Request(*peers.Get());
  peers.Exchange();
  TestStream& request = peers.server.stream(id);
  peers.server.session.SubmitResponse(request, *peers.Ok(), {}, base::End::kNo);
  peers.server.SendText(request, std::string(60'000, 'x'), true);
  EXPECT_TRUE(peers.server.session.wants_write());
  const size_t produced = peers.server.Produce(20'000).size();
  EXPECT_GE(produced, 20'000u);
  EXPECT_LT(produced, 20'000u + 16'384 + 9);
  EXPECT_GT(request.queued(), 0u);
  EXPECT_TRUE(peers.server.session.wants_write());
}

TEST(Http2Session, CopiesWhatNobodyOwns) {
  Peers peers;
  const int32_t id = peers.client.Request(*peers.Get());
  peers.Exchange();
  TestStream& request = peers.server.stream(id);
  peers.server.session.SubmitResponse(request, *peers.Ok(), {}, base::End::kNo);
  std::string text = "gone soon";
  base::Chain body;
  body.Append(base::Slice::Unowned(text));
  peers.server.session.SendBody(request, body, base::End::kYes);
  base::Chain out;
  peers.server.session.Produce(out, 1 << 20);
  text.assign(text.size(), '!');
  std::string bytes;
  for (size_t i = 0; i < out.slices(); ++i) bytes += out[i].view();
  EXPECT_NE(bytes.find("gone soon"), std::string::npos);
}

TEST(Http2Session, HoldsTheEndUntilTheRequestMayBeLetGo) {
  for (const bool with_body : {false, true}) {
    Peers peers;
    const int32_t id = peers.client.Request(*peers.Post(), false);
    peers.Exchange();
    TestStream& request = peers.server.stream(id);
    peers.server.session.HoldEnd(request);
    peers.server.session.SubmitResponse(request, *peers.Ok(), {}, base::EndIf(!with_body));
    if (with_body) peers.server.SendText(request, "no", true);
    peers.Exchange();
    EXPECT_FALSE(request.local_ended());
    EXPECT_EQ(peers.client.stream(id).received_text(), with_body ? "no" : "");
    EXPECT_FALSE(peers.client.stream(id).remote_ended());
    peers.server.session.ReleaseEnd(request, true);
    const std::vector<ParsedFrame> frames = ParseFrames(peers.server.Produce());
    ASSERT_EQ(frames.size(), 2u);
    EXPECT_EQ(frames[0].type, kData);
    EXPECT_EQ(frames[0].flags & kEndStream, kEndStream);
    EXPECT_EQ(frames[1].type, kRstStream);
    EXPECT_EQ(frames[1].number(0), 0u);
    EXPECT_TRUE(request.local_ended());
    EXPECT_TRUE(request.got_closed);
    EXPECT_GE(request.sent_news, 1u);
  }
}

TEST(Http2Session, AnEndWithoutBodyIsNews) {
  Peers peers;
  const int32_t id = peers.client.Request(*peers.Get());
  peers.Exchange();
  TestStream& request = peers.server.stream(id);
  peers.server.session.SubmitResponse(request, *peers.Ok(), {}, base::End::kYes);
  peers.server.Produce();
  EXPECT_TRUE(request.local_ended());
  EXPECT_EQ(request.sent_news, 1u);
  EXPECT_TRUE(request.got_closed);
}

TEST(Http2Session, TunnelsWebSocket) {
  Peers peers;
  EXPECT_TRUE(peers.client.session.settings_received());
  EXPECT_TRUE(peers.client.session.peer_connect_protocol());
  EXPECT_EQ(peers.client.session.peer_streams_max(), 100u);
  auto head = peers.Get("/chat");
  head->wants_websocket = true;
  head->headers.Add(HeaderId::kSecWebSocketVersion, "13");
  head->headers.Add(HeaderId::kSecWebSocketKey, "dGhlIHNhbXBsZSBub25jZQ==");
  const int32_t id = peers.client.Request(*head, false, true);
  peers.Exchange();
  TestStream& request = peers.server.stream(id);
  EXPECT_EQ(request.head_error().code, base::ErrorCode::kNone) << request.head_error().detail;
  EXPECT_TRUE(request.head.wants_websocket);
  EXPECT_EQ(request.head.method, Method::kGet);
  EXPECT_EQ(request.head.body.kind, BodyKind::kNone);
  EXPECT_EQ(request.head.headers.Get(HeaderId::kSecWebSocketVersion), "13");
  EXPECT_FALSE(request.head.headers.Has(HeaderId::kSecWebSocketKey));
  EXPECT_FALSE(request.remote_ended());

  auto accept = peers.Ok();
  accept->status = 101;
  accept->headers.Add(HeaderId::kSecWebSocketAccept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  peers.server.session.SubmitResponse(request, *accept, {}, base::End::kNo);
  peers.server.SendText(request, "from server", false);
  peers.client.SendText(peers.client.stream(id), "from client", false);
  peers.Exchange();
  const TestStream& answer = peers.client.stream(id);
  ASSERT_EQ(answer.responses.size(), 1u);
  EXPECT_EQ(answer.responses[0]->status, 200);
  EXPECT_FALSE(answer.responses[0]->headers.Has(HeaderId::kSecWebSocketAccept));
  EXPECT_EQ(answer.received_text(), "from server");
  EXPECT_EQ(request.received_text(), "from client");
}

TEST(Http2Session, JoinsTheCookiesPieces) {
  for (const size_t size : {size_t{1}, size_t{100}}) {  // copied, or shared with HPACK's table
    RawServer server;
    const std::string a = "a=" + std::string(size, '1');
    const std::string b = "b=" + std::string(size, '2');
    server.Say(Headers(1, GetFields({{"cookie", a}, {"accept", "x"}, {"cookie", b}, {"cookie", "c=3"}})));
    const RequestHead& head = server.stream(1).head;
    EXPECT_EQ(head.headers.Get(HeaderId::kCookie), a + "; " + b + "; c=3");
    EXPECT_EQ(head.headers.Count(HeaderId::kCookie), 1u);
    EXPECT_EQ(head.headers.size(), 2u);
  }
}

TEST(Http2Session, LeavesOutEmptyPiecesOfACookie) {
  RawServer server;
  server.Say(Headers(1, GetFields({{"cookie", ""}, {"cookie", ""}, {"cookie", "a=1"}})));
  EXPECT_EQ(server.stream(1).head.headers.Get(HeaderId::kCookie), "a=1");
  server.Say(Headers(3, GetFields({{"cookie", "a=1"}, {"cookie", ""}, {"cookie", "b=2"}, {"cookie", ""}})));
  EXPECT_EQ(server.stream(3).head.headers.Get(HeaderId::kCookie), "a=1; b=2");
}

TEST(Http2Session, ResetsWhatItsOwnerDoesNotWant) {
  Peers peers;
  const int32_t id = peers.client.Request(*peers.Post(), false);
  peers.Exchange();
  TestStream& request = peers.server.stream(id);
  peers.server.session.SubmitResponse(request, *peers.Ok(), {}, base::End::kNo);
  peers.server.session.Reset(request, H2Error::kInternalError);
  peers.server.session.Reset(request, H2Error::kCancel);
  EXPECT_FALSE(request.closed());
  peers.Exchange();
  EXPECT_TRUE(request.got_closed);
  EXPECT_FALSE(request.reset_by_peer());
  const TestStream& answer = peers.client.stream(id);
  EXPECT_TRUE(answer.got_closed);
  EXPECT_TRUE(answer.reset_by_peer());
  EXPECT_EQ(answer.reset_code(), H2Error::kInternalError);
  // Nothing happens to a stream that is closed.
  base::Chain data;
  data.Append(base::Slice::Unowned("late"));
  peers.server.session.SendBody(request, data, base::End::kYes);
  EXPECT_TRUE(data.empty());
  peers.server.session.Reset(request, H2Error::kCancel);
  peers.server.session.SubmitResponse(request, *peers.Ok(), {}, base::End::kYes);
  EXPECT_EQ(peers.server.Produce(), "");
}

TEST(Http2Session, ForgetsAStreamThatItsOwnerDestroys) {
  Peers peers;
  const int32_t id = peers.client.Request(*peers.Post(), false);
  peers.client.SendText(peers.client.stream(id), "hello", false);
  peers.server.take_bodies = false;
  peers.Exchange();
  EXPECT_EQ(peers.server.session.held_bytes(), 5u);
  peers.server.streams.clear();
  EXPECT_EQ(peers.server.session.held_bytes(), 0u);
  EXPECT_EQ(peers.server.session.streams(), 0u);
  peers.Exchange();
  EXPECT_TRUE(peers.client.stream(id).reset_by_peer());
  EXPECT_EQ(peers.client.stream(id).reset_code(), H2Error::kCancel);
}

TEST(Http2Session, ForgetsAStreamWhoseHeadIsHalfRead) {
  RawServer server;
  const std::string block = Block(GetFields());
  server.Say(Frame(kHeaders, kEndStream, 1, std::string_view(block).substr(0, 10)));
  EXPECT_TRUE(server.session.in_head());
  server.streams.clear();
  EXPECT_TRUE(server.Say(Frame(kContinuation, kEndHeaders, 1, std::string_view(block).substr(10))));
  EXPECT_FALSE(server.session.in_head());
  EXPECT_EQ(server.ResetOf(1), H2Error::kCancel);
}

TEST(Http2Session, MayGoBeforeItsStreams) {
  base::SlabPool pool;
  base::BlockPool blocks{0};
  const base::Instant now{};
  TestStream stream(pool);
  {
    Session session(ClientConfig(), nullptr, pool, blocks, now);
    RequestHead head(stream.arena);
    head.authority = "a";
    head.path = "/";
    ASSERT_TRUE(session.SubmitRequest(stream, head, Scheme::kHttp, base::End::kNo, false));
    EXPECT_FALSE(stream.closed());
  }
  EXPECT_TRUE(stream.closed());
  base::Arena arena(pool);
  stream.ResetStream(arena, Method::kGet);
}

TEST(Http2Session, AnswersPings) {
  Peers peers;
  peers.client.session.SubmitPing();
  EXPECT_FALSE(peers.client.session.ping_acknowledged());
  peers.Exchange();
  EXPECT_TRUE(peers.client.session.ping_acknowledged());
}

TEST(Http2Session, GoesAwayInTwoSteps) {
  Peers peers;
  const int32_t id = peers.client.Request(*peers.Get());
  peers.Exchange();
  peers.server.session.SubmitShutdownNotice();
  const std::vector<ParsedFrame> notice = ParseFrames(peers.server.Produce());
  ASSERT_EQ(notice.size(), 1u);
  EXPECT_EQ(notice[0].type, kGoaway);
  EXPECT_EQ(notice[0].number(0), 0x7fffffffu);
  peers.server.session.SubmitFinalGoaway(H2Error::kNoError);
  peers.Exchange();
  EXPECT_TRUE(peers.client.session.goaway_received());
  EXPECT_EQ(peers.client.Request(*peers.Get()), 0);
  EXPECT_FALSE(peers.server.session.ended());
  // What was taken is answered.
  peers.server.session.SubmitResponse(peers.server.stream(id), *peers.Ok(), {}, base::End::kYes);
  peers.Exchange();
  EXPECT_EQ(peers.client.stream(id).responses.size(), 1u);
  EXPECT_TRUE(peers.client.stream(id).remote_ended());
}

TEST(Http2Session, GoawayRefusesTheStreamsAboveItsLast) {
  RawClient client;
  EXPECT_EQ(client.Request(client.head), 3);
  client.Drain();
  EXPECT_EQ(client.Request(client.head), 5);  // in no frame yet
  ASSERT_TRUE(client.Say(Frame(kGoaway, 0, 0, Big(1, 4) + Big(0, 4))));
  EXPECT_FALSE(client.stream(1).got_closed);
  for (const int32_t id : {3, 5}) {
    EXPECT_TRUE(client.stream(id).got_closed) << id;
    EXPECT_TRUE(client.stream(id).reset_by_peer()) << id;
    EXPECT_EQ(client.stream(id).reset_code(), H2Error::kRefusedStream) << id;
  }
  ASSERT_TRUE(client.Say(Headers(1, {{":status", "200"}})));
  EXPECT_EQ(client.stream(1).responses.size(), 1u);
}

// Whatever of ours leaves while they are on their way.
TEST(Http2Session, SettingsMayComeInTwoReads) {
  constexpr size_t kFrameHeaderBytes = 9;
  const std::string settings = Frame(kSettingsFrame, 0, 0, Big(4, 2) + Big(70'000, 4));
  for (const bool busy : {false, true}) {
    RawClient client;
    ASSERT_TRUE(client.Say((busy ? Frame(kPing, 0, 0, Big(1, 8)) : "") + settings.substr(0, kFrameHeaderBytes)));
    client.Request(client.head);
    EXPECT_TRUE(client.Say(settings.substr(kFrameHeaderBytes))) << busy;
    client.Drain();
    const std::string overflow = Frame(kSettingsFrame, 0, 0, Big(4, 2) + Big(0x7fffffff, 4));
    ASSERT_TRUE(client.Say(WindowUpdate(1, 1'000'000)));
    ASSERT_TRUE(client.Say(Frame(kPing, 0, 0, Big(2, 8)) + overflow.substr(0, kFrameHeaderBytes)));
    EXPECT_FALSE(client.Say(overflow.substr(kFrameHeaderBytes))) << busy;
  }
}

TEST(Http2Session, RequestsWaitForThePeersLimit) {
  RawClient client;
  client.Say(Frame(kSettingsFrame, 0, 0, Big(3, 2) + Big(1, 4)));
  EXPECT_EQ(client.session.peer_streams_max(), 1u);
  EXPECT_EQ(client.Request(client.head), 3);
  client.Drain();
  EXPECT_EQ(client.Count(kHeaders), 1u);
  EXPECT_EQ(client.Request(client.head), 5);
  client.session.Reset(client.stream(3), H2Error::kCancel);
  client.Look();
  EXPECT_TRUE(client.stream(3).got_closed);
  EXPECT_EQ(client.stream(3).reset_code(), H2Error::kCancel);
  client.Say(Headers(1, {{":status", "200"}}));
  ASSERT_EQ(client.Count(kHeaders), 2u);
  EXPECT_EQ(client.frames.back().id, 5);
  // A wait that a GOAWAY ends.
  EXPECT_EQ(client.Request(client.head), 7);
  client.Say(Frame(kGoaway, 0, 0, Big(5, 4) + Big(0, 4)));
  EXPECT_TRUE(client.stream(7).got_closed);
  EXPECT_EQ(client.stream(7).reset_code(), H2Error::kRefusedStream);
  EXPECT_TRUE(client.stream(7).reset_by_peer());
}

}  // namespace
}  // namespace headgate::http::h2
