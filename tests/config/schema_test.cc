#include "config/schema.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <string>

#include "config/defaults.h"
#include "config/fields.h"
#include "config/parse.h"

namespace headgate::config {
namespace {

TEST(Schema, IsJsonThatStatesDefaultsAndHidesWhatComesLater) {
  const std::string text = SchemaJson();
  const boost::json::value schema = boost::json::parse(text);
  const auto& limits = schema.at("$defs").at("limits").at("properties").as_object();
  EXPECT_EQ(limits.at("requestHead").at("default").as_string(), "32KiB");
  EXPECT_EQ(limits.at("fields").at("default").as_int64(), 100);
  EXPECT_FALSE(limits.contains("maxMemory"));
  const auto& listener = schema.at("$defs").at("aListener").at("properties").as_object();
  EXPECT_EQ(listener.at("httpsRedirect").at("default"), boost::json::value(false));
  EXPECT_EQ(schema.at("$defs").at("timeouts").at("properties").at("request").at("default").as_string(), "none");
  const auto& route = schema.at("$defs").at("aRoute");
  EXPECT_FALSE(route.at("additionalProperties").as_bool());
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
  EXPECT_EQ(ParseDuration(text(Child(route, "timeouts"), "backendRequest")), defaults::kBackendRequestTimeout);
  EXPECT_EQ(ParseDuration(text(Child(route, "timeouts"), "idle")), defaults::kIdleTimeout);
  EXPECT_EQ(ParseCount(text(Child(route, "retry"), "attempts")), defaults::kRetryAttempts);
  EXPECT_EQ(ParseDuration(text(Child(route, "retry"), "backoff")), defaults::kRetryBackoff);
  EXPECT_EQ(ParsePercent(text(Child(route, "retry"), "budget"))->ppm, defaults::kRetryBudgetPpm);
  EXPECT_EQ(ParseCount(text(Child(route, "redirect"), "status")), defaults::kRedirectStatus);
  EXPECT_EQ(ParseCount(text(Child(route, "backends"), "weight")), defaults::kBackendWeight);
}

}  // namespace
}  // namespace headgate::config
