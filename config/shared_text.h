// A unit's text: held once, however many keep it, and hashed once.
// Shared by the source that read it, the units, what is in force and those who show it.
// Const once made: any thread.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "base/crypto/crypto.h"

namespace headgate::config {

class SharedText {
 public:
  SharedText() : SharedText(std::string()) {}
  SharedText(std::string text) : held_(std::make_shared<const Held>(std::move(text))) {}
  SharedText(const char* text) : SharedText(std::string(text)) {}

  const std::string& value() const { return held_->text; }
  bool empty() const { return value().empty(); }
  /// SHA-256 in hex.
  const std::string& digest() const { return held_->digest; }
  std::shared_ptr<const std::string> shared() const { return {held_, &held_->text}; }

  friend bool operator==(const SharedText& a, const SharedText& b) {
    return a.held_ == b.held_ || a.digest() == b.digest();
  }
  friend bool operator==(const SharedText& a, const std::string& b) { return a.value() == b; }
  friend bool operator==(const SharedText& a, const char* b) { return a.value() == b; }

 private:
  struct Held {
    explicit Held(std::string of) : text(std::move(of)), digest(base::Sha256Hex(text)) {}
    std::string text;
    std::string digest;
  };
  std::shared_ptr<const Held> held_;
};

}  // namespace headgate::config
