#include "http/connection_options.h"

#include <algorithm>
#include <new>

#include "http/ascii.h"
#include "http/header_traits.h"

namespace headgate::http {
namespace {

constexpr std::string_view kTimeout = "timeout=";
constexpr uint64_t kDay = 86'400;

}  // namespace

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

uint32_t KeepAliveTimeout(std::string_view value) noexcept {
  uint64_t seconds = 0;
  ForEachListElement(value, [&seconds](std::string_view element) {
    if (!EqualsIgnoreCase(element.substr(0, kTimeout.size()), kTimeout)) return true;
    if (!ParseDecimal(element.substr(kTimeout.size()), seconds)) seconds = 0;
    return false;
  });
  return static_cast<uint32_t>(std::min(seconds, kDay));
}

const ConnectionOptions* ConnectionOptions::Kept(base::Arena& arena) const {
  if (named_count_ == 0) return nullptr;
  return new (arena.Allocate(sizeof(ConnectionOptions), alignof(ConnectionOptions))) ConnectionOptions(*this);
}

}  // namespace headgate::http
