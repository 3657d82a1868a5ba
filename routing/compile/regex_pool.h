// Compiles the patterns of one configuration, each distinct one once; those of the previous configuration are reused.
// Lives as long as a Compile().
// Control thread.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "config/diagnostic.h"
#include "config/located.h"
#include "routing/regex/regex.h"

namespace headgate::routing {

// By pattern; routes hold what is in use.
using RegexMap = std::unordered_map<std::string, std::weak_ptr<const Regex>>;

class RegexPool {
 public:
  // `previous` may be null.
  RegexPool(const RegexMap* previous, config::DiagnosticList& diagnostics)
      : previous_(previous), diagnostics_(diagnostics) {}

  // Null after adding an error at the pattern's place.
  std::shared_ptr<const Regex> Get(const config::Located<std::string>& pattern);
  // Likewise of a pattern for paths, which hold no byte above 0x7f.
  std::shared_ptr<const Regex> GetForPath(const config::Located<std::string>& pattern);
  // All that are in use, by what was compiled now or before.
  RegexMap Take();

 private:
  const RegexMap* previous_;
  config::DiagnosticList& diagnostics_;
  std::unordered_map<std::string, std::shared_ptr<const Regex>> regexes_;
};

}  // namespace headgate::routing
