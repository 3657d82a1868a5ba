// One name to all its addresses, A and AAAA, as the host would resolve it: /etc/hosts, search list, servers. c-ares
// stays behind it.
// Owned by EndpointPublisher.
// One thread: the one that runs its io_context. Nothing blocks but reading /etc/hosts.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/clock.h"
#include "base/ip.h"

namespace headgate::control::dns {

struct Answer {
  absl::Status status;                     // NotFound: no such name or no address; Unavailable: no usable answer
  std::vector<base::IpAddress> addresses;  // sorted, each once; not empty when the status is ok
  base::Duration ttl{0};                   // the smallest of all records; 0 from /etc/hosts
};

class Lookup {
 public:
  /// `servers` as in ProcessOptions::dns_servers; empty: the host's.
  Lookup(boost::asio::io_context& io, const std::string& servers);
  /// Answers what is under way with Unavailable.
  ~Lookup();
  Lookup(const Lookup&) = delete;
  Lookup& operator=(const Lookup&) = delete;

  /// `done` may run before this returns.
  void Resolve(const std::string& host, std::function<void(Answer)> done);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace headgate::control::dns
