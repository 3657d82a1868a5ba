// A parsed YAML file as plain nodes with positions: what the decoder walks. Knows nothing of yaml-cpp.
// Owned by whoever read it; views into it live as long as it does.
// Control thread.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

#include "config/located.h"

namespace headgate::config {

enum class NodeKind : uint8_t { kNull, kScalar, kSequence, kMapping };

/// Children are linked by index: a mapping's alternate key and value. Index 0 is the root and never a child.
struct Node {
  NodeKind kind = NodeKind::kNull;
  bool plain = false;     // a scalar without quotes
  bool reported = false;  // the reader has refused it already
  uint32_t line = 0;
  uint32_t column = 0;
  uint32_t length = 0;
  uint32_t first_child = 0;
  uint32_t next = 0;
  uint32_t children = 0;  // of a mapping: keys and values together
  std::string_view text;
};

class YamlTree {
 public:
  bool empty() const { return nodes_.empty(); }
  size_t size() const { return nodes_.size(); }
  const Node& root() const { return nodes_.front(); }
  const Node& at(uint32_t index) const { return nodes_[index]; }
  Node& at(uint32_t index) { return nodes_[index]; }
  const Node& FirstChild(const Node& node) const { return nodes_[node.first_child]; }
  const Node& Next(const Node& node) const { return nodes_[node.next]; }

  uint32_t Add(const Node& node) {
    nodes_.push_back(node);
    return static_cast<uint32_t>(nodes_.size() - 1);
  }

  /// Copies `text` into the tree's own memory.
  std::string_view Keep(std::string_view text) {
    if (text.empty()) return {};
    if (text.size() > left_) {
      left_ = text.size() > kBlockBytes ? text.size() : kBlockBytes;
      blocks_.push_back(std::make_unique<char[]>(left_));
      next_ = blocks_.back().get();
    }
    std::memcpy(next_, text.data(), text.size());
    const std::string_view kept(next_, text.size());
    next_ += text.size();
    left_ -= text.size();
    return kept;
  }

  /// Calls visit(child) for each element of a sequence.
  template <class F>
  void ForEach(const Node& sequence, F visit) const {
    const Node* child = &FirstChild(sequence);
    for (uint32_t i = 0; i < sequence.children; ++i, child = &Next(*child)) visit(*child);
  }

  /// Calls visit(key, value) for each pair of a mapping.
  template <class F>
  void ForEachPair(const Node& mapping, F visit) const {
    const Node* key = &FirstChild(mapping);
    for (uint32_t i = 0; i + 1 < mapping.children; i += 2) {
      const Node& value = Next(*key);
      visit(*key, value);
      key = &Next(value);
    }
  }

 private:
  static constexpr size_t kBlockBytes = 64 * 1024;
  std::vector<Node> nodes_;
  std::vector<std::unique_ptr<char[]>> blocks_;
  char* next_ = nullptr;
  size_t left_ = 0;
};

inline Position PositionOf(const Node& node, uint32_t file) { return {file, node.line, node.column, node.length}; }

}  // namespace headgate::config
