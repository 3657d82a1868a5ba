#include "routing/split.h"

#include <algorithm>
#include <utility>

namespace headgate::routing {
namespace {

__extension__ using Wide = __int128;

bool IsUsable(std::span<const bool> usable, size_t index) noexcept { return index >= usable.size() || usable[index]; }

}  // namespace

void FormatKey(uint64_t key, std::span<char, kKeyTextBytes> out) noexcept {
  for (char& c : out) {
    c = "0123456789abcdef"[key >> 60U];
    key <<= 4U;
  }
}

void SplitState::Adopt(const ForwardAction& action) {
  std::vector<Share> shares(action.backends.size());
  bool same = shares.size() == shares_.size();
  for (size_t i = 0; i < shares.size(); ++i) {
    Share& share = shares[i];
    share.name = action.backends[i].name;
    share.weight = action.backends[i].weight;
    share.rate = share.weight * kUnitsPerWeight;
    const auto old = std::find_if(shares_.begin(), shares_.end(), [&](const Share& s) { return s.name == share.name; });
    if (old == shares_.end()) {
      same = false;
      continue;
    }
    same = same && old->weight == share.weight;
    if (old->rate == 0 && old->weight != 0) share.rate = 0;
    share.credit = old->credit;
    share.keys = old->keys;
    share.key_count = old->key_count;
    old->name.clear();  // a name that comes twice takes over once
    old->weight = 0;
  }
  // A key's cohort depends on all names and weights.
  if (!same) {
    for (Share& share : shares) share.key_count = 0;
  }
  shares_ = std::move(shares);
  Rebase();
}

void SplitState::Rebase() {
  uint64_t total = 0;
  for (const Share& share : shares_) total += share.rate;
  if (total == 0) {
    for (Share& share : shares_) share.credit = 0;
    total_ = 0;
    return;
  }
  // What the others are owed or owe goes to those that stay, in proportion to their weights.
  int64_t sum = 0;
  uint32_t largest = 0;
  for (uint32_t i = 0; i < shares_.size(); ++i) {
    Share& share = shares_[i];
    const auto scaled = static_cast<Wide>(share.credit) * static_cast<Wide>(total);
    share.credit = share.rate == 0 || total_ == 0 ? 0 : static_cast<int64_t>(scaled / static_cast<Wide>(total_));
    sum += share.credit;
    if (share.rate > shares_[largest].rate) largest = i;
  }
  total_ = total;
  int64_t given = 0;
  for (Share& share : shares_) {
    const auto part = static_cast<Wide>(sum) * static_cast<Wide>(share.rate);
    const auto take = static_cast<int64_t>(part / static_cast<Wide>(total));
    share.credit -= take;
    given += take;
  }
  shares_[largest].credit -= sum - given;
}

void SplitState::UseOnly(std::span<const bool> usable) {
  bool changed = false;
  bool any = false;
  for (size_t i = 0; i < shares_.size(); ++i) {
    any = any || (shares_[i].weight != 0 && IsUsable(usable, i));
    changed = changed || shares_[i].rate != (IsUsable(usable, i) ? shares_[i].weight * kUnitsPerWeight : 0);
  }
  if (!changed || !any) return;
  for (size_t i = 0; i < shares_.size(); ++i) {
    shares_[i].rate = IsUsable(usable, i) ? shares_[i].weight * kUnitsPerWeight : 0;
  }
  Rebase();
}

void SplitState::Advance() noexcept {
  for (Share& share : shares_) share.credit += static_cast<int64_t>(share.rate);
}

template <class P>
std::optional<uint32_t> SplitState::Earliest(P&& permitted) const {
  std::optional<uint32_t> best;
  const auto total = static_cast<int64_t>(total_);
  for (uint32_t i = 0; i < shares_.size(); ++i) {
    const Share& share = shares_[i];
    if (share.rate == 0 || !permitted(i)) continue;
    if (!best.has_value()) {
      best = i;
      continue;
    }
    const Share& other = shares_[*best];
    const bool behind = share.credit > 0;
    if (behind != (other.credit > 0)) {
      if (behind) best = i;
      continue;
    }
    // Its deadline is (total - credit) / rate requests away.
    const auto mine = static_cast<Wide>(total - share.credit) * static_cast<Wide>(other.rate);
    const auto theirs = static_cast<Wide>(total - other.credit) * static_cast<Wide>(share.rate);
    if (behind ? mine < theirs : share.credit > other.credit) best = i;
  }
  return best;
}

std::optional<uint32_t> SplitState::Next() { return NextUsable({}); }

std::optional<uint32_t> SplitState::NextUsable(std::span<const bool> usable) {
  UseOnly(usable);
  bool any = false;
  for (size_t i = 0; i < shares_.size(); ++i) any = any || (shares_[i].rate != 0 && IsUsable(usable, i));
  if (!any) return std::nullopt;
  Advance();
  const std::optional<uint32_t> next = Earliest([](uint32_t) { return true; });
  if (next.has_value()) Pay(*next);
  return next;
}

void SplitState::DrawKey(const ForwardAction& action, base::Rng& rng) {
  const uint64_t key = rng.Next();
  std::array<char, kKeyTextBytes> text;
  FormatKey(key, text);
  const std::optional<uint32_t> cohort = CohortOf(action, {text.data(), text.size()});
  if (!cohort.has_value() || *cohort >= shares_.size()) return;
  Share& share = shares_[*cohort];
  if (share.key_count < kKeysMax) share.keys[share.key_count++] = key;
}

std::optional<SplitState::NewUser> SplitState::NextNewUser(const ForwardAction& action, std::span<const bool> usable,
                                                           base::Rng& rng) {
  UseOnly(usable);
  Advance();
  std::optional<uint32_t> backend = Earliest([](uint32_t) { return true; });
  if (!backend.has_value()) return std::nullopt;
  uint32_t draws = 0;
  while (draws < kDrawsAlways) {
    DrawKey(action, rng);
    ++draws;
  }
  for (; shares_[*backend].key_count == 0 && draws < kDrawsMax; ++draws) DrawKey(action, rng);
  if (shares_[*backend].key_count == 0) {
    backend = Earliest([this](uint32_t i) { return shares_[i].key_count != 0; });
  }
  if (!backend.has_value()) return std::nullopt;
  Pay(*backend);
  Share& share = shares_[*backend];
  return NewUser{*backend, share.keys[--share.key_count]};
}

}  // namespace headgate::routing
