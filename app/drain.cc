#include "app/drain.h"

#include <algorithm>
#include <csignal>
#include <utility>

#include "base/log/log.h"

namespace headgate::app {
namespace {

constexpr auto kLookEvery = std::chrono::milliseconds(20);
// Workers empty their listening sockets' queues before they close them.
constexpr auto kFirstLook = std::chrono::milliseconds(100);

}  // namespace

void Drain::Signal() {
  if (std::exchange(begun_, true)) {
    base::log::Warning("second signal: ending at once with {} connections open", parts_.server.connections());
    End();
    return;
  }
  parts_.state.SetPhase(control::Phase::kDraining);
  parts_.pipeline.BeginDrain();
  parts_.server.BeginDrain();
  const auto compiled = parts_.state.in_force()->snapshot->compiled;
  const auto now = std::chrono::steady_clock::now();
  deadline_ = now + compiled->drain_timeout;
  base::log::Info("draining: {} connections, listeners close in {} ms", parts_.server.connections(),
                  std::chrono::duration_cast<std::chrono::milliseconds>(compiled->lame_duck).count());
  timer_.expires_at(std::min(now + compiled->lame_duck, deadline_));
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) Close();
  });
}

void Drain::Close() {
  parts_.server.CloseListeners();
  timer_.expires_after(kFirstLook);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) Look();
  });
}

void Drain::Look() {
  const uint64_t left = parts_.server.connections();
  if (left == 0 || std::chrono::steady_clock::now() >= deadline_) {
    if (left > 0) base::log::Warning("drain timeout: {} connections are reset", left);
    End();
    return;
  }
  timer_.expires_after(kLookEvery);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) Look();
  });
}

void Drain::End() {
  parts_.server.Stop();
  base::log::Info("stopped");
  io_.stop();
}

SignalHandlers::SignalHandlers(boost::asio::io_context& io) : signals_(io, SIGTERM, SIGINT, SIGQUIT) {
  for (const int signal : {SIGHUP, SIGUSR1, SIGUSR2}) signals_.add(signal);
}

void SignalHandlers::Start(SignalActions actions) {
  actions_ = std::move(actions);
  Wait();
}

void SignalHandlers::Wait() {
  signals_.async_wait([this](const boost::system::error_code& error, int signal) {
    if (error) return;
    if (signal == SIGHUP) {
      actions_.reload();
    } else if (signal == SIGUSR1) {
      actions_.reopen();
    } else if (signal == SIGUSR2) {
      base::log::Warning("SIGUSR2 is ignored: it has no meaning here");
    } else {
      actions_.terminate();
    }
    Wait();
  });
}

}  // namespace headgate::app
