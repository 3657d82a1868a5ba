#include "routing/policy/header_changes.h"

#include <algorithm>
#include <string_view>

namespace headgate::routing {
namespace {

bool IsLookAlike(std::string_view one, std::string_view other) noexcept {
  const auto dash = [](char c) { return c == '_' ? '-' : c; };
  return one != other && std::ranges::equal(one, other, {}, dash, dash);
}

bool AnyLooksLike(std::string_view name, const std::vector<HeaderChange>& changes) noexcept {
  return std::ranges::any_of(changes, [name](const HeaderChange& change) { return IsLookAlike(name, change.name); });
}

}  // namespace

void ApplyHeaderChanges(const HeaderChanges& changes, http::HeaderMap& headers) {
  for (const HeaderChange& change : changes.remove) headers.Remove(change.id, change.name);
  for (const HeaderChange& change : changes.set) headers.Set(change.id, change.name, change.value);
  for (const HeaderChange& change : changes.add) headers.Add(change.id, change.name, change.value);
}

void RemoveLookAlikes(const HeaderChanges& changes, http::HeaderMap& headers) {
  if (changes.empty()) return;
  headers.RemoveIf([&changes](const http::HeaderField& field) {
    if (field.id != http::HeaderId::kOther || field.name.find('_') == std::string_view::npos) return false;
    return AnyLooksLike(field.name, changes.set) || AnyLooksLike(field.name, changes.add) ||
           AnyLooksLike(field.name, changes.remove);
  });
}

}  // namespace headgate::routing
