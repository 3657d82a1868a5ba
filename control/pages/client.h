// One request to a headgate that runs: what the commands that ask it use.
// A function.
// Any thread; blocks until the answer or the deadline.
#pragma once

#include <chrono>
#include <string>

#include "absl/status/statusor.h"
#include "base/ip.h"
#include "control/pages/message.h"

namespace headgate::control::pages {

struct Call {
  base::SocketAddress address;
  std::string method = "GET";
  std::string target = "/";
  std::string token;  // empty: none
  std::chrono::seconds timeout{5};
};

/// Unavailable with a sentence when nobody answers.
absl::StatusOr<Response> Ask(const Call& call);

}  // namespace headgate::control::pages
