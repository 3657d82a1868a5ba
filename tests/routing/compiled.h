// Compiles a configuration written as text, for tests.
// Owned by a test.
// One thread.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>

#include "config/units.h"
#include "routing/compile/compile.h"

namespace headgate::routing {

inline constexpr std::string_view kTestListeners = R"(
listeners:
  - {name: web, address: 127.0.0.1:8080, publicPort: 80}
)";

inline std::string Messages(const config::DiagnosticList& diagnostics) {
  std::string messages;
  for (const config::Diagnostic& problem : diagnostics.items()) {
    messages += std::to_string(problem.at.line) + ":" + std::to_string(problem.at.column) + " " +
                config::CodeName(problem.code) + " " + problem.message + "\n";
  }
  return messages;
}

struct TestConfiguration {
  // One listener 'web' is added unless the text has listeners.
  explicit TestConfiguration(std::string_view text, const Compiled* previous = nullptr) {
    std::string whole(text);
    if (text.find("listeners:\n") == std::string_view::npos) whole.insert(0, kTestListeners);
    file = config::LoadFile("headgate.yaml", whole);
    EXPECT_FALSE(file.diagnostics.HasErrors()) << Messages(file.diagnostics) << whole;
    if (file.model != nullptr) compiled = Compile(*file.model, previous, diagnostics);
    problems = Messages(diagnostics);
  }

  const RoutePolicy& Route(std::string_view name) const {
    for (const auto& route : compiled->routes) {
      if (route->name == name) return *route;
    }
    ADD_FAILURE() << "no route " << name;
    return *compiled->routes.at(0);
  }
  const UpstreamPolicy& Upstream(std::string_view name) const {
    for (const auto& upstream : compiled->upstreams) {
      if (upstream->name == name) return *upstream;
    }
    ADD_FAILURE() << "no upstream " << name;
    return *compiled->upstreams.at(0);
  }
  std::string Find(const http::RequestHead& head, uint32_t listener = 0) const {
    if (compiled == nullptr) return "not compiled: " + problems;
    const Match match = compiled->table.Find(listener, head);
    return match.route == nullptr ? "" : match.route->name;
  }

  config::LoadedFile file;
  config::DiagnosticList diagnostics;
  std::string problems;
  std::shared_ptr<const Compiled> compiled;
};

}  // namespace headgate::routing
