#include "config/fields/foreign_words.h"

#include <gtest/gtest.h>

#include "config/units.h"

namespace headgate::config {
namespace {

TEST(ForeignWords, AreFoundWhateverTheirCaseAndMarks) {
  for (const char* word : {"entryPoints", "entry_points", "entrypoints", "ENTRY-POINTS"}) {
    EXPECT_NE(ForeignWord("the main file", word), "") << word;
  }
  EXPECT_EQ(ForeignWord("a route", "proxy_pass"), ForeignWord("defaults", "proxy_pass"));
  EXPECT_EQ(ForeignWord("a route", "no such word"), "");
  EXPECT_EQ(ForeignWord("a route", ""), "");
}

// A place that is misspelt in the table would never be asked for.
TEST(ForeignWords, EveryPlaceAnswersThroughAFile) {
  for (const char* text : {"server: 1",
                           "listeners: [{listen: 1}]",
                           "routes: [{host: a}]",
                           "routes: [{matches: [{prefix: /}]}]",
                           "routes: [{matches: [{path: {type: a}}]}]",
                           "routes: [{matches: [{headers: [{value: a}]}]}]",
                           "routes: [{matches: [{queryParams: [{value: a}]}]}]",
                           "routes: [{backends: [{service: a}]}]",
                           "routes: [{backends: [{force: [{cookie: {value: a}}]}]}]",
                           "upstreams: {a: {servers: []}}",
                           "listeners: [{tls: {cert: a}}]",
                           "listeners: [{tls: {certificates: [{cert: a}]}}]",
                           "upstreams: {a: {tls: {ca: a}}}",
                           "upstreams: {a: {connections: {maxConn: 1}}}",
                           "upstreams: {a: {loadBalancing: {type: a}}}",
                           "defaults: {timeouts: {connect: 1s}}",
                           "defaults: {retry: {tries: 1}}",
                           "defaults: {sticky: {cookie: a}}",
                           "routes: [{redirect: {url: a}}]",
                           "routes: [{respond: {text: a}}]",
                           "defaults: {requestHeaders: {append: {}}}",
                           "defaults: {rewrite: {strip: /}}",
                           "defaults: {access: {whitelist: []}}",
                           "limits: {maxconn: 1}",
                           "accessLog: {path: a}",
                           "admin: {port: 1}",
                           "metrics: {path: /}",
                           "drain: {grace: 1s}"}) {
    bool hinted = false;
    const LoadedFile loaded = LoadFile("f.yaml", text);
    for (const Diagnostic& problem : loaded.diagnostics.items()) {
      if (problem.code != Code::kUnknownKey) continue;
      hinted =
          !problem.hint.empty() && !problem.hint.starts_with("the keys here") && !problem.hint.starts_with("did you");
    }
    EXPECT_TRUE(hinted) << text;
  }
}

}  // namespace
}  // namespace headgate::config
