// A certificate that nobody vouches for, made on the spot: for the demo and for tests.
// The caller owns the text.
// Any thread.
#pragma once

#include <absl/status/statusor.h>

#include <span>
#include <string>

namespace headgate::base {

struct SelfSigned {
  std::string certificate_pem;
  std::string key_pem;
};

// For the DNS names and IP addresses in `names` (not empty, the first is the subject), valid from an hour ago for
// `days`. P-256, SHA-256.
absl::StatusOr<SelfSigned> MakeSelfSigned(std::span<const std::string> names, int days);

}  // namespace headgate::base
