// One name to all its addresses, A and AAAA, as the host would resolve it: /etc/hosts, search list, servers. The two
// are asked for apart: one that fails or is slow does no harm to the other. c-ares stays behind it.
// Owned by EndpointPublisher.
// One thread: the one that runs its io_context. Nothing blocks but reading /etc/hosts.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/clock.h"
#include "base/ip.h"

namespace headgate::control::dns {

struct Answer {
  using Addresses = std::vector<base::IpAddress>;  // sorted, each once

  absl::Status status{};  // ok: there is an address; NotFound: there is none; Unavailable: no usable answer
  std::optional<Addresses> v4{}, v6{};  // empty: the name has none of these; absent: nobody said so (yet)
  base::Duration ttl{0};                // the smallest of all records; 0 from /etc/hosts
  bool complete = true;                 // false: the other family's answer is still to come
  std::string missing{};                // why a family is absent although the status is ok

  Addresses addresses() const;
};

struct LookupOptions {
  std::string servers = {};  // "127.0.0.1:5353,[::1]:53"; empty: those of resolv_conf
  std::string resolv_conf = "/etc/resolv.conf";
};

class Lookup {
 public:
  Lookup(boost::asio::io_context& io, const LookupOptions& options);
  /// Answers what is under way with Unavailable.
  ~Lookup();
  Lookup(const Lookup&) = delete;
  Lookup& operator=(const Lookup&) = delete;

  /// When resolv.conf holds something else now: takes servers, search list and options anew, and answers what is under
  /// way with Unavailable. True when it did. Not from within an answer.
  bool Renew();

  /// `done` runs once with a complete answer, and before that when only one family has been found. It may run before
  /// this returns.
  void Resolve(const std::string& host, std::function<void(Answer)> done);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace headgate::control::dns
