#include "config/fields/schema.h"

#include <gtest/gtest.h>

#include <array>
#include <boost/json.hpp>
#include <regex>
#include <string>

#include "config/defaults.h"
#include "config/fields/fields.h"
#include "config/parse.h"
#include "config/units.h"

namespace headgate::config {
namespace {

TEST(Schema, IsJsonThatStatesDefaultsAndHidesWhatComesLater) {
  const std::string text = SchemaJson();
  const boost::json::value schema = boost::json::parse(text);
  const auto& limits = schema.at("$defs").at("limits").at("properties").as_object();
  EXPECT_EQ(limits.at("requestHead").at("default").as_string(), "32KiB");
  EXPECT_EQ(limits.at("fields").at("default").as_int64(), 100);
  EXPECT_EQ(limits.at("maxMemory").at("default").as_string(), "auto");
  const auto& listener = schema.at("$defs").at("aListener").at("properties").as_object();
  EXPECT_EQ(listener.at("httpsRedirect").at("default"), boost::json::value(false));
  EXPECT_EQ(schema.at("$defs").at("timeouts").at("properties").at("request").at("default").as_string(), "none");
  const auto& route = schema.at("$defs").at("aRoute");
  EXPECT_FALSE(route.at("additionalProperties").as_bool());
  EXPECT_FALSE(route.at("properties").as_object().contains("cors")) << "comes later";
  EXPECT_TRUE(route.at("properties").as_object().contains("sticky"));
  EXPECT_EQ(route.at("required").as_array().size(), 1U);
}

// Every $ref leads somewhere.
void CheckReferences(const boost::json::value& value, const boost::json::object& definitions) {
  if (const auto* array = value.if_array()) {
    for (const auto& item : *array) CheckReferences(item, definitions);
  }
  if (const auto* object = value.if_object()) {
    for (const auto& [key, item] : *object) {
      if (key == "$ref") {
        EXPECT_TRUE(definitions.contains(item.as_string().subview(8))) << item.as_string();
      }
      CheckReferences(item, definitions);
    }
  }
}

TEST(Schema, ItsReferencesLeadSomewhere) {
  const boost::json::value schema = boost::json::parse(SchemaJson());
  CheckReferences(schema, schema.at("$defs").as_object());
}

// A place of the schema that has a pattern, and a file whose X is judged by it.
struct Judged {
  const char* pointer;
  const char* text;
};

TEST(Schema, ItsPatternsAndTheDecoderAgree) {
  const boost::json::value schema = boost::json::parse(SchemaJson());
  const std::string long_name(129, 'x');
  const std::array values = {"x",        "a b",   "\xC3\xA9",   "a'b",           "a{b}",          "a\\b",
                             "a[b]",     "a/b^c", "1.2.3.4:80", "1.2.3.4:65535", "1.2.3.4:65536", "1.2.3.4:99999",
                             "h:80",     "h:0",   "[::1]:6553", "localhost:1",   "20%",           "100.5%",
                             "99.9999%", "100%",  "0.25%",      "GET",           "Get",           long_name.c_str()};
  for (const Judged& judged :
       {Judged{"/$defs/aListener/properties/name/pattern", "listeners: [{name: X, address: '127.0.0.1:1'}]"},
        Judged{"/$defs/aListener/properties/address/pattern", "listeners: [{name: a, address: X}]"},
        Judged{"/$defs/accessLog/properties/sample/pattern", "accessLog: {sample: X}"},
        Judged{"/properties/upstreams/propertyNames/pattern", "upstreams: {X: {address: 'a:80'}}"},
        Judged{"/$defs/aMatch/properties/method/pattern",
               "routes: [{name: a, matches: [{method: X}], respond: {status: 200}}]"},
        Judged{"/$defs/respond/properties/headers/propertyNames/pattern",
               "routes: [{name: a, respond: {status: 200, headers: {X: b}}}]"}}) {
    const std::regex pattern(schema.at_pointer(judged.pointer).as_string().c_str());
    for (const std::string value : values) {
      std::string text(judged.text);
      std::string quoted;
      for (const char c : value) quoted += c == '\'' ? "''" : std::string(1, c);
      text.replace(text.find('X'), 1, "'" + quoted + "'");
      EXPECT_EQ(std::regex_match(value, pattern), LoadFile("f.yaml", text).model != nullptr) << text;
    }
  }
}

TEST(Schema, RefusesWhatIsOutOfBoundsOrEmpty) {
  const boost::json::value schema = boost::json::parse(SchemaJson());
  EXPECT_EQ(schema.at_pointer("/$defs/aRoute/properties/backends/minItems").as_int64(), 1);
  EXPECT_TRUE(schema.at_pointer("/$defs/aHeaderMatch/properties/present/const").as_bool());
  const auto& size = schema.at_pointer("/$defs/limits/properties/target/anyOf/0");
  EXPECT_EQ(size.at("minimum").as_int64(), 64);
  EXPECT_EQ(size.at("maximum").as_int64(), 64 * 1024 * 1024);
}

const Field& FieldOf(const BlockSpec& spec, std::string_view key) {
  for (const BlockSpec* part = &spec; part != nullptr; part = part->more) {
    for (const Field& field : part->fields) {
      if (field.key == key) return field;
    }
  }
  ADD_FAILURE() << "no field " << key;
  return spec.fields.front();
}

const BlockSpec& Child(const BlockSpec& spec, std::string_view key) { return FieldOf(spec, key).block(); }

TEST(Defaults, TheTableAndTheConstantsAgree) {
  const auto text = [](const BlockSpec& spec, std::string_view key) { return FieldOf(spec, key).default_text; };
  const BlockSpec& limits = Child(RootBlock(), "limits");
  EXPECT_EQ(ParseSize(text(limits, "requestHead")), defaults::kRequestHeadBytes);
  EXPECT_EQ(ParseSize(text(limits, "fieldSize")), defaults::kFieldSizeBytes);
  EXPECT_EQ(ParseCount(text(limits, "fields")), defaults::kFields);
  EXPECT_EQ(ParseSize(text(limits, "target")), defaults::kTargetBytes);
  EXPECT_EQ(ParseDuration(text(limits, "headTimeout")), defaults::kHeadTimeout);
  EXPECT_EQ(ParseDuration(text(limits, "keepAlive")), defaults::kKeepAlive);
  EXPECT_EQ(ParseDuration(text(limits, "tlsHandshake")), defaults::kTlsHandshake);
  EXPECT_EQ(ParseDuration(text(limits, "bodyIdle")), defaults::kBodyIdle);
  EXPECT_EQ(ParseSize(text(limits, "bodyRate")), defaults::kBodyRateBytesPerSecond);
  EXPECT_EQ(ParseSize(text(limits, "readRate")), defaults::kReadRateBytesPerSecond);
  EXPECT_EQ(ParseSize(text(limits, "upstreamHead")), defaults::kUpstreamHeadBytes);
  EXPECT_EQ(ParseSize(text(limits, "streamBuffer")), defaults::kStreamBufferBytes);
  EXPECT_EQ(ParseCount(text(limits, "h2Streams")), defaults::kH2Streams);
  EXPECT_EQ(ParseSize(text(limits, "h2Window")), defaults::kH2WindowBytes);
  EXPECT_EQ(ParseSize(text(limits, "h2Connection")), defaults::kH2ConnectionBytes);
  EXPECT_EQ(text(Child(RootBlock(), "admin"), "address"), defaults::kAdminAddress);
  EXPECT_EQ(text(Child(RootBlock(), "metrics"), "address"), defaults::kMetricsAddress);
  EXPECT_EQ(ParsePercent(text(Child(RootBlock(), "accessLog"), "sample"))->ppm, defaults::kAccessLogSamplePpm);
  EXPECT_EQ(ParseDuration(text(Child(RootBlock(), "drain"), "lameDuck")), defaults::kLameDuck);
  EXPECT_EQ(ParseDuration(text(Child(RootBlock(), "drain"), "timeout")), defaults::kDrainTimeout);
  const BlockSpec& connections = Child(Child(RootBlock(), "upstreams"), "connections");
  EXPECT_EQ(ParseCount(text(connections, "max")), defaults::kConnectionsMax);
  EXPECT_EQ(ParseCount(text(connections, "maxPending")), defaults::kConnectionsMaxPending);
  EXPECT_EQ(ParseCount(text(connections, "maxRequests")), defaults::kConnectionsMaxRequests);
  EXPECT_EQ(ParseDuration(text(connections, "maxAge")), defaults::kConnectionsMaxAge);
  EXPECT_EQ(ParseDuration(text(connections, "idleTimeout")), defaults::kConnectionsIdleTimeout);
  EXPECT_EQ(ParseDuration(text(connections, "connectTimeout")), defaults::kConnectTimeout);
  const BlockSpec& route = Child(RootBlock(), "routes");
  EXPECT_EQ(text(Child(route, "timeouts"), "request"), "none");
  EXPECT_EQ(text(Child(route, "timeouts"), "backendRequest"), "none");
  EXPECT_EQ(ParseDuration(text(Child(route, "timeouts"), "idle")), defaults::kIdleTimeout);
  EXPECT_EQ(ParseCount(text(Child(route, "retry"), "attempts")), defaults::kRetryAttempts);
  EXPECT_EQ(ParseDuration(text(Child(route, "retry"), "backoff")), defaults::kRetryBackoff);
  EXPECT_EQ(ParsePercent(text(Child(route, "retry"), "budget"))->ppm, defaults::kRetryBudgetPpm);
  EXPECT_EQ(ParseCount(text(Child(route, "redirect"), "status")), defaults::kRedirectStatus);
  EXPECT_EQ(ParseCount(text(Child(route, "backends"), "weight")), defaults::kBackendWeight);
}

}  // namespace
}  // namespace headgate::config
