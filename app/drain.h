// From SIGTERM to the end: not ready at once, listeners close after lameDuck, then until nothing is left or time is up.
//
//   serving --Signal--> lame duck --lameDuck--> closing --no connection left, or timeout--> the loop stops
//                           \________________________\____Signal____________________________/
//
// Owned by the process. One thread: the control thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>

#include "control/pipeline.h"
#include "control/state.h"
#include "proxy/worker/worker_set.h"

namespace headgate::app {

struct DrainParts {
  proxy::WorkerSet& server;
  control::Pipeline& pipeline;
  control::State& state;
};

class Drain {
 public:
  Drain(boost::asio::io_context& io, DrainParts parts) : io_(io), parts_(parts), timer_(io) {}
  Drain(const Drain&) = delete;
  Drain& operator=(const Drain&) = delete;

  /// The first begins, the second ends at once.
  void Signal();

 private:
  void Close();
  void Look();
  void End();

  boost::asio::io_context& io_;
  DrainParts parts_;
  boost::asio::steady_timer timer_;
  bool begun_ = false;
  std::chrono::steady_clock::time_point deadline_;
};

struct SignalActions {
  std::function<void()> terminate;  // SIGTERM, SIGINT, SIGQUIT
  std::function<void()> reload;     // SIGHUP
  std::function<void()> reopen;     // SIGUSR1
};

// Signals that come before Start are kept for it: one that comes while the process starts must not kill it.
class SignalHandlers {
 public:
  explicit SignalHandlers(boost::asio::io_context& io);
  SignalHandlers(const SignalHandlers&) = delete;
  SignalHandlers& operator=(const SignalHandlers&) = delete;

  void Start(SignalActions actions);

 private:
  void Wait();

  boost::asio::signal_set signals_;
  SignalActions actions_;
};

}  // namespace headgate::app
