// The limits of one listener, global ones and its own merged; the table is in docs/configuration.md (`limits`).
// Part of a compiled configuration: const once published.
// Any thread.
#pragma once

#include <cstdint>

#include "base/clock.h"

namespace headgate::routing {

struct LimitsPolicy {
  uint32_t request_head_bytes = 32 * 1024;
  uint32_t field_bytes = 16 * 1024;
  uint32_t fields = 100;
  uint32_t target_bytes = 8 * 1024;
  base::Duration head_timeout = std::chrono::seconds(10);
  base::Duration keep_alive = std::chrono::seconds(60);
  base::Duration tls_handshake = std::chrono::seconds(5);
  base::Duration body_idle = std::chrono::seconds(15);  // 0: none
  uint32_t body_bytes_per_second = 240;                 // over 30 s; 0: none
  uint32_t read_bytes_per_second = 34;                  // over 30 s; 0: none
  uint32_t upstream_head_bytes = 64 * 1024;
  uint32_t stream_buffer_bytes = 64 * 1024;
  uint32_t h2_streams = 100;                       // at one time, of one connection
  uint32_t h2_window_bytes = 64 * 1024;            // where a stream's window starts
  uint32_t h2_connection_bytes = 4 * 1024 * 1024;  // held for one connection, both directions
  uint64_t max_connections = 0;                    // of this listener, 0: none
  uint64_t max_connections_per_client = 0;         // of the process, 0: none
  bool operator==(const LimitsPolicy&) const = default;
};

}  // namespace headgate::routing
