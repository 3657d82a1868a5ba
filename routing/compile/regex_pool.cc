#include "routing/compile/regex_pool.h"

#include <algorithm>

#include "routing/words.h"

namespace headgate::routing {

std::shared_ptr<const Regex> RegexPool::Get(const config::Located<std::string>& pattern) {
  if (const auto known = regexes_.find(pattern.value); known != regexes_.end()) return known->second;
  std::shared_ptr<const Regex> regex;
  if (previous_ != nullptr) {
    if (const auto before = previous_->find(pattern.value); before != previous_->end()) regex = before->second.lock();
  }
  if (regex == nullptr) {
    absl::StatusOr<std::shared_ptr<const Regex>> compiled = Regex::Compile(pattern.value);
    if (!compiled.ok()) {
      diagnostics_.Error(config::Code::kBadRegex, pattern.at,
                         Words("the regular expression is not valid: ", compiled.status().message()));
      return nullptr;
    }
    regex = *std::move(compiled);
  }
  regexes_.emplace(regex->pattern(), regex);
  return regex;
}

std::shared_ptr<const Regex> RegexPool::GetForPath(const config::Located<std::string>& pattern) {
  const auto high = std::ranges::find_if(pattern.value, [](char c) { return static_cast<unsigned char>(c) > 0x7f; });
  if (high == pattern.value.end()) return Get(pattern);
  diagnostics_.Error(config::Code::kBadRegex, pattern.at,
                     "no path holds a character outside of ASCII: write its bytes percent-encoded, as %C3%BC");
  return nullptr;
}

RegexMap RegexPool::Take() {
  RegexMap map;
  if (previous_ != nullptr) {
    for (const auto& [pattern, regex] : *previous_) {
      if (!regex.expired()) map.emplace(pattern, regex);
    }
  }
  for (const auto& [pattern, regex] : regexes_) map.insert_or_assign(pattern, regex);
  return map;
}

}  // namespace headgate::routing
