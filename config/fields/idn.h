// International hostnames in the form that DNS and HTTP carry (IDNA 2008, UTS 46).
// Nobody owns it: a function over libidn2.
// Any thread.
#pragma once

#include <string>
#include <string_view>

namespace headgate::config {

/// "xn--mnchen-3ya.de" for "münchen.de", UTF-8; a `*.` at the front stays. Empty if it is not such a name.
std::string AsciiHostname(std::string_view name);

}  // namespace headgate::config
