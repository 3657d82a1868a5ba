#include "config/validate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "config/units.h"

namespace headgate::config {
namespace {

// "HG002 message; hint" a line.
std::string Problems(const std::string& text) {
  const LoadedFile loaded = LoadFile("f.yaml", text);
  std::string problems;
  for (const Diagnostic& problem : loaded.diagnostics.items()) {
    problems +=
        CodeName(problem.code) + " " + problem.message + (problem.hint.empty() ? "" : "; " + problem.hint) + "\n";
  }
  return problems;
}

std::string ProblemsOfRoute(const std::string& keys) {
  return Problems("upstreams: {u: {address: shop:80}}\nroutes:\n  - {name: r, " + keys + "}\n");
}

TEST(Validate, AHeaderGivenTwiceInTwoCasesIsAnErrorInEitherOrder) {
  for (const char* fields : {"{X-A: one, x-a: two}", "{x-a: one, X-A: two}", "{x-A: one, X-a: two}"}) {
    for (const char* keys :
         {"backends: [{upstream: u}], requestHeaders: {set: ", "backends: [{upstream: u}], requestHeaders: {add: ",
          "backends: [{upstream: u}], responseHeaders: {set: ", "respond: {status: 200, headers: "}) {
      EXPECT_THAT(ProblemsOfRoute(std::string(keys) + fields + "}"),
                  testing::HasSubstr("is given twice: upper and lower case are the same"))
          << keys << fields;
    }
  }
  EXPECT_EQ(ProblemsOfRoute("backends: [{upstream: u}], requestHeaders: {set: {x-a: a, x-b: b}, add: {X-A: c}}"), "");
}

TEST(Validate, AMethodThatMayBeCarriedOutTwiceIsWarnedOf) {
  const auto of = [](const std::string& retry) {
    return ProblemsOfRoute("backends: [{upstream: u}], retry: " + retry);
  };
  for (const char* on : {"reset", "timeout", "503"}) {
    EXPECT_EQ(of(std::string("{on: [connectFailure, ") + on + "], methods: [GET, POST]}"),
              "HG044 one 'POST' of a client may be carried out more than once\n");
  }
  EXPECT_THAT(of("{methods: [PATCH]}"), testing::StartsWith("HG043 'PATCH' in 'methods' has no effect"));
  EXPECT_EQ(of("{on: [reset], methods: [PUT]}"), "");
}

TEST(Validate, ALameDuckThatOutlivesTheDrainIsWarnedOf) {
  EXPECT_THAT(Problems("drain: {lameDuck: 30s}\n"),
              testing::StartsWith("HG043 lameDuck beyond drain's timeout (20s) has no effect"));
  EXPECT_THAT(Problems("drain: {lameDuck: 1500ms, timeout: 1s}\n"), testing::HasSubstr("timeout (1s)"));
  EXPECT_EQ(Problems("drain: {lameDuck: 20s}\n"), "");
  EXPECT_EQ(Problems("drain: {timeout: 1s}\n"), "") << "nobody asked for the lame duck's 5s";
}

// nghttp2's own bounds hold whatever the limits say: 64 KiB a field, 128 KiB a head.
TEST(Validate, LimitsBeyondWhatHttp2TakesAreAWarningWhereAListenerSpeaksIt) {
  const std::string limits = "requestHead: 256KiB, fieldSize: 128KiB";
  const auto process = [&](const std::string& listener) {
    return Problems("limits: {" + limits + "}\nlisteners: [{name: web, address: '0.0.0.0:1', " + listener + "}]\n");
  };
  const std::string tls = "tls: {certificates: [{certFile: a, keyFile: b}]}";
  const std::string both =
      "HG043 requestHead beyond 128KiB has no effect on HTTP/2, which listener 'web' speaks\n"
      "HG043 fieldSize beyond 64KiB has no effect on HTTP/2, which listener 'web' speaks\n";
  EXPECT_EQ(process(tls), both);
  EXPECT_EQ(process("protocols: [h2]"), both);
  EXPECT_EQ(process(tls + ", protocols: [http/1.1]"), "");
  EXPECT_EQ(process("limits: {}"), "");
  EXPECT_EQ(Problems("listeners: [{name: web, address: '0.0.0.0:1', protocols: [h2], limits: {" + limits + "}}]"),
            both);
  EXPECT_EQ(Problems("limits: {requestHead: 128KiB, fieldSize: 64KiB}\n"
                     "listeners: [{name: web, address: '0.0.0.0:1', protocols: [h2]}]"),
            "");
  EXPECT_EQ(Problems("limits: {upstreamHead: 256KiB}\nupstreams: {a: {address: 'a:1', protocol: h2c}}"),
            "HG043 upstreamHead beyond 128KiB has no effect on HTTP/2, which upstream 'a' speaks\n");
  EXPECT_EQ(Problems("limits: {upstreamHead: 256KiB}\nupstreams: {a: {address: 'a:1'}}"), "");
}

}  // namespace
}  // namespace headgate::config
