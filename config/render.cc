#include "config/render.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

#include "config/text.h"
#include "config/unit.h"

namespace headgate::config {
namespace {

// So much of a line is shown: a minified file must not fill a terminal.
constexpr uint32_t kShownColumnsMax = 200;
constexpr uint32_t kShownBefore = 80;  // columns before the place, of a longer line
constexpr std::string_view kCut = "...";

std::string_view SeverityName(Severity severity) { return severity == Severity::kError ? "error" : "warning"; }

// Tabs and control characters would move the caret or the terminal's cursor. Takes what it shows from `line`.
std::string Printable(std::string_view& line, uint32_t columns_max) {
  std::string out;
  for (uint32_t columns = 0; !line.empty() && columns < columns_max; ++columns) {
    const auto byte = static_cast<unsigned char>(line.front());
    const size_t bytes = Utf8Length(line);
    const bool shown = bytes > 0 && byte >= 0x20 && byte != 0x7F;
    out += shown ? line.substr(0, bytes) : std::string_view(byte == '\t' ? " " : "?");
    line.remove_prefix(std::max<size_t>(bytes, 1));
  }
  return out;
}

std::string Printable(std::string_view line) { return Printable(line, kShownColumnsMax); }

// The part of a line around a place in it, and the column in it where the place begins, from 0.
struct Excerpt {
  std::string text;
  uint32_t column = 0;
};

Excerpt ExcerptOf(std::string_view line, const Position& at) {
  Excerpt excerpt;
  excerpt.column = at.column > 0 ? at.column - 1 : 0;
  if (excerpt.column + at.length > kShownColumnsMax && excerpt.column > kShownBefore) {
    Printable(line, excerpt.column - kShownBefore);
    excerpt.text = kCut;
    excerpt.column = kShownBefore + static_cast<uint32_t>(kCut.size());
  }
  excerpt.text += Printable(line, kShownColumnsMax);
  if (!line.empty()) excerpt.text += kCut;
  return excerpt;
}

std::string HintOf(const Diagnostic& diagnostic, const Sources& sources) {
  std::string hint = diagnostic.hint;
  if (diagnostic.other.IsWritten()) {
    if (!hint.empty()) hint += ' ';
    hint += Place(diagnostic.other, sources);
  }
  return hint;
}

void AppendJsonPlace(std::string& out, const Position& at, const Sources& sources) {
  out += "\"file\": ";
  AppendJsonString(out, sources.NameOf(at.file));
  if (const Origin* origin = sources.OriginOf(at.file); origin != nullptr) {
    out += R"(, "line": 0, "column": 0, "length": 0, "path": )";
    AppendJsonString(out, origin->PathAt(at.line));
    return;
  }
  out += ", \"line\": " + std::to_string(at.line) + ", \"column\": " + std::to_string(at.column) +
         ", \"length\": " + std::to_string(at.length);
}

}  // namespace

void Sources::Set(uint32_t file, std::string name, std::shared_ptr<const std::string> text,
                  std::shared_ptr<const Origin> origin) {
  if (file >= sources_.size()) sources_.resize(file + 1);
  sources_[file] = {std::move(name), std::move(text), std::move(origin), {}};
}

std::string_view Sources::NameOf(uint32_t file) const {
  if (const Origin* origin = OriginOf(file); origin != nullptr) return origin->document;
  return file < sources_.size() ? std::string_view(sources_[file].name) : std::string_view("?");
}

const Origin* Sources::OriginOf(uint32_t file) const {
  return file < sources_.size() ? sources_[file].origin.get() : nullptr;
}

std::string_view Sources::LineOf(uint32_t file, uint32_t line) const {
  if (file >= sources_.size() || sources_[file].text == nullptr || line == 0) return {};
  const Source& source = sources_[file];
  const std::string& text = *source.text;
  if (source.line_starts.empty()) source.line_starts = LineStarts(text);
  if (line > source.line_starts.size()) return {};
  const size_t start = source.line_starts[line - 1];
  const size_t end = text.find_first_of("\r\n", start);
  return std::string_view(text).substr(start, end == std::string::npos ? end : end - start);
}

std::string Place(const Position& at, const Sources& sources) {
  std::string place = Printable(sources.NameOf(at.file));
  if (const Origin* origin = sources.OriginOf(at.file); origin != nullptr) {
    const std::string_view path = origin->PathAt(at.line);
    return path.empty() ? place : place + ": " + Printable(path);
  }
  if (at.IsWritten()) place += ":" + std::to_string(at.line) + ":" + std::to_string(at.column);
  return place;
}

std::string RenderText(const Diagnostic& diagnostic, const Sources& sources) {
  std::string out = Place(diagnostic.at, sources);
  out += ": ";
  out += SeverityName(diagnostic.severity);
  out += " " + CodeName(diagnostic.code) + ": " + diagnostic.message + "\n";
  const std::string hint = HintOf(diagnostic, sources);
  if (!diagnostic.at.IsWritten() || sources.OriginOf(diagnostic.at.file) != nullptr) {
    return hint.empty() ? out : out + "      | " + hint + "\n";
  }
  std::array<char, 16> number{};
  std::snprintf(number.data(), number.size(), "%5u | ", diagnostic.at.line);
  const Excerpt excerpt = ExcerptOf(sources.LineOf(diagnostic.at.file, diagnostic.at.line), diagnostic.at);
  out += number.data() + excerpt.text + "\n";
  const uint32_t room = kShownColumnsMax + 1 - std::min(excerpt.column, kShownColumnsMax);
  out += "      | " + std::string(excerpt.column, ' ') + std::string(std::clamp(diagnostic.at.length, 1U, room), '^');
  if (!hint.empty()) out += " " + hint;
  return out + "\n";
}

std::string RenderText(const DiagnosticList& diagnostics, const Sources& sources) {
  std::string out;
  for (const Diagnostic& diagnostic : diagnostics.items()) out += RenderText(diagnostic, sources);
  if (diagnostics.dropped() > 0) out += "and " + std::to_string(diagnostics.dropped()) + " more\n";
  return out;
}

std::string RenderJson(const DiagnosticList& diagnostics, const Sources& sources,
                       const std::vector<std::string>& sentences) {
  std::string out = "[";
  const char* separator = "\n";
  for (const Diagnostic& diagnostic : diagnostics.items()) {
    out += separator;
    separator = ",\n";
    out += "  {";
    AppendJsonPlace(out, diagnostic.at, sources);
    out += ", \"severity\": \"" + std::string(SeverityName(diagnostic.severity)) + "\", \"code\": \"" +
           CodeName(diagnostic.code) + "\", \"message\": ";
    AppendJsonString(out, diagnostic.message);
    out += ", \"hint\": ";
    AppendJsonString(out, diagnostic.hint);
    if (diagnostic.other.IsWritten()) {
      out += ", \"other\": {";
      AppendJsonPlace(out, diagnostic.other, sources);
      out += "}";
    }
    out += "}";
  }
  for (const std::string& sentence : sentences) {
    out += separator;
    separator = ",\n";
    out += R"(  {"file": "", "line": 0, "column": 0, "length": 0, "severity": "error", "code": "", "message": )";
    AppendJsonString(out, sentence);
    out += R"(, "hint": ""})";
  }
  return out + (diagnostics.items().empty() && sentences.empty() ? "]\n" : "\n]\n");
}

}  // namespace headgate::config
