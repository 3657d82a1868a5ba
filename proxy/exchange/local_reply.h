// Answers of our own: small, JSON or text by Accept, with the reason and the request id; never the upstream's address.
// Pure: composes a head and a body in the exchange's arena.
// One thread: the worker's.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "http/message.h"

namespace headgate::proxy {

// Fills `head` (status, content-type, retry-after, allow, content-length through head.body) and returns the body.
std::string_view ComposeErrorReply(base::ErrorCode code, std::string_view request_id, const http::RequestHead& request,
                                   http::ResponseHead& head);

}  // namespace headgate::proxy
