// One file's content, decoded and judged by itself: what a UnitSet keeps of it.
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
#include "config/units.h"

namespace headgate::config {

// Routes with one hostname and match, each on listeners of its own, that are compared: there are fewer listeners.
inline constexpr size_t kComparedMax = 256;

struct UnitContent {
  SharedText text;
  Model model;  // of a file besides the main one: upstreams and routes only
  DiagnosticList diagnostics;
  std::vector<MatchClaim> claims;
  std::vector<const Located<FilePath>*> paths;  // into model: files that are read

  bool IsGood() const { return !diagnostics.HasErrors(); }
};

enum class FileKind : uint8_t {
  kMain,      // may hold any key, and must hold a listener
  kFragment,  // any key, no need of a listener: a piece of a file, or a text that could not be read
  kOther,     // upstreams and routes only
};

/// Never null. Two routes of the file with the same listener, hostname and matches are an error here already.
std::shared_ptr<const UnitContent> DecodeUnit(const SharedText& text, uint32_t file, FileKind kind,
                                              std::string_view directory, const UnitCheck& check);

}  // namespace headgate::config
