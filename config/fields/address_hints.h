// What was probably meant by an address or a hostname that cannot be read.
// Nobody owns it: functions.
// Any thread.
#pragma once

#include <string>
#include <string_view>

#include "base/ip.h"
#include "config/fields/fields.h"

namespace headgate::config {

std::string ListenAddressHint(std::string_view key, std::string_view text);
std::string UpstreamAddressHint(std::string_view text);
std::string HostnameHint(const Field& field, std::string_view text);

/// "10.0.0.0/8" for 10.0.0.1 and 8 bits.
std::string NetworkOf(const base::IpAddress& ip, unsigned bits);

}  // namespace headgate::config
