// Compiles the patterns of one configuration, each distinct one once; those of the previous configuration are reused.
// Lives as long as a Compile().
// Control thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "config/diagnostic.h"
#include "config/located.h"
#include "routing/regex/regex.h"

namespace headgate::routing {

// By pattern; the keys are the patterns' own text.
using RegexMap = std::unordered_map<std::string_view, std::shared_ptr<const Regex>>;

class RegexPool {
 public:
  // `previous` may be null.
  RegexPool(const RegexMap* previous, config::DiagnosticList& diagnostics)
      : previous_(previous), diagnostics_(diagnostics) {}

  // Null after adding an error at the pattern's place.
  std::shared_ptr<const Regex> Get(const config::Located<std::string>& pattern);
  RegexMap Take() { return std::move(regexes_); }

 private:
  const RegexMap* previous_;
  config::DiagnosticList& diagnostics_;
  RegexMap regexes_;
};

}  // namespace headgate::routing
