#include "routing/policy/header_changes.h"

namespace headgate::routing {

void ApplyHeaderChanges(const HeaderChanges& changes, http::HeaderMap& headers) {
  for (const HeaderChange& change : changes.remove) headers.Remove(change.id, change.name);
  for (const HeaderChange& change : changes.set) headers.Set(change.id, change.name, change.value);
  for (const HeaderChange& change : changes.add) headers.Add(change.id, change.name, change.value);
}

}  // namespace headgate::routing
