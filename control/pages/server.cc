#include "control/pages/server.h"

#include <unistd.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "base/log/log.h"
#include "proxy/net/listen_socket.h"

namespace headgate::control::pages {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;

constexpr auto kAcceptPause = std::chrono::milliseconds(100);
constexpr size_t kLargeAnswer = 64 * 1024;

std::string Text(beast::string_view view) { return {view.data(), view.size()}; }

Request FromBeast(beast::http::request<beast::http::string_body>& message) {
  Request request;
  request.method = Text(message.method_string());
  request.target = Text(message.target());
  for (const auto& field : message) {
    request.headers.emplace_back(absl::AsciiStrToLower(Text(field.name_string())), Text(field.value()));
  }
  request.body = std::move(message.body());
  SplitTarget(request);
  return request;
}

beast::http::response<beast::http::string_body> ToBeast(Response response, bool keep_alive, unsigned version) {
  beast::http::response<beast::http::string_body> message;
  message.version(version);
  message.result(static_cast<unsigned>(response.status));
  message.set(beast::http::field::content_type, response.content_type);
  message.set(beast::http::field::cache_control, "no-store");
  message.set("X-Content-Type-Options", "nosniff");
  for (const auto& [name, value] : response.headers) message.set(name, value);
  message.body() = std::move(response.body);
  message.keep_alive(keep_alive);
  message.prepare_payload();
  return message;
}

}  // namespace

struct Wait {
  beast::tcp_stream* stream = nullptr;
  size_t answer_bytes = 0;  // that its client has to take; 0: a request is awaited
};

struct Server::Impl {
  Impl(asio::io_context& context, Handler given, ServerLimits bounds)
      : io(context), acceptor(context), handler(std::move(given)), limits(bounds) {}

  // `self` keeps what a session uses; a coroutine's parameters live in its frame.
  static asio::awaitable<void> Accept(std::shared_ptr<Impl> self);
  static asio::awaitable<void> Serve(std::shared_ptr<Impl> self, tcp::socket socket);
  static asio::awaitable<bool> Turn(Impl& self, beast::tcp_stream& stream, beast::flat_buffer& buffer);
  asio::awaitable<Response> Answer(const Request& request) const;
  void Close(std::vector<Wait>::iterator wait);
  void MakeRoom(size_t answer_bytes);

  asio::io_context& io;
  tcp::acceptor acceptor;
  Handler handler;
  ServerLimits limits;
  size_t sessions = 0;
  std::vector<Wait> waiting;  // for their clients, the longest wait first
  bool closed = false;
};

// In a server's `waiting` while it lives.
class Waiting {
 public:
  Waiting(std::vector<Wait>& all, beast::tcp_stream& stream, size_t answer_bytes = 0) : all_(all), stream_(&stream) {
    all_.push_back({stream_, answer_bytes});
  }
  ~Waiting() {
    std::erase_if(all_, [this](const Wait& wait) { return wait.stream == stream_; });
  }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;

 private:
  std::vector<Wait>& all_;
  beast::tcp_stream* stream_;
};

void Server::Impl::Close(std::vector<Wait>::iterator wait) {
  wait->stream->close();
  waiting.erase(wait);
}

// Whoever reads slowly holds our memory: of large answers the one that has been under way longest gives way.
void Server::Impl::MakeRoom(size_t answer_bytes) {
  const auto is_large = [](const Wait& wait) { return wait.answer_bytes > kLargeAnswer; };
  size_t held = answer_bytes;
  for (const Wait& wait : waiting) held += wait.answer_bytes;
  while (held > limits.answer_bytes_max) {
    const auto oldest = std::find_if(waiting.begin(), waiting.end(), is_large);
    if (oldest == waiting.end()) return;  // alone an answer may be larger
    held -= oldest->answer_bytes;
    Close(oldest);
  }
}

asio::awaitable<Response> Server::Impl::Answer(const Request& request) const {
  std::string problem;
  try {
    co_return co_await handler(request);
  } catch (const std::exception& error) {
    problem = error.what();
  }
  base::log::Error("{} {}: {}", request.method, request.path, problem);
  co_return TextResponse(500, "internal error\n");
}

// One request and its answer; false when the connection is done.
asio::awaitable<bool> Server::Impl::Turn(Impl& self, beast::tcp_stream& stream, beast::flat_buffer& buffer) {
  boost::system::error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  beast::http::request_parser<beast::http::string_body> parser;
  parser.header_limit(static_cast<uint32_t>(self.limits.head_bytes_max));
  parser.body_limit(self.limits.body_bytes_max);
  stream.expires_after(self.limits.read_time);
  {
    const Waiting waiting(self.waiting, stream);
    co_await beast::http::async_read(stream, buffer, parser, token);
  }
  Response response;
  bool keep_alive = false;
  bool is_head = false;
  unsigned version = 11;
  if (error == beast::http::error::header_limit) {
    response = TextResponse(431, "request header fields too large\n");
  } else if (error == beast::http::error::body_limit) {
    response = TextResponse(413, "content too large\n");
  } else if (error && error.category() == beast::http::make_error_code(beast::http::error::bad_target).category() &&
             error != beast::http::error::end_of_stream && error != beast::http::error::partial_message) {
    response = TextResponse(400, "bad request\n");
  } else if (error) {
    co_return false;
  } else {
    keep_alive = parser.get().keep_alive() && !self.closed;
    version = parser.get().version();
    Request request = FromBeast(parser.get());
    is_head = request.method == "HEAD";
    stream.expires_never();
    response = co_await self.Answer(request);
  }
  auto message = ToBeast(std::move(response), keep_alive, version);
  beast::http::response_serializer<beast::http::string_body> serializer(message);
  self.MakeRoom(message.body().size());
  const Waiting waiting(self.waiting, stream, message.body().size());
  stream.expires_after(self.limits.write_time);
  if (is_head) {
    serializer.split(true);
    co_await beast::http::async_write_header(stream, serializer, token);
  } else {
    co_await beast::http::async_write(stream, serializer, token);
  }
  co_return !error && keep_alive;
}

asio::awaitable<void> Server::Impl::Serve(std::shared_ptr<Impl> self, tcp::socket socket) {
  beast::tcp_stream stream(std::move(socket));
  beast::flat_buffer buffer(self->limits.head_bytes_max + self->limits.body_bytes_max);
  try {
    while (co_await Turn(*self, stream, buffer)) {
    }
  } catch (const std::exception&) {
    // The peer is gone, or sent what is no HTTP: nobody is left to tell.
  }
  boost::system::error_code ignored;
  stream.socket().shutdown(tcp::socket::shutdown_send, ignored);
  --self->sessions;
}

asio::awaitable<void> Server::Impl::Accept(std::shared_ptr<Impl> self) {
  boost::system::error_code error;
  while (!self->closed) {
    tcp::socket socket(self->io);
    co_await self->acceptor.async_accept(socket, asio::redirect_error(asio::use_awaitable, error));
    if (self->closed) break;
    if (error) {
      asio::steady_timer pause(self->io, kAcceptPause);  // no descriptor free: do not spin
      co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, error));
      continue;
    }
    if (self->sessions >= self->limits.connections_max) {
      if (self->waiting.empty()) continue;
      self->Close(self->waiting.begin());
    }
    ++self->sessions;
    socket.set_option(tcp::no_delay(true), error);
    asio::co_spawn(self->io, Serve(self, std::move(socket)), asio::detached);
  }
}

absl::StatusOr<std::unique_ptr<Server>> Server::Open(asio::io_context& io, const base::SocketAddress& address,
                                                     Handler handler, ServerLimits limits) {
  // The proxy's own way of listening: it finds a port that another process holds, and says so in the same words.
  const proxy::net::ListenAddress wanted{address, address.ip == base::IpAddress()};
  if (absl::Status status = proxy::net::ListenSocket::CheckFree(wanted); !status.ok()) return status;
  auto sockets = proxy::net::ListenSocket::Open(wanted, 1);
  if (!sockets.ok()) return sockets.status();
  const int descriptor = ::dup(sockets->front()->descriptor());
  if (descriptor < 0) return absl::ErrnoToStatus(errno, "cannot listen on " + address.ToString());
  auto impl = std::make_shared<Impl>(io, std::move(handler), limits);
  impl->acceptor.assign(address.ip.is_v4() ? tcp::v4() : tcp::v6(), descriptor);
  asio::co_spawn(io, Impl::Accept(impl), asio::detached);
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

Server::~Server() {
  impl_->closed = true;
  boost::system::error_code ignored;
  impl_->acceptor.close(ignored);
}

base::SocketAddress Server::address() const {
  return proxy::net::LocalAddressOf(const_cast<tcp::acceptor&>(impl_->acceptor).native_handle());
}

}  // namespace headgate::control::pages
