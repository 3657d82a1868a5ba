#include "config/match_keys.h"

#include <gtest/gtest.h>

#include <string>

#include "config/units.h"

namespace headgate::config {
namespace {

// A route of one hostname and one match, which `text` says.
MatchKey KeyOf(const std::string& text) {
  const LoadedFile loaded = LoadFile("f.yaml", "routes: [{name: r, respond: {status: 200}, " + text + "}]\n");
  EXPECT_NE(loaded.model, nullptr) << RenderText(loaded.diagnostics, loaded.sources);
  return loaded.model == nullptr ? MatchKey{} : MatchClaims(*loaded.model).at(0).key;
}

MatchKey KeyOfPath(const std::string& kind, const std::string& path) {
  return KeyOf("matches: [{path: {" + kind + ": '" + path + "'}}]");
}

MatchKey KeyOfHost(const std::string& host) { return KeyOf("hostnames: ['" + host + "']"); }

TEST(MatchKeys, PathsThatAreNormalisedToTheSameAreTheSame) {
  for (const char* kind : {"exact", "prefix"}) {
    EXPECT_EQ(KeyOfPath(kind, "/a"), KeyOfPath(kind, "/%61"));
    EXPECT_EQ(KeyOfPath(kind, "/a~"), KeyOfPath(kind, "/a%7E"));
    EXPECT_EQ(KeyOfPath(kind, "/a%2Fb"), KeyOfPath(kind, "/a%2fb"));
    EXPECT_EQ(KeyOfPath(kind, "/caf\xC3\xA9"), KeyOfPath(kind, "/caf%c3%A9"));
    EXPECT_NE(KeyOfPath(kind, "/a%2Fb"), KeyOfPath(kind, "/a/b"));
    EXPECT_NE(KeyOfPath(kind, "/a"), KeyOfPath(kind, "/A"));
  }
  EXPECT_EQ(KeyOfPath("prefix", "/a"), KeyOfPath("prefix", "/%61/"));
  EXPECT_NE(KeyOfPath("exact", "/a"), KeyOfPath("exact", "/a/"));
  EXPECT_NE(KeyOfPath("regex", "/a"), KeyOfPath("regex", "/%61")) << "a pattern is not a path";
}

TEST(MatchKeys, HostsThatAreNormalisedToTheSameAreTheSame) {
  EXPECT_EQ(KeyOfHost("a.example"), KeyOfHost("A.example."));
  EXPECT_EQ(KeyOfHost("::1"), KeyOfHost("[::1]"));
  EXPECT_EQ(KeyOfHost("2001:DB8::1"), KeyOfHost("[2001:db8:0::1]"));
  EXPECT_EQ(KeyOfHost("10.0.0.1"), KeyOfHost("[::ffff:10.0.0.1]"));
  EXPECT_NE(KeyOfHost("a.example"), KeyOfHost("*.a.example"));
}

}  // namespace
}  // namespace headgate::config
