// A request to the process itself (admin, metrics, samples) and the answer to it, as plain data.
// Owned by the session that read it.
// One thread: the server's.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace headgate::control::pages {

struct Request {
  std::string method;
  std::string target;                                        // as it came
  std::string path;                                          // up to the '?', decoded
  std::vector<std::pair<std::string, std::string>> query;    // decoded, in order
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string body;

  /// The first of that name (lower case); empty when there is none.
  std::string_view Header(std::string_view name) const;
  std::string_view Query(std::string_view name) const;
};

struct Response {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
};

using Handler = std::function<boost::asio::awaitable<Response>(const Request&)>;

/// Fills path and query from target.
void SplitTarget(Request& request);

Response TextResponse(int status, std::string text);
Response JsonResponse(int status, std::string json);

}  // namespace headgate::control::pages
