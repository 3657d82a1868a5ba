// What `POST /probe` does: one request to each endpoint of an upstream, through a worker, on connections of their own.
// A function.
// One thread: the HTTP server's.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstddef>

#include "base/clock.h"
#include "control/admin/metrics_pages.h"
#include "control/pages/message.h"

namespace headgate::control {

inline constexpr size_t kProbesMax = 256;    // endpoints of one probe; further ones are not asked
inline constexpr size_t kProbesAtOnce = 32;  // of one probe
inline constexpr base::Duration kProbeTime = std::chrono::seconds(3);  // of each, to the answer's last byte
inline constexpr size_t kProbeAnswerBytes = size_t{64} * 1024;         // of each; a longer body is cut

/// `?upstream=NAME&path=/x`: a GET each, "/" by default. Resumes when the last one has answered or is late.
boost::asio::awaitable<pages::Response> ProbePage(const PagesContext& pages, const pages::Request& request);

}  // namespace headgate::control
