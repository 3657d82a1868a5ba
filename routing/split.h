// Which backend of a route gets a request: forced, then a sticky cohort, then a smooth sequence by weight.
// SplitState belongs to a worker, one per route name, and survives reloads. The functions are pure.
// One thread: the worker's.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.h"
#include "base/rng.h"
#include "http/message.h"
#include "routing/policy/route.h"

namespace headgate::routing {

// The smooth sequence: of any 1,000 requests each backend's share is right within 2, whatever the weights.
class SplitState {
 public:
  // Takes over the backends of a (new) configuration; progress is kept for backends that stay, by name. Allocates.
  void Adopt(const ForwardAction& action);
  // The next backend by weight among those for which `usable(index)`; nothing when every usable weight is 0.
  // An unusable backend's turns go to the others in proportion.
  std::optional<uint32_t> Next();
  std::optional<uint32_t> NextUsable(std::span<const bool> usable);

 private:
  struct Share {
    std::string name;
    uint64_t weight = 0;
    int64_t credit = 0;
  };
  std::vector<Share> shares_;
  uint64_t total_ = 0;
};

struct BackendChoice {
  uint32_t backend = 0;  // index into ForwardAction::backends
  bool forced = false;
  bool cohort = false;  // chosen by a sticky key that the client brought
  // A cookie to set (RFC 6265), in the arena; empty when none is needed.
  std::string_view set_cookie;
};

struct SplitContext {
  const http::RequestHead& head;
  const base::IpAddress& client;
  bool tls = false;
  base::Rng& rng;
  base::Arena& arena;
  // usable[i]: backend i's upstream has an endpoint now. Empty: all.
  std::span<const bool> usable;
};

// Nothing when all weights are 0 and nothing is forced (500). With a cohort whose upstream is unusable: by weight for
// this request and the cookie stays, unless strict (then the cohort's backend comes back: 503 by the caller).
std::optional<BackendChoice> ChooseBackend(const ForwardAction& action, SplitState& state, const SplitContext& context);

// Weighted rendezvous hashing (highest random weight): the cohort of a key. `weights` of 0 never win.
std::optional<uint32_t> CohortOf(const ForwardAction& action, std::string_view key) noexcept;

}  // namespace headgate::routing
