#include "config/yaml/plain_yaml.h"

#include <algorithm>
#include <string>
#include <vector>

#include "config/text.h"
#include "config/yaml/column_counter.h"
#include "config/yaml/yaml_keys.h"
#include "config/yaml/yaml_reader.h"

namespace headgate::config {
namespace {

constexpr size_t kKeyBytesMax = 256;
constexpr std::string_view kIndicators = "-?:,[]{}#&*!|>'\"%@`";
constexpr std::string_view kFlowEnds = ",?[]{}";

// Every function returns false where the text leaves the plain part of YAML; then nothing is read any further.
class PlainReader {
 public:
  PlainReader(std::string_view text, uint32_t file, DiagnosticList& diagnostics, YamlTree& tree)
      : text_(text), columns_(text), file_(file), diagnostics_(diagnostics), tree_(tree) {
    ascii_ = std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  }

  bool Read() {
    if (text_.find_first_of("\t\r") != std::string_view::npos || text_.starts_with("\xEF\xBB\xBF")) return false;
    SkipBlank();
    if (AtEnd() || Byte() == '-') return false;
    if (Byte() != '{') return BlockMapping(Column()) && AtEnd();
    if (!FlowCollection(0) || !LineIsDone()) return false;
    SkipBlank();
    return AtEnd();
  }

 private:
  struct Open {
    uint32_t index = 0;
    uint32_t last_child = 0;
  };

  bool AtEnd() const { return at_ >= text_.size(); }
  char Byte() const { return text_[at_]; }
  char ByteAfter(size_t offset) const { return at_ + offset < text_.size() ? text_[at_ + offset] : '\n'; }
  bool SpaceAfter(size_t offset) const { return ByteAfter(offset) == ' ' || ByteAfter(offset) == '\n'; }
  size_t Column() const { return at_ - line_start_; }

  void NextLine() {
    ++at_;
    ++line_;
    line_start_ = at_;
  }

  // To the next token, on this line or a later one. A '#' begins a comment at a line's start or behind a space.
  void SkipBlank() {
    while (!AtEnd()) {
      if (Byte() == ' ') {
        ++at_;
      } else if (Byte() == '\n') {
        NextLine();
      } else if (Byte() == '#' && (at_ == line_start_ || text_[at_ - 1] == ' ')) {
        at_ = std::min(text_.find('\n', at_), text_.size());
      } else {
        return;
      }
    }
  }

  void SkipSpaces() {
    while (!AtEnd() && Byte() == ' ') ++at_;
  }

  // Nothing but a comment is left on this line.
  bool LineIsDone() {
    const size_t before = at_;
    SkipSpaces();
    return AtEnd() || Byte() == '\n' || (Byte() == '#' && at_ > before);
  }

  // Document marks and directives stand at a line's start.
  bool IsMark() const {
    if (Column() != 0) return false;
    const std::string_view rest = text_.substr(at_, 3);
    return rest == "---" || rest == "..." || rest.starts_with('%');
  }

  Node NodeHere(NodeKind kind) {
    Node node;
    node.kind = kind;
    node.line = line_ + 1;
    node.column = ascii_ ? static_cast<uint32_t>(Column() + 1) : columns_.ColumnOf(line_start_, at_);
    node.length = 1;
    return node;
  }

  bool Add(const Node& node) {
    if (tree_.size() >= kFileNodesMax) return false;
    const uint32_t index = tree_.Add(node);
    if (stack_.empty()) return true;
    Open& open = stack_.back();
    Node& parent = tree_.at(open.index);
    if (parent.children++ == 0) {
      parent.first_child = index;
    } else {
      tree_.at(open.last_child).next = index;
    }
    open.last_child = index;
    return true;
  }

  bool Begin(NodeKind kind) {
    if (stack_.size() >= kFileDepthMax || !Add(NodeHere(kind))) return false;
    stack_.push_back({static_cast<uint32_t>(tree_.size() - 1), 0});
    return true;
  }

  void End() {
    const uint32_t index = stack_.back().index;
    if (tree_.at(index).kind == NodeKind::kMapping) CheckKeys(tree_, index, file_, diagnostics_);
    stack_.pop_back();
  }

  bool AddScalar(const Node& start, std::string_view raw, std::string_view value, bool plain) {
    if (plain && (value.empty() || value == "~" || value == "null" || value == "Null" || value == "NULL")) return false;
    Node node = start;
    node.plain = plain;
    node.length = std::max<uint32_t>(1, ascii_ ? static_cast<uint32_t>(raw.size()) : CountColumns(raw));
    node.text = tree_.Keep(value);
    return Add(node);
  }

  // 'text' or "text" on one line.
  bool QuotedScalar() {
    const Node start = NodeHere(NodeKind::kScalar);
    const size_t begin = at_;
    const char quote = Byte();
    std::string value;
    for (++at_;; ++at_) {
      if (AtEnd() || Byte() == '\n') return false;
      if (Byte() == quote) {
        if (quote == '"' || ByteAfter(1) != quote) break;
        ++at_;
      } else if (Byte() == '\\' && quote == '"') {
        static constexpr std::string_view kEscapes = "\"\\/nrt0";
        static constexpr std::string_view kMeanings("\"\\/\n\r\t\0", 7);
        ++at_;
        const size_t escape = AtEnd() ? kEscapes.npos : kEscapes.find(Byte());
        if (escape == kEscapes.npos) return false;
        value += kMeanings[escape];
        continue;
      }
      value += Byte();
    }
    ++at_;
    return AddScalar(start, text_.substr(begin, at_ - begin), value, false);
  }

  // Where a plain scalar that begins here ends; npos if it does not begin a plain scalar.
  size_t PlainEnd(bool flow) const {
    if (AtEnd() || IsMark()) return std::string_view::npos;
    const bool dash = Byte() == '-' && !SpaceAfter(1) && (!flow || kFlowEnds.find(ByteAfter(1)) == kFlowEnds.npos);
    if (!dash && kIndicators.find(Byte()) != kIndicators.npos) return std::string_view::npos;
    size_t end = at_;
    for (size_t i = at_; i < text_.size() && text_[i] != '\n'; ++i) {
      const char c = text_[i];
      const char next = i + 1 < text_.size() ? text_[i + 1] : '\n';
      if (c == ':' && (next == ' ' || next == '\n')) break;
      if (flow && c == ':' && kFlowEnds.find(next) != kFlowEnds.npos) return std::string_view::npos;
      if (flow && kFlowEnds.find(c) != kFlowEnds.npos) break;
      if (c == '#' && text_[i - 1] == ' ') break;
      if (c != ' ') end = i + 1;
    }
    return end;
  }

  bool PlainScalar(bool flow) {
    const size_t end = PlainEnd(flow);
    if (end == std::string_view::npos || end == at_) return false;
    const Node start = NodeHere(NodeKind::kScalar);
    const std::string_view raw = text_.substr(at_, end - at_);
    at_ = end;
    return AddScalar(start, raw, raw, true);
  }

  bool Scalar(bool flow) { return Byte() == '"' || Byte() == '\'' ? QuotedScalar() : PlainScalar(flow); }

  // Whether a key and its colon begin here.
  bool KeyIsHere() const {
    if (Byte() == '{' || Byte() == '[') return false;
    size_t end = at_;
    if (Byte() == '"' || Byte() == '\'') {
      end = text_.find(Byte(), at_ + 1);
      if (end == std::string_view::npos) return false;
      ++end;
    } else {
      end = PlainEnd(false);
      if (end == std::string_view::npos) return false;
    }
    while (end < text_.size() && text_[end] == ' ') ++end;
    return end < text_.size() && text_[end] == ':' && end - at_ < kKeyBytesMax &&
           (end + 1 >= text_.size() || text_[end + 1] == ' ' || text_[end + 1] == '\n');
  }

  // `any`: whatever follows it, as behind a quoted key of a flow mapping.
  bool Colon(bool any) {
    SkipSpaces();
    if (AtEnd() || Byte() != ':' || !(any || SpaceAfter(1))) return false;
    ++at_;
    return true;
  }

  // A flow collection or a scalar, then the end of the line. `indent`: the column of the collection that it stands in.
  bool InlineValue(size_t indent) {
    const bool read = Byte() == '{' || Byte() == '[' ? FlowCollection(indent + 1) : Scalar(false);
    return read && LineIsDone();
  }

  bool BlockMapping(size_t column) {
    if (!Begin(NodeKind::kMapping)) return false;
    while (true) {
      if (IsMark() || !KeyIsHere() || !Scalar(false) || !Colon(false)) return false;
      if (LineIsDone()) {
        SkipBlank();
        if (AtEnd()) return false;
        const bool sequence = Byte() == '-' && SpaceAfter(1);
        if (Column() < column || (Column() == column && !sequence)) return false;
        if (!(sequence ? BlockSequence(Column()) : BlockOnOwnLine(Column()))) return false;
      } else if (!InlineValue(column)) {
        return false;
      }
      SkipBlank();
      if (AtEnd() || Column() < column) break;
      if (Column() > column) return false;
    }
    End();
    return true;
  }

  bool BlockOnOwnLine(size_t column) { return KeyIsHere() && BlockMapping(column); }

  bool BlockSequence(size_t column) {
    if (!Begin(NodeKind::kSequence)) return false;
    while (true) {
      if (IsMark() || Byte() != '-' || !SpaceAfter(1)) return false;
      ++at_;
      if (LineIsDone()) SkipBlank();
      if (AtEnd() || Column() <= column || !SequenceItem(column)) return false;
      SkipBlank();
      if (AtEnd() || Column() < column) break;
      if (Column() > column) return false;
      // A mapping's value may be a sequence in the mapping's own column: then its next key ends the sequence.
      if (Byte() != '-' || !SpaceAfter(1)) break;
    }
    End();
    return true;
  }

  bool SequenceItem(size_t column) {
    if (Byte() == '-' && SpaceAfter(1)) return BlockSequence(Column());
    return KeyIsHere() ? BlockMapping(Column()) : InlineValue(column);
  }

  // Blank space inside a flow collection: a further line must be indented more than the block around it.
  bool FlowBlank(size_t column_min) {
    const uint32_t line = line_;
    SkipBlank();
    return !AtEnd() && (line == line_ || Column() >= column_min);
  }

  bool FlowCollection(size_t column_min) {
    const bool mapping = Byte() == '{';
    const char close = mapping ? '}' : ']';
    if (!Begin(mapping ? NodeKind::kMapping : NodeKind::kSequence)) return false;
    ++at_;
    if (!FlowBlank(column_min)) return false;
    for (bool first = true; Byte() != close; first = false) {
      if (!first) {
        if (Byte() != ',') return false;
        ++at_;
        if (!FlowBlank(column_min) || Byte() == close) return false;
      }
      const bool quoted = Byte() == '"' || Byte() == '\'';
      if (mapping && (!Scalar(true) || !Colon(quoted) || !FlowBlank(column_min))) return false;
      const bool nested = Byte() == '{' || Byte() == '[';
      if (!(nested ? FlowCollection(column_min) : Scalar(true)) || !FlowBlank(column_min)) return false;
    }
    ++at_;
    End();
    return true;
  }

  std::string_view text_;
  ColumnCounter columns_;
  uint32_t file_;
  DiagnosticList& diagnostics_;
  YamlTree& tree_;
  std::vector<Open> stack_;
  size_t at_ = 0;
  size_t line_start_ = 0;
  uint32_t line_ = 0;
  bool ascii_ = false;
};

}  // namespace

bool ReadPlainYaml(std::string_view text, uint32_t file, DiagnosticList& diagnostics, YamlTree& tree) {
  DiagnosticList found;
  if (!PlainReader(text, file, found, tree).Read()) return false;
  diagnostics.Append(found);
  return true;
}

}  // namespace headgate::config
