// What a compiled configuration was made from, kept so that the next one can share what did not change.
// Owned by Compiled.
// Control thread.
#pragma once

#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "config/model.h"
#include "routing/compile/policies.h"
#include "routing/compile/regex_pool.h"

namespace headgate::routing {

struct CompileSources {
  Policies defaults;
  std::vector<std::shared_ptr<const config::Route>> routes;  // as Compiled::routes
  std::vector<std::shared_ptr<const config::Upstream>> upstreams;
  RegexMap regexes;
};

}  // namespace headgate::routing
