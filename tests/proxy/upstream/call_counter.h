// Counts the socket calls of this test binary: send, sendmsg, recv and readv pass through here.
// Stateless for its users; one set of counts for the process.
// Any thread.
#pragma once

#include <cstdint>

namespace headgate::proxy {

struct SocketCalls {
  uint64_t sends = 0;
  uint64_t receives = 0;
};

SocketCalls SocketCallsSoFar() noexcept;

}  // namespace headgate::proxy
