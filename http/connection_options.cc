#include "http/connection_options.h"

#include <new>

#include "http/ascii.h"
#include "http/header_traits.h"

namespace headgate::http {

const char* ConnectionOptions::Add(std::string_view value) noexcept {
  if (value == "keep-alive") {
    keep_alive_ = true;
    return nullptr;
  }
  const char* fault = nullptr;
  ForEachListElement(value, [&](std::string_view option) {
    fault = AddOption(option);
    return fault == nullptr;
  });
  return fault;
}

const char* ConnectionOptions::AddOption(std::string_view option) noexcept {
  if (EqualsIgnoreCase(option, "keep-alive")) {
    keep_alive_ = true;
    return nullptr;
  }
  if (EqualsIgnoreCase(option, "close")) {
    close_ = true;
    return nullptr;
  }
  if (EqualsIgnoreCase(option, "upgrade")) {
    upgrade_ = true;
    return nullptr;
  }
  if (!IsToken(option)) return "connection is not a list of tokens";
  if (MattersToConnection(option)) return "connection names a field that matters";
  if (named_count_ == kNamedMax) return "connection names too many fields";
  named_[named_count_++] = option;
  return nullptr;
}

void ConnectionOptions::RemoveNamed(HeaderMap& headers) const {
  if (named_count_ == 0) return;
  headers.RemoveIf([this](const HeaderField& field) {
    for (size_t i = 0; i < named_count_; ++i) {
      if (EqualsIgnoreCase(named_[i], field.name)) return true;
    }
    return false;
  });
}

const ConnectionOptions* ConnectionOptions::Kept(base::Arena& arena) const {
  if (named_count_ == 0) return nullptr;
  return new (arena.Allocate(sizeof(ConnectionOptions), alignof(ConnectionOptions))) ConnectionOptions(*this);
}

}  // namespace headgate::http
