// The small server with a handler of the test's, on a thread of its own.
// Owned by a test.
// Handlers run on that thread, everything else on the test's.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <future>
#include <memory>
#include <thread>
#include <utility>

#include "control/pages/server.h"

namespace headgate::control::pages {

class Served {
 public:
  explicit Served(Handler handler, ServerLimits limits = {}) {
    auto opened = Server::Open(io_, {base::IpAddress::V4(0x7f000001), 0}, std::move(handler), limits);
    EXPECT_TRUE(opened.ok()) << opened.status().ToString();
    server_ = *std::move(opened);
    address_ = server_->address();
    thread_ = std::thread([this] { io_.run(); });
  }
  ~Served() {
    Close();
    guard_.reset();
    io_.stop();
    thread_.join();
  }
  Served(const Served&) = delete;
  Served& operator=(const Served&) = delete;

  const base::SocketAddress& address() const { return address_; }
  uint16_t port() const { return address_.port; }
  /// The server goes; connections that are open stay.
  void Close() {
    std::promise<void> closed;
    boost::asio::post(io_, [&] {
      server_.reset();
      closed.set_value();
    });
    closed.get_future().wait();
  }

 private:
  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard_{io_.get_executor()};
  std::unique_ptr<Server> server_;
  base::SocketAddress address_;
  std::thread thread_;
};

}  // namespace headgate::control::pages
