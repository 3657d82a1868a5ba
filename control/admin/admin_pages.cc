#include "control/admin/admin_pages.h"

#include <algorithm>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "base/crypto/crypto.h"
#include "control/admin/admin_json.h"
#include "control/admin/probe.h"
#include "control/explain_request.h"
#include "control/files/token.h"

namespace headgate::control {
namespace {

namespace asio = boost::asio;
using Report = std::shared_ptr<const ReloadReport>;

constexpr absl::string_view kBearer = "Bearer ";
constexpr std::string_view kPages =
    "there are /config, /routes, /upstreams, /certificates, /explain, POST /probe and POST /reload";

// The configuration's in force, as of this request. While that has another address, which takes a restart, or none, the
// listener must not stand open for want of a token: then as it was opened.
std::string TokenFile(const AdminContext& context) {
  const auto in_force = context.pages.state->in_force();
  if (in_force == nullptr) return context.token_file;
  const routing::Compiled& compiled = *in_force->snapshot->compiled;
  const bool moves = compiled.admin_address != context.address;
  return moves && compiled.admin_token_file.empty() ? context.token_file : compiled.admin_token_file;
}

// Read at each request: a new token is in force with the file's next content.
bool HasToken(const pages::Request& request, const std::string& token_file) {
  const auto token = ReadToken(token_file);
  std::string_view given = request.Header("authorization");
  if (!token.ok() || !absl::StartsWithIgnoreCase(absl::string_view(given.data(), given.size()), kBearer)) return false;
  given.remove_prefix(kBearer.size());
  return base::ConstantTimeEqual(given, *token);
}

asio::awaitable<Report> AwaitReload(Pipeline& pipeline) {
  const auto executor = co_await asio::this_coro::executor;
  // Spelled with a token of its own type: the coroutine resumes on the server's thread, not on the pipeline's.
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<>&, void(Report)>(
      [&pipeline, executor](auto handler) {
        auto shared = std::make_shared<decltype(handler)>(std::move(handler));
        pipeline.Reload(Trigger::kRequest, [shared, executor](Report report) {
          asio::post(executor,
                     [shared, report = std::move(report)]() mutable { std::move (*shared)(std::move(report)); });
        });
      },
      asio::use_awaitable);
}

int StatusOf(const ReloadReport& report) {
  switch (report.outcome) {
    case ReloadOutcome::kApplied:
      return 200;
    case ReloadOutcome::kConfiguration:
      return 422;
    case ReloadOutcome::kAddress:
      return 409;
    case ReloadOutcome::kRefused:
      return 503;
  }
  return 500;
}

pages::Response ExplainPage(const InForce& in_force, const pages::Request& request) {
  AskedRequest asked;
  asked.method = request.Query("method").empty() ? "GET" : std::string(request.Query("method"));
  asked.url = request.Query("url");
  asked.listener = request.Query("listener");
  const std::string_view client = request.Query("client");
  const auto ip = client.empty() ? base::IpAddress::V4(0x7f000001) : base::IpAddress::Parse(client);
  if (!ip) return pages::JsonResponse(400, ErrorJson("client= is not an IP address"));
  asked.client = *ip;
  for (const auto& [name, value] : request.query) {
    if (name != "header") continue;
    const size_t colon = value.find(':');
    if (colon == std::string::npos) return pages::JsonResponse(400, ErrorJson("header=name:value"));
    asked.headers.emplace_back(value.substr(0, colon),
                               std::string(absl::StripAsciiWhitespace(value.substr(colon + 1))));
  }
  const auto explanation = ExplainRequest(*in_force.snapshot->compiled, asked, [&in_force](uint32_t listener) {
    return in_force.snapshot->listeners[listener].certificates;
  });
  if (!explanation.ok()) {
    const absl::string_view message = explanation.status().message();
    return pages::JsonResponse(400, ErrorJson({message.data(), message.size()}));
  }
  const RouteOrigins origins = OriginsOf(*in_force.snapshot->compiled, in_force.places);
  return pages::JsonResponse(200, ExplanationAsJson(*explanation, origins));
}

pages::Response Page(const AdminContext& context, const pages::Request& request) {
  const auto in_force = context.pages.state->in_force();
  if (in_force == nullptr) return pages::JsonResponse(503, ErrorJson("starting"));
  if (request.path == "/config") {
    return pages::JsonResponse(200, ConfigJson(*in_force, context.pages.state->last_reload().get()));
  }
  if (request.path == "/routes") return pages::JsonResponse(200, RoutesJson(*in_force));
  if (request.path == "/upstreams") {
    const PagesContext& pages = context.pages;
    return pages::JsonResponse(200, UpstreamsJson(*in_force, pages.endpoints, pages.names, pages.clock->Now()));
  }
  if (request.path == "/certificates") return pages::JsonResponse(200, CertificatesJson(*in_force->snapshot));
  if (request.path == "/explain") return ExplainPage(*in_force, request);
  return pages::JsonResponse(404, ErrorJson(kPages));
}

pages::Response NotAllowed(const char* allow) {
  pages::Response response = pages::JsonResponse(405, ErrorJson("method not allowed"));
  response.headers.emplace_back("Allow", allow);
  return response;
}

asio::awaitable<pages::Response> Answer(const AdminContext& context, const pages::Request& request) {
  const auto hosts = std::count_if(request.headers.begin(), request.headers.end(),
                                   [](const auto& field) { return field.first == "host"; });
  if (hosts > 1) co_return pages::JsonResponse(400, ErrorJson("more than one Host"));
  const std::string token_file = TokenFile(context);
  // Where a token is asked for any name will do, such as a Service's: another site does not know the token.
  if (token_file.empty() && !IsOwnHost(request.Header("host"), context.address)) {
    co_return pages::JsonResponse(421, ErrorJson("this Host is not the admin listener's"));
  }
  if (!token_file.empty() && !HasToken(request, token_file)) {
    pages::Response response = pages::JsonResponse(401, ErrorJson("a token is needed: Authorization: Bearer ..."));
    response.headers.emplace_back("WWW-Authenticate", "Bearer");
    co_return response;
  }
  if (request.path == "/reload" || request.path == "/probe") {
    if (request.method != "POST") co_return NotAllowed("POST");
    // A form of another site can send a POST to loopback, but not without saying where it comes from.
    if (!request.Header("origin").empty()) co_return pages::JsonResponse(403, ErrorJson("not from a browser"));
    if (request.path == "/probe") co_return co_await ProbePage(context.pages, request);
    const Report report = co_await AwaitReload(*context.pipeline);
    co_return pages::JsonResponse(StatusOf(*report), ReloadJson(*report));
  }
  if (request.method != "GET" && request.method != "HEAD") co_return NotAllowed("GET, HEAD");
  co_return Page(context, request);
}

}  // namespace

bool IsOwnHost(std::string_view host, const base::SocketAddress& address) {
  const size_t colon = host.rfind(':');
  const bool has_port = colon != std::string_view::npos && host.find(']', colon) == std::string_view::npos;
  std::string name = absl::AsciiStrToLower(std::string(host.substr(0, has_port ? colon : host.size())));
  if (name == "localhost") return true;
  if (name.size() > 2 && name.front() == '[' && name.back() == ']') name = name.substr(1, name.size() - 2);
  const auto ip = base::IpAddress::Parse(name);
  if (!ip) return false;
  const bool any = address.ip == base::IpAddress() || address.ip == base::IpAddress::V4(0);
  return ip->is_loopback() || *ip == address.ip || any;
}

pages::Handler AdminPages(AdminContext context) {
  return [context = std::move(context)](const pages::Request& request) { return Answer(context, request); };
}

}  // namespace headgate::control
