// Fields to set, add and remove on a head.
// Part of a compiled configuration: const once published.
// Any thread.
#pragma once

#include <string>
#include <vector>

#include "http/header_map.h"

namespace headgate::routing {

struct HeaderChange {
  http::HeaderId id = http::HeaderId::kOther;
  std::string name;  // lower case
  std::string value;
  bool operator==(const HeaderChange&) const = default;
};

struct HeaderChanges {
  std::vector<HeaderChange> set;
  std::vector<HeaderChange> add;
  std::vector<HeaderChange> remove;
  bool empty() const noexcept { return set.empty() && add.empty() && remove.empty(); }
  bool operator==(const HeaderChanges&) const = default;
};

// Removes, then sets, then adds. Text is shared with `changes`, which must outlive the map.
void ApplyHeaderChanges(const HeaderChanges& changes, http::HeaderMap& headers);
// Removes the client's look-alikes of what is about to be changed: the same names but for '_' (CGI makes them one).
void RemoveLookAlikes(const HeaderChanges& changes, http::HeaderMap& headers);

}  // namespace headgate::routing
