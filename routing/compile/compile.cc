#include "routing/compile/compile.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "config/defaults.h"
#include "config/model.h"
#include "routing/compile/listener.h"
#include "routing/compile/policies.h"
#include "routing/compile/regex_pool.h"
#include "routing/compile/route.h"
#include "routing/compile/sources.h"
#include "routing/route_table_builder.h"

namespace headgate::routing {
namespace {

namespace defaults = config::defaults;

AccessLogPolicy::To CompileTarget(config::LogTarget target) {
  switch (target) {
    case config::LogTarget::kStdout:
      return AccessLogPolicy::To::kStdout;
    case config::LogTarget::kStderr:
      return AccessLogPolicy::To::kStderr;
    case config::LogTarget::kFile:
      return AccessLogPolicy::To::kFile;
    case config::LogTarget::kOff:
      return AccessLogPolicy::To::kOff;
  }
  return AccessLogPolicy::To::kStdout;
}

AccessLogPolicy CompileAccessLog(const config::Box<config::AccessLog>& written) {
  AccessLogPolicy log;
  if (!written) return log;
  if (written->to) log.to = CompileTarget(written->to->value);
  if (written->file) log.file = written->file->value.resolved;
  if (written->sample) log.sample_percent = written->sample->value.ppm / double{config::Percent::kPpmPerPercent};
  if (written->query) log.query = written->query->value;
  return log;
}

template <class T>
std::optional<base::SocketAddress> CompileEndpoint(const config::Setting<T>& written, std::string_view absent) {
  if (written.IsNone()) return std::nullopt;
  if (written.HasValue() && written->address) return CompileAddress(written->address->value);
  return base::SocketAddress::Parse(absent);
}

void CompileProcess(const config::Model& model, Compiled& compiled) {
  compiled.trusted_proxies = CompileCidrs(model.trusted_proxies);
  compiled.via = model.via ? model.via->value : defaults::kVia;
  compiled.max_connections = model.limits.max_connections.ValueOr(0, 0);
  if (!model.limits.max_memory.IsAbsent()) compiled.max_memory = model.limits.max_memory.ValueOr(0, 0);
  if (model.workers) compiled.workers = model.workers->value;
  compiled.admin_address = CompileEndpoint(model.admin, defaults::kAdminAddress);
  if (model.admin.HasValue() && model.admin->token_file) {
    compiled.admin_token_file = model.admin->token_file->value.resolved;
  }
  compiled.metrics_address = CompileEndpoint(model.metrics, defaults::kMetricsAddress);
  compiled.access_log = CompileAccessLog(model.access_log);
  if (!model.drain) return;
  if (model.drain->lame_duck) compiled.lame_duck = model.drain->lame_duck->value;
  if (model.drain->timeout) compiled.drain_timeout = model.drain->timeout->value;
}

// `value`, or the previous object of that name if it is the same.
template <class T>
std::shared_ptr<const T> ShareByName(T value, const std::vector<std::shared_ptr<const T>>* previous) {
  if (previous != nullptr) {
    for (const auto& before : *previous) {
      if (before->name == value.name && *before == value) return before;
    }
  }
  return std::make_shared<const T>(std::move(value));
}

class Compilation {
 public:
  Compilation(const config::Model& model, const Compiled* previous, config::DiagnosticList& diagnostics)
      : model_(model),
        previous_(previous),
        before_(previous != nullptr ? previous->sources.get() : nullptr),
        diagnostics_(diagnostics),
        regexes_(before_ != nullptr ? &before_->regexes : nullptr, diagnostics) {}

  std::shared_ptr<const Compiled> Run() {
    const size_t errors = diagnostics_.errors();
    CompileProcess(model_, *compiled_);
    CompileListenerPolicies();
    CompileUpstreams();
    CompileRoutes();
    if (diagnostics_.errors() != errors) return nullptr;
    BuildTable();
    sources_->regexes = regexes_.Take();
    compiled_->sources = std::move(sources_);
    return compiled_;
  }

 private:
  void CompileListenerPolicies() {
    for (ListenerPolicy& listener : CompileListeners(model_, diagnostics_)) {
      compiled_->listeners.push_back(
          ShareByName(std::move(listener), previous_ != nullptr ? &previous_->listeners : nullptr));
    }
  }

  // Those that were there before come first, in their order, so that the routes' indexes change seldom.
  void CompileUpstreams() {
    std::unordered_map<std::string_view, const std::shared_ptr<const config::Upstream>*> written;
    for (const auto& upstream : model_.upstreams) written.emplace(upstream->name.value, &upstream);
    if (before_ != nullptr) {
      for (size_t i = 0; i < before_->upstreams.size(); ++i) {
        const auto still = written.find(before_->upstreams[i]->name.value);
        if (still != written.end()) AddUpstream(*still->second, previous_->upstreams[i], before_->upstreams[i]);
      }
    }
    for (const auto& upstream : model_.upstreams) {
      if (!upstream_index_.contains(upstream->name.value)) AddUpstream(upstream, nullptr, nullptr);
    }
  }

  void AddUpstream(const std::shared_ptr<const config::Upstream>& source,
                   const std::shared_ptr<const UpstreamPolicy>& before,
                   const std::shared_ptr<const config::Upstream>& before_source) {
    upstream_index_.emplace(source->name.value, static_cast<uint32_t>(compiled_->upstreams.size()));
    sources_->upstreams.push_back(source);
    if (before != nullptr && source == before_source) {
      compiled_->upstreams.push_back(before);
      return;
    }
    UpstreamPolicy policy = CompileUpstream(*source);
    const bool same = before != nullptr && *before == policy;
    compiled_->upstreams.push_back(same ? before : std::make_shared<const UpstreamPolicy>(std::move(policy)));
  }

  void CompileRoutes() {
    sources_->defaults = CompilePolicies(model_.defaults, BuiltInPolicies(), regexes_, diagnostics_);
    std::unordered_map<const config::Route*, size_t> known;
    if (before_ != nullptr && before_->defaults == sources_->defaults) {
      known.reserve(before_->routes.size());
      for (size_t i = 0; i < before_->routes.size(); ++i) known.emplace(before_->routes[i].get(), i);
    }
    RouteCompiler compiler(upstream_index_, sources_->defaults, regexes_, diagnostics_);
    compiled_->routes.reserve(model_.routes.size());
    sources_->routes = model_.routes;
    compiled_->rules.reserve(model_.routes.size());
    for (const auto& route : model_.routes) {
      const auto found = known.find(route.get());
      if (found == known.end()) {
        CompileRoute(compiler, *route);
        continue;
      }
      compiled_->routes.push_back(compiler.WithPresentUpstreams(previous_->routes[found->second]));
      compiled_->rules.push_back(previous_->rules[found->second]);
    }
  }

  // A route that was written anew, in a file that changed elsewhere as a rule: where it means the same it stays the
  // same.
  void CompileRoute(RouteCompiler& compiler, const config::Route& route) {
    std::shared_ptr<const RoutePolicy> policy = compiler.CompilePolicy(route);
    if (previous_ != nullptr) {
      if (former_routes_.empty()) {
        for (const auto& former : previous_->routes) former_routes_.emplace(former->name, &former);
      }
      const auto former = former_routes_.find(route.name.value);
      if (former != former_routes_.end() && policy != nullptr && **former->second == *policy) policy = *former->second;
    }
    compiled_->routes.push_back(std::move(policy));
    compiled_->rules.push_back(compiler.CompileRules(route));
  }

  void BuildTable() {
    std::unordered_map<std::string_view, uint32_t> listener_index;
    for (const config::Listener& listener : model_.listeners) {
      listener_index.emplace(listener.name.value, static_cast<uint32_t>(listener_index.size()));
    }
    RouteTableBuilder builder(static_cast<uint32_t>(model_.listeners.size()));
    std::vector<uint32_t> listeners;
    for (size_t i = 0; i < model_.routes.size(); ++i) {
      listeners.clear();
      for (const auto& name : model_.routes[i]->listeners) {
        if (const auto found = listener_index.find(name.value); found != listener_index.end()) {
          listeners.push_back(found->second);
        }
      }
      // A route whose listeners are all unknown is on none of them.
      if (listeners.empty() && !model_.routes[i]->listeners.empty()) continue;
      builder.Add(static_cast<uint32_t>(i), *compiled_->routes[i], compiled_->rules[i], listeners);
    }
    compiled_->table = builder.Build();
  }

  const config::Model& model_;
  const Compiled* previous_;
  const CompileSources* before_;
  config::DiagnosticList& diagnostics_;
  RegexPool regexes_;
  std::shared_ptr<Compiled> compiled_ = std::make_shared<Compiled>();
  std::shared_ptr<CompileSources> sources_ = std::make_shared<CompileSources>();
  UpstreamIndex upstream_index_;
  std::unordered_map<std::string_view, const std::shared_ptr<const RoutePolicy>*> former_routes_;  // by name
};

}  // namespace

std::shared_ptr<const Compiled> Compile(const config::Model& model, const Compiled* previous,
                                        config::DiagnosticList& diagnostics) {
  return Compilation(model, previous, diagnostics).Run();
}

config::Position PositionOfRoute(const Compiled& compiled, size_t index) { return compiled.sources->routes[index]->at; }

void CheckUnit(const config::Model& unit, config::DiagnosticList& diagnostics) {
  CompileListeners(unit, diagnostics);
  RegexPool regexes(nullptr, diagnostics);
  const Policies unit_defaults = CompilePolicies(unit.defaults, BuiltInPolicies(), regexes, diagnostics);
  const UpstreamIndex none;
  RouteCompiler compiler(none, unit_defaults, regexes, diagnostics);
  for (const auto& route : unit.routes) {
    compiler.CompilePolicy(*route);
    compiler.CompileRules(*route);
  }
}

}  // namespace headgate::routing
