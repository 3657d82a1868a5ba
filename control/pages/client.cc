#include "control/pages/client.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/system/system_error.hpp>
#include <exception>
#include <utility>

#include "absl/strings/str_cat.h"

namespace headgate::control::pages {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;

constexpr uint64_t kBodyBytesMax = uint64_t{1} << 30U;

beast::http::request<beast::http::empty_body> MessageOf(const Call& call) {
  beast::http::request<beast::http::empty_body> message;
  message.version(11);
  message.method_string(call.method);
  message.target(call.target);
  message.set(beast::http::field::host, call.address.ToString());
  message.set(beast::http::field::connection, "close");
  if (!call.token.empty()) message.set(beast::http::field::authorization, "Bearer " + call.token);
  message.prepare_payload();
  return message;
}

asio::awaitable<Response> Exchange(const Call& call) {
  beast::tcp_stream stream(co_await asio::this_coro::executor);
  stream.expires_after(call.timeout);
  const auto ip = asio::ip::make_address(call.address.ip.ToString());
  co_await stream.async_connect({ip, call.address.port}, asio::use_awaitable);
  auto message = MessageOf(call);
  co_await beast::http::async_write(stream, message, asio::use_awaitable);
  beast::flat_buffer buffer;
  beast::http::response_parser<beast::http::string_body> parser;
  parser.body_limit(kBodyBytesMax);
  co_await beast::http::async_read(stream, buffer, parser, asio::use_awaitable);
  Response response;
  response.status = static_cast<int>(parser.get().result_int());
  const auto type = parser.get()[beast::http::field::content_type];
  response.content_type.assign(type.data(), type.size());
  response.body = std::move(parser.get().body());
  co_return response;
}

}  // namespace

absl::StatusOr<Response> Ask(const Call& call) {
  asio::io_context io{1};
  absl::StatusOr<Response> answer = absl::UnavailableError("no answer");
  asio::co_spawn(io, Exchange(call), [&](const std::exception_ptr& failure, Response response) {
    if (failure == nullptr) {
      answer = std::move(response);
      return;
    }
    try {
      std::rethrow_exception(failure);
    } catch (const boost::system::system_error& error) {
      // Its what() names a place in Boost's source; the message is enough.
      answer = absl::UnavailableError(
          absl::StrCat("no answer from ", call.address.ToString(), ": ", error.code().message()));
    } catch (const std::exception& error) {
      answer = absl::UnavailableError(absl::StrCat("no answer from ", call.address.ToString(), ": ", error.what()));
    }
  });
  io.run();
  return answer;
}

}  // namespace headgate::control::pages
