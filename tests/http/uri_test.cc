#include "http/uri.h"

#include <gtest/gtest.h>

#include "base/arena.h"
#include "base/slab.h"

namespace headgate::http {
namespace {

struct Case {
  std::string_view input;
  std::string_view path;
  std::string_view match_path;
};

class Uri : public testing::Test {
 protected:
  base::SlabPool pool_;
  base::Arena arena_{pool_};
};

TEST_F(Uri, NormalisesPaths) {
  for (const Case& c : {
           Case{"/", "/", "/"},
           Case{"/a/b", "/a/b", "/a/b"},
           Case{"/a/./b", "/a/b", "/a/b"},
           Case{"/a/../b", "/b", "/b"},
           Case{"/a/b/..", "/a/", "/a/"},
           Case{"/a/b/.", "/a/b/", "/a/b/"},
           Case{"/a/..", "/", "/"},
           Case{"/a/b/../../c", "/c", "/c"},
           Case{"/.well-known/x", "/.well-known/x", "/.well-known/x"},
           Case{"/..a/...", "/..a/...", "/..a/..."},
           Case{"/%7Euser/%41", "/~user/A", "/~user/A"},
           Case{"/%2e/a/%2E%2e/b", "/b", "/b"},
           Case{"//a///b//", "//a///b//", "/a/b/"},
           Case{"/a//../b", "/a/b", "/a/b"},
           Case{"/a%2Fb/%2f", "/a%2Fb/%2f", "/a%2Fb/%2F"},
           Case{"/a%20b%3a", "/a%20b%3a", "/a%20b%3A"},
           Case{"/%252e%252e/", "/%252e%252e/", "/%252e%252e/"},
           Case{"/%2Fa..b%2F", "/%2Fa..b%2F", "/%2Fa..b%2F"},
           Case{"/\xc3\xa4", "/%C3%A4", "/%C3%A4"},
           Case{"/a;b=c,d:e@f!$&'()*+", "/a;b=c,d:e@f!$&'()*+", "/a;b=c,d:e@f!$&'()*+"},
           Case{"/{}|^`\"<>[]", "/{}|^`\"<>[]", "/{}|^`\"<>[]"},
       }) {
    auto target = NormalizeTarget(c.input, arena_);
    ASSERT_TRUE(target.ok()) << c.input << ' ' << target.error().detail;
    EXPECT_EQ(target.value().path, c.path) << c.input;
    EXPECT_EQ(target.value().match_path, c.match_path) << c.input;
    EXPECT_FALSE(target.value().has_query);
  }
}

TEST_F(Uri, RefusesPathsThatSomebodyMightReadDifferently) {
  for (const std::string_view input :
       {"",        "a",          "/..",         "/../a",     "/a/../../b", "/%2e%2e",   "/a/%2E%2E/..", "/%5C",
        "/%5c",    "/\\",        "/%00",        "/%",        "/%2",        "/%zz",      "/%2g",         "/%g2",
        "/% 2",    "/#",         "/a b",        "/a\tb",     "/\x7f",      "/a/..%2Fb", "/%2e%2e%2fb",  "/.%2Fb",
        "/a%2F..", "/a%2f.%2fb", "/a%2F%2e%2E", "/%2F../..", "/?a b",      "/?a#b",     "/?\x01"}) {
    EXPECT_FALSE(NormalizeTarget(input, arena_).ok()) << input;
  }
  EXPECT_FALSE(NormalizeTarget(std::string_view("/a\0b", 4), arena_).ok());
}

// Java servers cut parameters off before they look for dot segments.
TEST_F(Uri, RefusesADotSegmentWithAParameter) {
  for (const char* dots : {".", "..", "%2e", "%2E.", ".%2e", "%2e%2e"}) {
    for (const char* mark : {";", "%3b", "%3B", ";x", ";x=..", "%3bx;y", ";;"}) {
      const std::string segment = std::string(dots) + mark;
      for (const std::string& path : {"/" + segment, "/pub/" + segment, "/pub/" + segment + "/admin",
                                      "//" + segment + "//", "/pub%2F" + segment, "/pub%2f" + segment + "%2Fadmin",
                                      "/" + segment + "%2Fa", "/" + segment + "?q", "/a/../b/" + segment + "/.."}) {
        EXPECT_FALSE(NormalizeTarget(path, arena_).ok()) << path;
      }
    }
  }
  for (const char* path :
       {"/...;x", "/;..", "/a..;x", "/;", "/.a;x/", "/a;../b", "/%3B..", "/..a%3bx", "/x?..;", "/x?/..;/"}) {
    EXPECT_TRUE(NormalizeTarget(path, arena_).ok()) << path;
  }
}

TEST_F(Uri, ForwardsAQueryAsItCame) {
  for (const std::string_view query : {"", "a=b", "a=/../%2e%zz\\%00", "a?b?c", "%"}) {
    const std::string text = "/x?" + std::string(query);
    auto target = NormalizeTarget(text, arena_);
    ASSERT_TRUE(target.ok()) << text;
    EXPECT_TRUE(target.value().has_query);
    EXPECT_EQ(target.value().query, query);
  }
  EXPECT_EQ(NormalizeTarget("/?\xc3\xa4=1", arena_).value().query, "%C3%A4=1");
}

TEST_F(Uri, CopiesNothingWhenNothingChanges) {
  const std::string_view input = "/assets/.hidden/app.js?v=%2e";
  auto target = NormalizeTarget(input, arena_);
  ASSERT_TRUE(target.ok());
  EXPECT_EQ(target.value().path.data(), input.data());
  EXPECT_EQ(target.value().match_path.data(), input.data());
}

TEST_F(Uri, BoundsAHost) {
  const std::string label(255, 'a');
  EXPECT_TRUE(ParseAuthority(label, arena_).ok());
  EXPECT_FALSE(ParseAuthority(label + "a", arena_).ok());
  EXPECT_EQ(ParseAuthority("a:65535", arena_).value().port, 65535);
  EXPECT_FALSE(ParseAuthority("a:000080", arena_).ok());
}

TEST_F(Uri, DecodesQueryComponents) {
  EXPECT_EQ(DecodeQueryComponent("a+b%20c%2B%zz%", arena_), "a b c+%zz%");
  EXPECT_EQ(DecodeQueryComponent("plain", arena_), "plain");
  EXPECT_EQ(DecodeQueryComponent("", arena_), "");
}

}  // namespace
}  // namespace headgate::http
