#include "config/fields/idn.h"

#include <idn2.h>

#include <memory>

namespace headgate::config {

std::string AsciiHostname(std::string_view name) {
  const std::string_view wildcard = name.starts_with("*.") ? name.substr(0, 2) : std::string_view();
  const std::string host(name.substr(wildcard.size()));
  char* made = nullptr;
  if (idn2_to_ascii_8z(host.c_str(), &made, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) != IDN2_OK) return {};
  const std::unique_ptr<char, decltype(&idn2_free)> owned(made, &idn2_free);
  return std::string(wildcard) + made;
}

}  // namespace headgate::config
