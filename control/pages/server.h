// A small HTTP/1.1 server for the process's own pages: bounded heads, bodies, connections and times. Off the request
// path: one coroutine a connection.
// Owned by app's wiring. One thread: the one that runs its io_context, which outlives it.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstddef>
#include <memory>

#include "absl/status/statusor.h"
#include "base/ip.h"
#include "control/pages/message.h"

namespace headgate::control::pages {

struct ServerLimits {
  size_t connections_max = 256;  // one more closes the one that has waited longest for its client
  size_t head_bytes_max = 16 * 1024;
  size_t body_bytes_max = 64 * 1024;
  size_t answer_bytes_max = 32 * 1024 * 1024;  // of large answers together; one more closes the slowest reader's
  std::chrono::seconds read_time{15};          // for a whole request, the wait for its first byte included
  std::chrono::seconds write_time{30};
};

class Server {
 public:
  /// Listens at once. The error names address and reason as proxy::net::ListenSocket's do.
  static absl::StatusOr<std::unique_ptr<Server>> Open(boost::asio::io_context& io, const base::SocketAddress& address,
                                                      Handler handler, ServerLimits limits = {});
  /// Closes the listening socket; connections end with their present request.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// With the real port.
  base::SocketAddress address() const;

 private:
  struct Impl;
  explicit Server(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<Impl> impl_;  // shared with the sessions under way
};

}  // namespace headgate::control::pages
