// The wall for a codec that is not HTTP/1: HTTP/2 hands over fields and pseudo header fields.
#include "http/framing.h"

#include <gtest/gtest.h>

#include "base/slab.h"

namespace headgate::http {
namespace {

using base::ErrorCode;

class Http2Wall : public testing::Test {
 protected:
  base::Result<void> Judge(std::string_view authority, std::initializer_list<HeaderField> fields) {
    head_.version = Version::kHttp2;
    head_.authority = authority;
    for (const HeaderField& field : fields) head_.headers.Add(InternHeader(field.name), field.name, field.value);
    return JudgeRequest(head_);
  }
  static HeaderField Field(std::string_view name, std::string_view value) { return {HeaderId::kOther, name, value}; }

  base::SlabPool pool_;
  base::Arena arena_{pool_};
  RequestHead head_{arena_};
};

TEST_F(Http2Wall, TakesAnAuthorityWithoutHost) {
  ASSERT_TRUE(Judge("A.example:8443", {Field("te", "trailers"), Field("content-length", "3")}).ok());
  EXPECT_EQ(head_.host, "a.example");
  EXPECT_EQ(head_.port, 8443);
  EXPECT_TRUE(head_.te_trailers);
  EXPECT_EQ(head_.body.length, 3u);
  EXPECT_EQ(head_.headers.size(), 0u);
}

TEST_F(Http2Wall, TakesHostWhenItEqualsTheAuthority) { EXPECT_TRUE(Judge("a:80", {Field("host", "A")}).ok()); }

TEST_F(Http2Wall, RefusesHostWhenItDiffers) {
  EXPECT_EQ(Judge("a", {Field("host", "b")}).error().code, ErrorCode::kBadRequest);
}

TEST(Http2WallFields, AreRefusedWhenTheyBelongToAConnection) {
  for (const auto& [name, value] :
       std::vector<std::pair<std::string_view, std::string_view>>{{"connection", "close"},
                                                                  {"keep-alive", "1"},
                                                                  {"proxy-connection", "x"},
                                                                  {"transfer-encoding", "chunked"},
                                                                  {"upgrade", "websocket"},
                                                                  {"te", "gzip"},
                                                                  {"te", "trailers, deflate"}}) {
    base::SlabPool pool;
    base::Arena arena(pool);
    RequestHead head(arena);
    head.version = Version::kHttp2;
    head.authority = "a";
    head.headers.Add(InternHeader(name), name, value);
    EXPECT_EQ(JudgeRequest(head).error().code, ErrorCode::kBadRequest) << name;
    ResponseHead response(arena);
    response.status = 200;
    response.version = Version::kHttp2;
    response.headers.Add(InternHeader(name), name, value);
    if (name == "te") continue;
    EXPECT_EQ(JudgeResponse(response, Method::kGet).error().code, ErrorCode::kUpstreamProtocol) << name;
  }
}

TEST(FieldSyntax, IsThatOfTheStandard) {
  EXPECT_TRUE(IsFieldName("x-a.b_c~"));
  for (const char* name : {"", "a b", "a:", "\xe4", "a\t"}) EXPECT_FALSE(IsFieldName(name)) << name;
  EXPECT_TRUE(IsFieldValue(""));
  EXPECT_TRUE(IsFieldValue("a\tb \xe4"));
  for (const char* value : {" a", "a ", "\ta", "a\r", "a\n", "\x01", "a\x7f"}) EXPECT_FALSE(IsFieldValue(value));
  EXPECT_FALSE(IsFieldValue(std::string_view("a\0b", 3)));
}

TEST(Trailers, MayNotFrameAuthenticateOrForward) {
  base::SlabPool pool;
  base::Arena arena(pool);
  HeaderMap trailers(arena);
  trailers.Add(HeaderId::kGrpcStatus, "0");
  trailers.Add(HeaderId::kOther, "x-checksum", "1");
  EXPECT_TRUE(JudgeTrailers(trailers, base::Side::kClient).ok());
  trailers.Add(HeaderId::kOther, "x-forwarded-ssl", "on");
  EXPECT_EQ(JudgeTrailers(trailers, base::Side::kClient).error().code, ErrorCode::kBadRequest);
  EXPECT_EQ(JudgeTrailers(trailers, base::Side::kUpstream).error().code, ErrorCode::kUpstreamProtocol);
}

}  // namespace
}  // namespace headgate::http
