// Keeps the endpoints of upstreams that are named by DNS up to date, and publishes a set when it changed.
// Owned by app's wiring; outlived by its io_context, whose thread has stopped when it goes.
// Prepare: the pipeline's thread. StateOf, EndpointsOf: any thread. Everything else happens on the io_context's thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "control/dns/lookup.h"
#include "proxy/snapshot/snapshot.h"

namespace headgate::control::dns {

/// How it went with an upstream's name.
struct NameState {
  std::optional<base::WallTime> resolved;  // when there was an answer last
  std::string problem;                     // of the last look-up; empty: none
};

class EndpointPublisher {
 public:
  /// How long a new generation waits for names that were not asked for before.
  static constexpr std::chrono::milliseconds kFirstAnswerMax{500};
  static constexpr size_t kLookupsMax = 64;  // at once

  using Publish =
      std::function<void(std::shared_ptr<proxy::UpstreamShared>, std::shared_ptr<const proxy::EndpointSet>)>;
  EndpointPublisher(boost::asio::io_context& io, const LookupOptions& options, Publish publish);
  ~EndpointPublisher();
  EndpointPublisher(const EndpointPublisher&) = delete;
  EndpointPublisher& operator=(const EndpointPublisher&) = delete;

  /// Takes over the names of a snapshot that is about to be published: new ones are resolved (and published) first, for
  /// at most kFirstAnswerMax, so that its first request finds endpoints; those that are gone are forgotten.
  void Prepare(const proxy::Snapshot& snapshot);

  /// Of a name that is not known nothing.
  NameState StateOf(const std::string& upstream) const;

  /// What was published last; null when nothing was.
  std::shared_ptr<const proxy::EndpointSet> EndpointsOf(const std::string& upstream) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace headgate::control::dns
