// What the framing wall does with each field name it knows: one table for Connection, trailers and imitations.
// Constants.
// Any thread.
#pragma once

#include <string_view>

#include "http/header_name.h"

namespace headgate::http {

// Which case of the wall's switch a field is.
enum class FieldRule : uint8_t {
  kKeep,
  kHost,
  kContentLength,
  kTransferEncoding,
  kConnection,
  kHop,
  kUpgrade,
  kTe,
  kExpect,
  kContentType,
  kWebSocketKey,
  kWebSocketVersion,
  kMaybeImitation,
};

struct HeaderTraits {
  FieldRule rule = FieldRule::kKeep;
  bool matters = false;            // `Connection` may not name it: it would disappear on the way
  bool barred_in_trailer = false;  // framing, routing, authentication, forwarding (RFC 9110 6.5.1)
  bool forwarding = false;         // says who the client is: believed from trusted proxies only
  bool ours = false;               // set or removed by us: imitations with '_' are dropped
};

const HeaderTraits& TraitsOf(HeaderId id) noexcept;

// Whether `lower_case` is the name of a field that we set or remove, with '_' for '-' (CGI makes them one).
bool ImitatesOurField(std::string_view lower_case) noexcept;
// Whether a name that a peer chose (any case) may not be named by `Connection`.
bool MattersToConnection(std::string_view name) noexcept;

}  // namespace headgate::http
