#include "config/yaml/yaml_reader.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <sstream>
#include <string_view>
#include <utility>
#include <vector>

#include "config/text.h"
#include "config/yaml/column_counter.h"
#include "config/yaml/plain_yaml.h"
#include "config/yaml/syntax_hints.h"
#include "config/yaml/yaml_keys.h"

namespace headgate::config {
namespace {

// Ends the walk over a file that breaks a bound: the problem is in the list already.
struct Stop {};

class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(const std::string& text, uint32_t file, YamlTree& tree, DiagnosticList& diagnostics)
      : text_(text),
        line_starts_(LineStarts(text)),
        columns_(text),
        file_(file),
        tree_(tree),
        diagnostics_(diagnostics) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ == 1) return;
    diagnostics_.Error(Code::kDocuments, Place(mark, 1), "a file holds one document only");
    throw Stop{};
  }
  void OnDocumentEnd() override {}
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override {
    diagnostics_.Error(Code::kAlias, Place(mark, 1), "aliases are not supported: write the value out");
    Node node = MakeNode(NodeKind::kNull, mark, 1);
    node.reported = true;
    Add(node);
  }
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    RefuseAnchor(mark, anchor);
    Add(MakeNode(NodeKind::kNull, mark, 1));
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    RefuseAnchor(mark, anchor);
    RefuseTag(mark, tag);
    const size_t start = Offset(mark);
    const size_t end = ScalarEnd(start, value);
    // yaml-cpp takes the end of the file for the closing quote.
    if (end > text_.size()) {
      diagnostics_.Error(Code::kSyntax, Place(mark, 1), "not valid YAML: the quote is not closed");
      throw Stop{};
    }
    const size_t shown = std::max(start, std::min(end, LineEnd(mark)));
    const uint32_t width = CountColumns(std::string_view(text_).substr(start, shown - start));
    Node node = MakeNode(NodeKind::kScalar, mark, std::max<uint32_t>(1, width));
    node.plain = tag != "!";
    node.text = tree_.Keep(value);
    Add(node);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    Open(NodeKind::kSequence, mark, tag, anchor);
  }
  void OnSequenceEnd() override { stack_.pop_back(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    Open(NodeKind::kMapping, mark, tag, anchor);
  }
  void OnMapEnd() override {
    CheckKeys(tree_, stack_.back().index, file_, diagnostics_);
    stack_.pop_back();
  }

 private:
  struct Level {
    uint32_t index;
    uint32_t last_child;
  };

  // yaml-cpp counts lines and bytes from 0.
  static size_t LineOf(const YAML::Mark& mark) { return static_cast<size_t>(std::max(mark.line, 0)); }
  size_t LineStart(const YAML::Mark& mark) const {
    return LineOf(mark) < line_starts_.size() ? line_starts_[LineOf(mark)] : text_.size();
  }
  size_t Offset(const YAML::Mark& mark) const {
    return std::min(LineStart(mark) + static_cast<size_t>(std::max(mark.column, 0)), text_.size());
  }
  size_t LineEnd(const YAML::Mark& mark) const {
    if (LineOf(mark) + 1 >= line_starts_.size()) return text_.size();
    const size_t end = line_starts_[LineOf(mark) + 1] - 1;
    return end > 0 && text_[end] == '\n' && text_[end - 1] == '\r' ? end - 1 : end;
  }

  Position Place(const YAML::Mark& mark, uint32_t width) {
    return {file_, static_cast<uint32_t>(LineOf(mark) + 1), columns_.ColumnOf(LineStart(mark), Offset(mark)), width};
  }

  Node MakeNode(NodeKind kind, const YAML::Mark& mark, uint32_t width) {
    const Position at = Place(mark, width);
    Node node;
    node.kind = kind;
    node.line = at.line;
    node.column = at.column;
    node.length = at.length;
    return node;
  }

  // Behind a scalar's last byte, beyond the text if its quote is not closed. What is between the quotes has escapes, so
  // the source is asked.
  size_t ScalarEnd(size_t start, const std::string& value) const {
    if (start >= text_.size()) return text_.size();
    const char quote = text_[start];
    if (quote == '|' || quote == '>') return start + 1;
    if (quote != '"' && quote != '\'') return std::min(start + value.size(), text_.size());
    const auto pairs = [&](size_t i) {
      return quote == '"' ? text_[i] == '\\' : i + 1 < text_.size() && text_[i] == quote && text_[i + 1] == quote;
    };
    size_t end = start + 1;
    while (end < text_.size() && (text_[end] != quote || pairs(end))) end += pairs(end) ? 2 : 1;
    return end + 1;
  }

  void RefuseAnchor(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != 0) diagnostics_.Error(Code::kAlias, Place(mark, 1), "anchors are not supported: write the value out");
  }

  // "?" is a plain value, "!" a quoted one.
  void RefuseTag(const YAML::Mark& mark, const std::string& tag) {
    if (tag.empty() || tag == "?" || tag == "!") return;
    diagnostics_.Error(Code::kTag, Place(mark, 1), "tags are not supported: " + Quoted(tag));
  }

  void Open(NodeKind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    RefuseAnchor(mark, anchor);
    RefuseTag(mark, tag);
    if (stack_.size() >= kFileDepthMax) {
      diagnostics_.Error(Code::kTooLarge, Place(mark, 1),
                         "nested more than " + std::to_string(kFileDepthMax) + " levels deep");
      throw Stop{};
    }
    const uint32_t index = Add(MakeNode(kind, mark, 1));
    stack_.push_back({index, 0});
  }

  uint32_t Add(const Node& node) {
    if (tree_.size() >= kFileNodesMax) {
      diagnostics_.Error(Code::kTooLarge, PositionOf(node, file_),
                         "more than " + std::to_string(kFileNodesMax) + " values in one file");
      throw Stop{};
    }
    const uint32_t index = tree_.Add(node);
    if (stack_.empty()) return index;
    Level& level = stack_.back();
    Node& parent = tree_.at(level.index);
    if (parent.children++ == 0) {
      parent.first_child = index;
    } else {
      tree_.at(level.last_child).next = index;
    }
    level.last_child = index;
    return index;
  }

  const std::string& text_;
  std::vector<uint32_t> line_starts_;
  ColumnCounter columns_;
  uint32_t file_;
  YamlTree& tree_;
  DiagnosticList& diagnostics_;
  std::vector<Level> stack_;
  int documents_ = 0;
};

// yaml-cpp guesses encodings and takes what is not UTF-8 for replacement characters; NUL ends its stream.
bool CheckCharacters(const std::string& text, uint32_t file, DiagnosticList& diagnostics) {
  std::string_view rest = text;
  uint32_t line = 1;
  size_t line_start = 0;
  while (!rest.empty()) {
    const auto byte = static_cast<unsigned char>(rest.front());
    const size_t offset = text.size() - rest.size();
    const bool control = (byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') || byte == 0x7F;
    const size_t bytes = Utf8Length(rest);
    if (control || bytes == 0) {
      const uint32_t column = CountColumns(std::string_view(text).substr(line_start, offset - line_start)) + 1;
      const bool utf16 = text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF");
      diagnostics.Error(Code::kCharacters, {file, line, column, 1},
                        control ? "a control character" : "a byte that is not UTF-8",
                        utf16 ? "the file is UTF-16: save it as UTF-8" : "");
      return false;
    }
    rest.remove_prefix(bytes);
    if (byte == '\n') {
      ++line;
      line_start = offset + 1;
    }
  }
  return true;
}

Position PlaceOfMark(const std::string& text, uint32_t file, const YAML::Mark& mark) {
  if (mark.is_null()) return {file, 0, 0, 0};
  const std::vector<uint32_t> starts = LineStarts(text);
  const auto line = std::min(static_cast<size_t>(std::max(mark.line, 0)), starts.size() - 1);
  const std::string_view before =
      std::string_view(text).substr(starts[line], static_cast<size_t>(std::max(mark.column, 0)));
  return {file, static_cast<uint32_t>(line + 1), CountColumns(before) + 1, 1};
}

std::string HintOf(const std::string& text, const YAML::Mark& mark) {
  if (mark.is_null()) return {};
  const std::vector<uint32_t> starts = LineStarts(text);
  const auto line_of = [&](size_t line) {
    const std::string_view rest = std::string_view(text).substr(starts[line]);
    return rest.substr(0, rest.find_first_of("\r\n"));
  };
  const auto line = std::min(static_cast<size_t>(std::max(mark.line, 0)), starts.size() - 1);
  std::string_view above;
  for (size_t i = line; i > 0 && above.empty(); --i) {
    above = line_of(i - 1);
    const size_t first = above.find_first_not_of(" \t");
    if (first == above.npos || above[first] == '#') above = {};
  }
  return SyntaxHint(above, line_of(line), static_cast<size_t>(std::max(mark.column, 0)));
}

// False after a problem that leaves the tree unusable.
bool Walk(const std::string& text, uint32_t file, YamlTree& tree, DiagnosticList& diagnostics) {
  try {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    TreeBuilder builder(text, file, tree, diagnostics);
    while (parser.HandleNextDocument(builder)) {
    }
    return true;
  } catch (const YAML::Exception& error) {
    diagnostics.Error(Code::kSyntax, PlaceOfMark(text, file, error.mark), "not valid YAML: " + error.msg,
                      HintOf(text, error.mark));
  } catch (const Stop&) {
    return false;
  }
  return false;
}

}  // namespace

YamlTree ReadAnyYaml(const std::string& text, uint32_t file, DiagnosticList& diagnostics) {
  YamlTree tree;
  return Walk(text, file, tree, diagnostics) ? std::move(tree) : YamlTree();
}

YamlTree ReadYaml(const std::string& text, uint32_t file, DiagnosticList& diagnostics) {
  YamlTree tree;
  if (text.size() > kFileBytesMax) {
    diagnostics.Error(Code::kTooLarge, {file, 0, 0, 0},
                      "the file is larger than " + std::to_string(kFileBytesMax / 1024 / 1024) + " MiB");
    return tree;
  }
  if (!CheckCharacters(text, file, diagnostics)) return tree;
  return ReadPlainYaml(text, file, diagnostics, tree) ? std::move(tree) : ReadAnyYaml(text, file, diagnostics);
}

}  // namespace headgate::config
