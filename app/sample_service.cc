#include "app/sample_service.h"

#include <boost/asio/io_context.hpp>
#include <thread>
#include <utility>

#include "base/json/json.h"
#include "control/pages/server.h"

namespace headgate::app {
namespace {

namespace pages = control::pages;

// The proxy's pool may hold more connections, and longer, than a person's pages need.
constexpr pages::ServerLimits kLimits{.connections_max = 8192,
                                      .head_bytes_max = 64 * 1024,
                                      .body_bytes_max = 1024 * 1024,
                                      .read_time = std::chrono::seconds(300),
                                      .write_time = std::chrono::seconds(60)};

boost::asio::awaitable<pages::Response> Answer(const std::string& version, const pages::Request& request) {
  base::json::Object headers;
  for (const auto& [name, value] : request.headers) headers[name] = value;
  base::json::Object body;
  body["version"] = version;
  body["method"] = request.method;
  body["path"] = request.target;
  body["headers"] = std::move(headers);
  pages::Response response = pages::JsonResponse(200, base::json::Serialize(body) + "\n");
  response.headers.emplace_back("x-version", version);
  co_return response;
}

}  // namespace

struct SampleService::Impl {
  boost::asio::io_context io{1};
  std::vector<std::unique_ptr<pages::Server>> servers;
  std::vector<base::SocketAddress> addresses;
  std::thread thread;
};

SampleService::SampleService(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

absl::StatusOr<std::unique_ptr<SampleService>> SampleService::Start(const std::vector<std::string>& versions) {
  auto impl = std::make_unique<Impl>();
  const base::SocketAddress any_port{base::IpAddress::V4(0x7f000001), 0};
  for (const std::string& version : versions) {
    const auto handler = [version](const pages::Request& request) { return Answer(version, request); };
    auto server = pages::Server::Open(impl->io, any_port, handler, kLimits);
    if (!server.ok()) return server.status();
    impl->addresses.push_back((*server)->address());
    impl->servers.push_back(*std::move(server));
  }
  impl->thread = std::thread([io = &impl->io] { io->run(); });
  return std::unique_ptr<SampleService>(new SampleService(std::move(impl)));
}

SampleService::~SampleService() {
  impl_->io.stop();
  impl_->thread.join();
  impl_->servers.clear();
}

const std::vector<base::SocketAddress>& SampleService::addresses() const { return impl_->addresses; }

}  // namespace headgate::app
