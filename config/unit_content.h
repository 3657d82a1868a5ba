// One unit's content, decoded and judged by itself: what a UnitSet keeps of it.
// Owned by the UnitSet that made it, shared between "offered" and "in force".
// Control thread; const once made.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/diagnostic.h"
#include "config/match_keys.h"
#include "config/model.h"
#include "config/unit.h"
#include "config/units.h"

namespace headgate::config {

// Routes with one hostname and match, each on listeners of its own, that are compared: there are fewer listeners.
inline constexpr size_t kComparedMax = 256;

struct UnitContent {
  SharedText text;
  std::shared_ptr<const Origin> origin;
  Model model;  // if it is good: only what the unit's kind may hold
  DiagnosticList diagnostics;
  std::vector<MatchClaim> claims;
  std::vector<const Located<FilePath>*> paths;  // into model: files that are read

  bool IsGood() const { return !diagnostics.HasErrors(); }
};

/// Never null. Two routes of the unit with the same listener, hostname and matches are an error here already. A unit
/// that cannot be read is not asked for a listener. `file` is the unit's number in positions.
std::shared_ptr<const UnitContent> DecodeUnit(const Unit& unit, uint32_t file, std::string_view directory,
                                              const UnitCheck& check);

}  // namespace headgate::config
