#include "config/unit.h"

#include <algorithm>

namespace headgate::config {

std::string_view Origin::PathAt(uint32_t line) const {
  const auto next = std::upper_bound(places.begin(), places.end(), line,
                                     [](uint32_t wanted, const Place& place) { return wanted < place.line; });
  return next == places.begin() ? std::string_view() : std::string_view(std::prev(next)->path);
}

}  // namespace headgate::config
