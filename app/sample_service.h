// Versions of a small web service inside the process, for the demo: each answers with its version and what it was sent.
// Owned by the demo.
// A thread of its own for all of them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/ip.h"

namespace headgate::app {

class SampleService {
 public:
  /// One server per version on a free port of 127.0.0.1.
  static absl::StatusOr<std::unique_ptr<SampleService>> Start(const std::vector<std::string>& versions);
  ~SampleService();
  SampleService(const SampleService&) = delete;
  SampleService& operator=(const SampleService&) = delete;

  /// In the order of the versions.
  const std::vector<base::SocketAddress>& addresses() const;

 private:
  struct Impl;
  explicit SampleService(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace headgate::app
