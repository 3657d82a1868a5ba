#include "routing/session_cookie.h"
#include "routing/split.h"

namespace headgate::routing {
namespace {

bool IsUsable(const SplitContext& context, uint32_t backend) noexcept {
  return backend >= context.usable.size() || context.usable[backend];
}

bool AnyUsable(const ForwardAction& action, const SplitContext& context) noexcept {
  for (uint32_t i = 0; i < action.backends.size(); ++i) {
    if (action.backends[i].weight != 0 && IsUsable(context, i)) return true;
  }
  return false;
}

std::optional<BackendChoice> ByWeight(SplitState& state, std::span<const bool> usable) {
  const std::optional<uint32_t> backend = state.NextUsable(usable);
  if (!backend.has_value()) return std::nullopt;
  return BackendChoice{*backend, false, false, {}};
}

}  // namespace

std::optional<BackendChoice> ChooseBackend(const ForwardAction& action, SplitState& state,
                                           const SplitContext& context) {
  if (const auto forced = ForcedBackend(action, context.head); forced.has_value()) {
    return BackendChoice{*forced, true, false, {}};
  }
  const bool any_usable = AnyUsable(action, context);
  const std::span<const bool> usable = any_usable ? context.usable : std::span<const bool>();
  if (action.sticky.by == StickyPolicy::By::kNone) return ByWeight(state, usable);

  const std::string_view key = StickyKey(action.sticky, context.head, context.client);
  if (!key.empty()) {
    const std::optional<uint32_t> cohort = CohortOf(action, key);
    if (!cohort.has_value()) return std::nullopt;
    if (action.sticky.strict || IsUsable(context, *cohort)) return BackendChoice{*cohort, false, true, {}};
    return ByWeight(state, usable);
  }
  // No cookie while nothing is usable: the answer is 503, and the user's first real one should decide.
  if (action.sticky.by != StickyPolicy::By::kCookie || !any_usable) return ByWeight(state, usable);
  const std::optional<SplitState::NewUser> user = state.NextNewUser(action, usable, context.rng);
  if (!user.has_value()) return std::nullopt;
  const StickyPolicy& sticky = action.sticky;
  return BackendChoice{user->backend, false, false,
                       ComposeSessionCookie(sticky.name, user->key, sticky.ttl, context.head.scheme, context.arena)};
}

}  // namespace headgate::routing
