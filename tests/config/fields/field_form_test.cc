#include "config/fields/field_form.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "config/units.h"

namespace headgate::config {
namespace {

// The first problem whose hint says what to write, or empty.
std::string HintOf(const std::string& text) {
  const LoadedFile loaded = LoadFile("f.yaml", text);
  for (const Diagnostic& problem : loaded.diagnostics.items()) {
    if (problem.code == Code::kWrongType) return problem.hint;
  }
  return {};
}

// `text` holds KEY: WRONG; the hint says "write KEY: RIGHT".
struct Short {
  const char* before;
  const char* key;
  const char* wrong;
  const char* after;
};
constexpr Short kShorts[] = {
    {"", "listeners", "web", ""},
    {"", "listeners", "{name: web}", ""},
    {"", "admin", "127.0.0.1:9901", ""},
    {"", "admin", "false", ""},
    {"", "metrics", "off", ""},
    {"", "metrics", "[]", ""},
    {"", "accessLog", "stdout", ""},
    {"", "accessLog", "off", ""},
    {"", "drain", "30s", ""},
    {"", "limits", "100", ""},
    {"", "trustedProxies", "10.0.0.0/8", ""},
    {"", "fileRoots", "/etc/tls", ""},
    {"", "upstreams", "shop.svc:80", ""},
    {"", "upstreams", "[{name: shop}]", ""},
    {"", "defaults", "5s", ""},
    {"", "routes", "{shop: {}}", ""},
    {"listeners: [{name: a, address: '0.0.0.0:1', ", "tls", "true", "}]"},
    {"listeners: [{name: a, address: '0.0.0.0:1', ", "protocols", "h2", "}]"},
    {"listeners: [{name: a, address: '0.0.0.0:1', ", "limits", "5", "}]"},
    {"listeners: [{name: a, address: '0.0.0.0:1', tls: {", "certificates", "a.crt", "}}]"},
    {"listeners: [{name: websecure, address: '0.0.0.0:1', ", "httpsRedirect", "websecure", "}]"},
    {"listeners: [{name: a, address: '0.0.0.0:1', httpsRedirect: {", "except", "/healthz", "}}]"},
    {"listeners: [{name: a, address: '0.0.0.0:1', ", "proxyProtocol", "10.0.0.0/8", "}]"},
    {"listeners: [{name: a, address: '0.0.0.0:1', proxyProtocol: {", "from", "10.0.0.0/8", "}}]"},
    {"upstreams: {a: {", "endpoints", "10.0.0.1:80", "}}"},
    {"upstreams: {a: {address: 'a:1', ", "tls", "true", "}}"},
    {"upstreams: {a: {address: 'a:1', ", "loadBalancing", "leastRequest", "}}"},
    {"upstreams: {a: {address: 'a:1', loadBalancing: {policy: maglev, ", "hashOn", "x-user", "}}}"},
    {"upstreams: {a: {address: 'a:1', ", "connections", "100", "}}"},
    {"routes: [{name: a, respond: {status: 200}, ", "hostnames", "a.example", "}]"},
    {"routes: [{name: a, respond: {status: 200}, ", "listeners", "web", "}]"},
    {"routes: [{name: a, respond: {status: 200}, ", "matches", "/api", "}]"},
    {"routes: [{name: a, respond: {status: 200}, matches: [{", "path", "/api", "}]}]"},
    {"routes: [{name: a, respond: {status: 200}, matches: [{", "headers", "{x-a: b}", "}]}]"},
    {"routes: [{name: a, respond: {status: 200}, matches: [{", "queryParams", "{v: '2'}", "}]}]"},
    {"routes: [{name: a, ", "backends", "shop", "}]"},
    {"routes: [{name: a, ", "backends", "{upstream: shop}", "}]"},
    {"routes: [{name: a, backends: [{upstream: shop, ", "force", "{header: {}}", "}]}]"},
    {"routes: [{name: a, backends: [{upstream: shop, force: [{", "header", "x-canary", "}]}]}]"},
    {"routes: [{name: a, backends: [{upstream: shop, force: [{", "cookie", "canary", "}]}]}]"},
    {"routes: [{name: a, ", "blueGreen", "blue", "}]"},
    {"routes: [{name: a, blueGreen: {active: blue, blue: b, green: g, ", "preview", "x-preview", "}}]"},
    {"routes: [{name: a, ", "redirect", "'https://a.example'", "}]"},
    {"routes: [{name: a, ", "respond", "hello", "}]"},
    {"routes: [{name: a, ", "respond", "404", "}]"},
    {"routes: [{name: a, respond: {status: 200, ", "headers", "[a]", "}}]"},
    {"defaults: {", "sticky", "cookie", "}"},
    {"defaults: {", "sticky", "false", "}"},
    {"defaults: {", "timeouts", "5s", "}"},
    {"defaults: {", "retry", "3", "}"},
    {"defaults: {retry: {", "on", "reset", "}}"},
    {"defaults: {retry: {", "methods", "GET", "}}"},
    {"defaults: {", "requestHeaders", "x", "}"},
    {"defaults: {", "responseHeaders", "[x]", "}"},
    {"defaults: {requestHeaders: {", "set", "[x]", "}}"},
    {"defaults: {requestHeaders: {", "add", "x", "}}"},
    {"defaults: {requestHeaders: {", "remove", "x", "}}"},
    {"defaults: {", "rewrite", "/v1", "}"},
    {"defaults: {", "access", "10.0.0.0/8", "}"},
    {"defaults: {", "rateLimit", "100", "}"},
    {"defaults: {rateLimit: {requests: 1, ", "except", "10.0.0.0/8", "}}"},
    {"defaults: {access: {", "allow", "10.0.0.0/8", "}}"},
    {"defaults: {access: {", "deny", "10.0.0.0/8", "}}"},
};

TEST(FieldForm, EveryShortFormIsAnsweredWithAFormThatIsRead) {
  for (const Short& one : kShorts) {
    const std::string text = std::string(one.before) + one.key + ": " + one.wrong + one.after + "\n";
    SCOPED_TRACE(text);
    const std::string hint = HintOf(text);
    const std::string start = std::string("write ") + one.key + ": ";
    ASSERT_TRUE(hint.starts_with(start)) << hint;
    const std::string mended = std::string(one.before) + hint.substr(6) + one.after + "\n";
    const LoadedFile loaded = LoadFile("f.yaml", mended);
    for (const Diagnostic& problem : loaded.diagnostics.items()) {
      const bool reference = problem.code == Code::kUnknownUpstream || problem.code == Code::kUnknownListener ||
                             problem.code == Code::kBadHttpsRedirect || problem.severity == Severity::kWarning;
      EXPECT_TRUE(reference) << mended << RenderText(problem, loaded.sources);
    }
  }
}

void CollectContainers(const BlockSpec& spec, std::set<std::string>& keys, std::set<const BlockSpec*>& seen) {
  if (!seen.insert(&spec).second) return;
  for (const BlockSpec* part = &spec; part != nullptr; part = part->more) {
    for (const Field& field : part->fields) {
      if (field.later) continue;
      const bool map =
          field.type == FieldType::kBlock || field.type == FieldType::kBlockMap || field.type == FieldType::kHeaderMap;
      if (map || field.list) keys.insert(std::string(field.key));
      EXPECT_TRUE(!map || !field.form.empty()) << field.key << " in " << spec.name;
      if (field.block != nullptr) CollectContainers(field.block(), keys, seen);
    }
  }
}

TEST(FieldForm, TheTableAboveHasEveryListAndMapping) {
  std::set<std::string> keys;
  std::set<const BlockSpec*> seen;
  CollectContainers(RootBlock(), keys, seen);
  for (const Short& one : kShorts) keys.erase(one.key);
  EXPECT_TRUE(keys.empty()) << *keys.begin();
}

TEST(FieldForm, TheValueThatWasWrittenStandsInTheForm) {
  EXPECT_EQ(HintOf("routes: [{name: a, matches: [{path: /shop}], respond: {status: 200}}]"),
            "write path: {prefix: /shop}");
  EXPECT_EQ(HintOf("upstreams: {a: 'b:81'}"), "write {address: \"b:81\"}");
  EXPECT_EQ(HintOf("routes: [{name: a, backends: [front]}]"), "write {upstream: front}");
  EXPECT_EQ(HintOf("routes: [{name: a, hostnames: '*.a.example', respond: {status: 200}}]"),
            "write hostnames: [\"*.a.example\"]");
}

std::string UnknownKey(const std::string& text) {
  const LoadedFile loaded = LoadFile("f.yaml", text);
  for (const Diagnostic& problem : loaded.diagnostics.items()) {
    if (problem.code == Code::kUnknownKey) return problem.hint;
  }
  return "no unknown key";
}

TEST(FieldForm, AnUnknownKeyIsAForeignWordANearOneAKeyOfAnotherPlaceOrMeetsTheList) {
  EXPECT_EQ(UnknownKey("routes: [{name: a, host: b, respond: {status: 200}}]"), "write hostnames: [shop.example]");
  EXPECT_EQ(UnknownKey("listeners: [{name: a, adress: '0.0.0.0:1'}]"), "did you mean 'address'?");
  EXPECT_EQ(UnknownKey("attempts: 3"), "it belongs in retry");
  EXPECT_EQ(UnknownKey("drain: {foo: 1}"), "the keys here are lameDuck, timeout");
}

}  // namespace
}  // namespace headgate::config
