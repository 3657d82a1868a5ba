#include <gtest/gtest.h>

#include "tests/http/h2/peers.h"

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
  peers.server.session.SubmitResponse(request, *response, "Sun, 06 Nov 1994 08:49:37 GMT", false);
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

}  // namespace
}  // namespace headgate::http::h2
