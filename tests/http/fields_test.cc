// Small readers of single fields: cookies, Accept, dates, reasons.
#include <gtest/gtest.h>

#include <array>

#include "base/slab.h"
#include "http/accept.h"
#include "http/cookie.h"
#include "http/date.h"
#include "http/reason.h"

namespace headgate::http {
namespace {

class FieldReaders : public testing::Test {
 protected:
  base::SlabPool pool_;
  base::Arena arena_{pool_};
  HeaderMap headers_{arena_};
};

TEST_F(FieldReaders, FindACookieInAnyField) {
  headers_.Add(HeaderId::kCookie, "ab=1; a=2;b=\"3\"");
  headers_.Add(HeaderId::kCookie, "c=; d=x=y");
  EXPECT_EQ(FindCookie(headers_, "a"), "2");
  EXPECT_EQ(FindCookie(headers_, "b"), "\"3\"");
  EXPECT_EQ(FindCookie(headers_, "c"), "");
  EXPECT_EQ(FindCookie(headers_, "d"), "x=y");
  EXPECT_EQ(FindCookie(headers_, "e"), std::nullopt);
  EXPECT_EQ(FindCookie(headers_, "A"), std::nullopt);
}

TEST_F(FieldReaders, PreferJsonWhereItIsWantedMore) {
  struct Case {
    const char* accept;
    bool json;
  };
  for (const Case& c : {Case{"*/*", false}, Case{"application/json", true}, Case{"text/plain", false},
                        Case{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", false},
                        Case{"application/json, text/plain, */*", true}, Case{"text/plain, application/json", false},
                        Case{"text/plain;q=0.5, application/json", true}, Case{"Application/*", true},
                        Case{"application/json;q=0", false}, Case{"application/json;q=0.4, */*;q=0.5", false},
                        Case{"application/json;q=bad", false}, Case{"", false}}) {
    headers_.Clear();
    headers_.Add(HeaderId::kAccept, c.accept);
    EXPECT_EQ(PrefersJson(headers_), c.json) << c.accept;
  }
}

TEST(HttpDate, IsAnImfFixdate) {
  std::array<char, kDateBytes> text;
  FormatDate(base::WallTime(std::chrono::seconds(784111777)), text);
  EXPECT_EQ(std::string_view(text.data(), text.size()), "Sun, 06 Nov 1994 08:49:37 GMT");
  FormatDate(base::WallTime(std::chrono::seconds(1709251199)), text);
  EXPECT_EQ(std::string_view(text.data(), text.size()), "Thu, 29 Feb 2024 23:59:59 GMT");
}

TEST(Reason, IsThatOfTheRegistry) {
  EXPECT_EQ(ReasonPhrase(200), "OK");
  EXPECT_EQ(ReasonPhrase(503), "Service Unavailable");
  EXPECT_EQ(ReasonPhrase(599), "");
  EXPECT_EQ(ReasonPhrase(0), "");
}

}  // namespace
}  // namespace headgate::http
