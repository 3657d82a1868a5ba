// Compiles routes: what they ask of a request, and what they do with it.
// Lives as long as a Compile().
// Control thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/arena.h"
#include "base/slab.h"
#include "config/diagnostic.h"
#include "config/model.h"
#include "routing/compile/policies.h"
#include "routing/compile/regex_pool.h"
#include "routing/policy/route.h"
#include "routing/rules.h"

namespace headgate::routing {

using UpstreamIndex = std::unordered_map<std::string_view, uint32_t>;

class RouteCompiler {
 public:
  // Upstreams that `upstreams` lacks get index 0: of a model that is valid there are none.
  RouteCompiler(const UpstreamIndex& upstreams, const Policies& defaults, RegexPool& regexes,
                config::DiagnosticList& diagnostics)
      : upstreams_(upstreams), defaults_(defaults), regexes_(regexes), diagnostics_(diagnostics) {}

  std::shared_ptr<const RouteRules> CompileRules(const config::Route& route);
  std::shared_ptr<const RoutePolicy> CompilePolicy(const config::Route& route);
  // The policy with the upstreams' present indexes: the same object when none of them moved.
  std::shared_ptr<const RoutePolicy> WithPresentUpstreams(std::shared_ptr<const RoutePolicy> policy) const;

 private:
  std::string MatchPath(const config::Located<std::string>& path);
  HostName CompileHostName(const std::string& written);
  ValueCondition CompileCondition(const config::ValueMatch& match, bool of_header);
  ForceCondition CompileForce(const config::Force& force);
  MatchRule CompileMatch(const config::RouteMatch& match);
  void CompilePath(const config::PathMatch& path, MatchRule& rule);
  Backend CompileBackend(const std::string& upstream, uint32_t weight) const;
  ForwardAction CompileBlueGreen(const config::BlueGreen& blue_green);
  ForwardAction CompileForward(const config::Route& route);
  uint32_t IndexOf(std::string_view upstream) const;

  const UpstreamIndex& upstreams_;
  const Policies& defaults_;
  RegexPool& regexes_;
  config::DiagnosticList& diagnostics_;
  base::SlabPool slabs_;
  base::Arena arena_{slabs_};
};

}  // namespace headgate::routing
