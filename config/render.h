// Diagnostics as text with a caret, as a compiler prints them, and as JSON.
// Owned by nobody: functions; Sources shares the texts with the units.
// Control thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/diagnostic.h"

namespace headgate::config {

struct Origin;

/// Names and texts of the units that positions point into.
class Sources {
 public:
  void Set(uint32_t file, std::string name, std::shared_ptr<const std::string> text,
           std::shared_ptr<const Origin> origin = nullptr);

  /// The document's name where the unit has an origin. "?" for a unit that is not known.
  std::string_view NameOf(uint32_t file) const;

  /// Null: the unit's text is as its author wrote it.
  const Origin* OriginOf(uint32_t file) const;

  /// Line `line` (from 1) without its end; empty if there is none.
  std::string_view LineOf(uint32_t file, uint32_t line) const;

 private:
  struct Source {
    std::string name;
    std::shared_ptr<const std::string> text;
    std::shared_ptr<const Origin> origin;
    mutable std::vector<uint32_t> line_starts;  // made when first asked
  };
  std::vector<Source> sources_;
};

/// "file:line:column", or the file's name alone for line 0; "document: path" of a unit with an origin.
std::string Place(const Position& at, const Sources& sources);

/// One diagnostic: headline, source line, caret line, each with a newline. Of a unit with an origin the source line,
/// which is not in the document, and the caret are left out.
std::string RenderText(const Diagnostic& diagnostic, const Sources& sources);

/// All of them, then a line that says how many were left out, if any.
std::string RenderText(const DiagnosticList& diagnostics, const Sources& sources);

/// A JSON array of {file, line, column, length, severity, code, message, hint, other}; of a unit with an origin `file`
/// is the document, the line is 0 and `path` is the place in it. `sentences` are errors about files that could not be
/// read: message alone.
std::string RenderJson(const DiagnosticList& diagnostics, const Sources& sources,
                       const std::vector<std::string>& sentences = {});

}  // namespace headgate::config
