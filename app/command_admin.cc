#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "app/ask.h"
#include "app/commands.h"
#include "app/exit_codes.h"
#include "base/json/json.h"

namespace headgate::app {
namespace {

using base::json::Value;

constexpr char kAdminAddress[] = "127.0.0.1:9901";
// A probe of as many endpoints as it asks, none of which answers, takes 24 s.
constexpr int kProbeSeconds = 30;

struct AdminOptions {
  AskOptions ask;
  bool json = false;
  std::string probe;       // an upstream's name; empty: list them
  std::string path = "/";  // of the probe
};

std::string Text(const Value& value) { return std::string(value.as_string()); }

std::string Number(const Value& object, const char* key) { return base::json::Serialize(object.at(key)); }

std::string Joined(const base::json::Array& items) {
  std::string text;
  for (const Value& item : items) text += (text.empty() ? "" : "; ") + Text(item);
  return text;
}

std::string ActionText(const Value& action) {
  const auto& object = action.as_object();
  if (const Value* redirect = object.if_contains("redirect")) return "redirect " + base::json::Serialize(*redirect);
  if (const Value* respond = object.if_contains("respond")) return "respond " + base::json::Serialize(*respond);
  std::string text;
  if (const Value* backends = object.if_contains("backends")) {
    for (const Value& backend : backends->as_array()) {
      text +=
          (text.empty() ? "" : ", ") + Text(backend.at("upstream")) + " " + base::json::Serialize(backend.at("weight"));
    }
  }
  return text;
}

void PrintRoutes(const Value& page) {
  for (const Value& route : page.at("routes").as_array()) {
    std::printf("%s\n  hosts    %s\n  matches  %s\n  action   %s\n", Text(route.at("name")).c_str(),
                Joined(route.at("hostnames").as_array()).c_str(), Joined(route.at("matches").as_array()).c_str(),
                ActionText(route.at("action")).c_str());
  }
}

void PrintUpstreams(const Value& page) {
  for (const Value& upstream : page.at("upstreams").as_array()) {
    const Value* address = upstream.as_object().if_contains("address");
    std::printf("%s%s%s\n", Text(upstream.at("name")).c_str(), address != nullptr ? "  " : "",
                address != nullptr ? Text(*address).c_str() : "");
    if (const Value* problem = upstream.as_object().if_contains("problem")) {
      const Value* resolved = upstream.as_object().if_contains("resolved");
      std::printf("  %s; resolved last: %s\n", Text(*problem).c_str(),
                  resolved != nullptr ? Text(*resolved).c_str() : "never");
    }
    std::printf("  connections %s, requests %s, pending %s\n", Number(upstream, "connections").c_str(),
                Number(upstream, "requests").c_str(), Number(upstream, "pending").c_str());
    const auto& endpoints = upstream.at("endpoints").as_array();
    if (endpoints.empty()) std::printf("  no endpoint\n");
    for (const Value& endpoint : endpoints) {
      std::printf("  %-24s %s, %s requests\n", Text(endpoint.at("address")).c_str(), Text(endpoint.at("state")).c_str(),
                  base::json::Serialize(endpoint.at("activeRequests")).c_str());
    }
  }
}

void PrintReload(const Value& page) {
  std::fputs(Text(page.at("problems")).c_str(), stderr);
  std::printf("%s: configuration %s, generation %s\n", Text(page.at("outcome")).c_str(), Text(page.at("hash")).c_str(),
              base::json::Serialize(page.at("generation")).c_str());
}

std::string Optional(const Value& object, const char* key, const char* otherwise) {
  const Value* value = object.as_object().if_contains(key);
  if (value == nullptr) return otherwise;
  return value->is_string() ? Text(*value) : base::json::Serialize(*value);
}

void PrintProbe(const Value& page) {
  if (page.as_object().contains("problem")) std::printf("%s\n", Text(page.at("problem")).c_str());
  for (const Value& endpoint : page.at("endpoints").as_array()) {
    const bool answered = endpoint.as_object().contains("status");
    std::printf("%-24s %-4s %5s ms  %-8s %s\n", Text(endpoint.at("address")).c_str(),
                Optional(endpoint, "status", "-").c_str(), Number(endpoint, "milliseconds").c_str(),
                Optional(endpoint, "tls", answered ? "plain" : "-").c_str(), Optional(endpoint, "error", "").c_str());
  }
  const std::string left = Number(page, "notAsked");
  if (left != "0") std::printf("%s more were not asked\n", left.c_str());
}

// Percent-encoded for a query (RFC 3986 2.3).
std::string Encoded(const std::string& text) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/";
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (kPlain.find(c) != std::string_view::npos) {
      encoded += c;
    } else {
      encoded += {'%', kHex[byte >> 4U], kHex[byte & 0x0fU]};
    }
  }
  return encoded;
}

using Print = void (*)(const Value& page);

int Ask(const AdminOptions& options, const char* method, const char* target, Print print) {
  const auto answer = AskRunning(options.ask, method, target);
  if (!answer) return kExitConfiguration;
  const int code = answer->status == 200 ? kExitOk : kExitConfiguration;
  if (options.json) {
    std::fputs(answer->body.c_str(), stdout);
    return code;
  }
  const auto page = base::json::Parse(answer->body, {.bytes_max = answer->body.size() + 1, .depth_max = 16});
  if (!page.ok() || !page->is_object()) {
    std::fprintf(stderr, "headgate: not headgate's answer (status %d)\n", answer->status);
    return kExitConfiguration;
  }
  if (const Value* error = page->as_object().if_contains("error")) {
    std::fprintf(stderr, "headgate: %s\n", Text(*error).c_str());
    return kExitConfiguration;
  }
  print(*page);
  return code;
}

void AddProbe(CLI::App& command, AdminOptions& options) {
  CLI::Option* probe = command.add_option("--probe", options.probe,
                                          "Ask one request of each endpoint of this upstream, and say how it went");
  probe->type_name("NAME")->check([](const std::string& name) {
    return name.empty() ? std::string("the upstream's name is empty") : std::string();
  });
  command.add_option("--path", options.path, "What --probe asks for")->needs(probe)->capture_default_str();
}

struct AdminCommand {
  const char* name;
  const char* help;
  const char* method;
  const char* target;
  Print print;
  void (*add_options)(CLI::App& command, AdminOptions& options) = nullptr;
};

constexpr AdminCommand kCommands[] = {
    {"routes", "List the routes of a running headgate", "GET", "/routes", PrintRoutes},
    {"upstreams", "List the upstreams of a running headgate, their endpoints and state", "GET", "/upstreams",
     PrintUpstreams, AddProbe},
    {"reload", "Make a running headgate read its configuration again, and say how that went", "POST", "/reload",
     PrintReload},
};

int Run(const AdminOptions& options, const AdminCommand& command) {
  if (options.probe.empty()) return Ask(options, command.method, command.target, command.print);
  const std::string target = "/probe?upstream=" + Encoded(options.probe) + "&path=" + Encoded(options.path);
  return Ask(options, "POST", target.c_str(), PrintProbe);
}

}  // namespace

void AddAdminCommands(CLI::App& app, Action& chosen) {
  for (const AdminCommand& known : kCommands) {
    CLI::App* command = app.add_subcommand(known.name, known.help);
    auto options = std::make_shared<AdminOptions>();
    AddAskOptions(*command, options->ask, "admin", kAdminAddress, true);
    command->add_flag("--json", options->json, "Print the answer as it came");
    if (known.add_options != nullptr) known.add_options(*command, *options);
    command->footer("Exit codes: 0 done, 1 refused or nobody answered, 2 bad command line.");
    command->callback([&chosen, options, &known, command] {
      if (!options->probe.empty() && command->count("--timeout") == 0) options->ask.timeout_seconds = kProbeSeconds;
      chosen = [options, &known] { return Run(*options, known); };
    });
  }
}

}  // namespace headgate::app
