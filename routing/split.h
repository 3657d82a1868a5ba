// Which backend of a route gets a request: forced, then a sticky cohort, then a smooth sequence by weight.
// SplitState belongs to a worker, one per route name, and survives reloads. The functions are pure.
// One thread: the worker's.
#pragma once

#include <array>
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
//
// Each backend has a credit: how much of a request it is behind its share, in units of 1/total. With every request all
// gain their weight and the chosen one pays the total. Only who is behind may be chosen, and of those the one that
// would be first to fall a whole request behind (earliest deadline first). That keeps every credit between -total and
// total (Tijdeman, The chairman assignment problem, 1980; Baruah et al., Proportionate progress, 1996), so any window
// of any length is right within 2.
class SplitState {
 public:
  // Takes over the backends of a (new) configuration; progress is kept for backends that stay, by name. Allocates.
  void Adopt(const ForwardAction& action);
  // The next backend by weight among those for which `usable(index)`; nothing when every usable weight is 0.
  // An unusable backend's turns go to the others in proportion, and it is owed nothing when it comes back.
  std::optional<uint32_t> Next();
  std::optional<uint32_t> NextUsable(std::span<const bool> usable);

  struct NewUser {
    uint32_t backend = 0;
    uint64_t key = 0;  // CohortOf(action, FormatKey(key)) is `backend`
  };
  // The next backend, with a key whose cohort it is. Keys are drawn at random; those that belong to other backends are
  // kept for them, a few each. At most kDrawsMax draws: when none belonged to the backend whose turn it was, its turn
  // waits for the next new user. That shifts it by a fraction of a request only, because many draws are needed just
  // for small shares. `action` is the one last adopted.
  std::optional<NewUser> NextNewUser(const ForwardAction& action, std::span<const bool> usable, base::Rng& rng);

  static constexpr uint32_t kDrawsMax = 256;
  static constexpr uint32_t kDrawsAlways = 2;  // twice the demand: what is small finds its keys in store

 private:
  static constexpr uint32_t kKeysMax = 8;
  // A change of weights scales the credits, which rounds them: coarse units would add up to a skew over many reloads.
  static constexpr uint64_t kUnitsPerWeight = uint64_t{1} << 20U;
  struct Share {
    std::string name;
    uint64_t weight = 0;  // as configured
    uint64_t rate = 0;    // the weight in units of 1/kUnitsPerWeight, or 0 while unusable
    int64_t credit = 0;   // in (-total, total), but for a few requests after a change
    uint32_t key_count = 0;
    std::array<uint64_t, kKeysMax> keys{};
  };

  // Makes `rate` what counts from now on; credits are scaled to the new total and add up to 0 again.
  void Rebase();
  void UseOnly(std::span<const bool> usable);
  // All gain their rate.
  void Advance() noexcept;
  // Whose deadline is first among those behind; of all with a rate if `behind` is false (the furthest behind then).
  template <class P>
  std::optional<uint32_t> Earliest(P&& permitted) const;
  void Pay(uint32_t backend) noexcept { shares_[backend].credit -= static_cast<int64_t>(total_); }
  void DrawKey(const ForwardAction& action, base::Rng& rng);

  std::vector<Share> shares_;
  uint64_t total_ = 0;  // of the rates
};

// A cookie's value for a key: 16 hexadecimal digits.
inline constexpr size_t kKeyTextBytes = 16;
void FormatKey(uint64_t key, std::span<char, kKeyTextBytes> out) noexcept;

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
  base::Rng& rng;
  base::Arena& arena;
  // usable[i]: backend i's upstream has an endpoint now. Empty: all.
  std::span<const bool> usable;
};

// Nothing when all weights are 0 and nothing is forced (500). With a cohort whose upstream is unusable: by weight for
// this request and the cookie stays, unless strict (then the cohort's backend comes back: 503 by the caller). When no
// backend with a weight is usable, one of them comes back all the same: 503 by the caller.
// A new user of `by: cookie` gets a cookie, with Max-Age when there is a ttl; it is not renewed later, so that answers
// stay cacheable, and a user whose cookie ran out is a new user.
std::optional<BackendChoice> ChooseBackend(const ForwardAction& action, SplitState& state, const SplitContext& context);

// The sticky key that the request brings; empty when it brings none. At most kStickyKeyBytesMax of it count.
inline constexpr size_t kStickyKeyBytesMax = 256;
std::string_view StickyKey(const StickyPolicy& sticky, const http::RequestHead& head,
                           const base::IpAddress& client) noexcept;

// Weighted rendezvous hashing (highest random weight): the cohort of a key. `weights` of 0 never win.
// Part of the contract with replicas and later releases: with h = StableHash64(key, StableHash64(name, 0)) and
// u = (h / 2^11 rounded down + 1/2) / 2^53, the highest -weight / ln(u) wins. Client addresses count as 16 bytes.
std::optional<uint32_t> CohortOf(const ForwardAction& action, std::string_view key) noexcept;
// Backend::name_hash.
uint64_t BackendNameHash(std::string_view name) noexcept;

// The first backend with a `force` that the request fulfils.
std::optional<uint32_t> ForcedBackend(const ForwardAction& action, const http::RequestHead& head) noexcept;

}  // namespace headgate::routing
