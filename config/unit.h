// A unit of the configuration: a text, what it may hold, and where its lines come from. A file is a unit; so is the
// translation of somebody else's object.
// Made by a source (control/source.h); the text and the origin are shared by all who keep the unit.
// Const once made: any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/shared_text.h"

namespace headgate::config {

/// What a unit may hold, and who gets a name, an address or a match that two units claim.
/// Between files the unit in force keeps it; of new ones the first by id gets it. Between objects the lowest order gets
/// it, then the first by id, whoever is in force, so that the result depends on the objects alone. A file goes before
/// every object.
enum class UnitKind : uint8_t {
  kMain,      // the main file: any key, and it must hold a listener
  kFragment,  // a piece of a main file, as in documentation: it needs no listener
  kRoutes,    // a file: upstreams and routes
  kObject,    // listeners, upstreams and routes; it names no file
};

/// The document that a text was translated from. Diagnostics name its places instead of the text's lines.
struct Origin {
  struct Place {
    uint32_t line = 0;  // of the text, from 1: the place holds from here to the next one's line
    std::string path;   // "spec.rules[0].host"
  };
  std::string document;       // "Ingress shop/web"
  std::vector<Place> places;  // by line

  /// Empty: the document as a whole.
  std::string_view PathAt(uint32_t line) const;
};

struct Unit {
  std::string id;  // a unit's identity in a set, and its name where it has no origin: unlike every other one's
  SharedText text = {};
  UnitKind kind = UnitKind::kRoutes;          // of one id always the same
  uint64_t order = 0;                         // kObject: its age, the oldest has the lowest
  std::shared_ptr<const Origin> origin = {};  // null: the text is as its author wrote it. Of the same text the same
  std::string problem = {};  // not empty: the unit is there but cannot be read, and this says why; no text then
};

}  // namespace headgate::config
