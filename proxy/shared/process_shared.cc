#include "proxy/shared/process_shared.h"

#include <algorithm>

namespace headgate::proxy {
namespace {

constexpr uint64_t kControlDescriptors = 64;
constexpr uint64_t kWorkerDescriptors = 8;

}  // namespace

DescriptorShares SharesOf(uint64_t files, uint32_t workers) noexcept {
  if (files == 0) return {};
  const uint64_t kept = kControlDescriptors + kWorkerDescriptors * workers;
  const uint64_t left = std::max({files > kept ? files - kept : 0, files / 4, uint64_t{2}});
  return {.clients = left / 2, .upstreams = left - left / 2};
}

}  // namespace headgate::proxy
