#include "control/admin/metrics_pages.h"

#include <fmt/core.h>

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "control/reload_text.h"

namespace headgate::control {
namespace {

namespace asio = boost::asio;

constexpr int kScrapesWaitingMax = 4;
constexpr asio::steady_timer::duration kBetweenScrapesMin = std::chrono::milliseconds(1);

// Scrapes take turns, with a rest as long as each took: however many come at one time, a probe waits for one at most.
struct Turns {
  int waiting = 0;
  asio::steady_timer::time_point next;
};

pages::Response Busy() {
  pages::Response response = pages::TextResponse(503, "too many scrapes at one time\n");
  response.headers.emplace_back("Retry-After", "1");
  return response;
}

pages::Response Scrape(const PagesContext& context, const pages::Request& request) {
  if (const auto in_force = context.state->in_force(); in_force != nullptr) {
    RefreshGauges(*context.registry, *in_force->snapshot, context.endpoints, *context.server, context.clock->Now());
  }
  const bool gzip = AcceptsGzip(request.Header("accept-encoding"));
  pages::Response response;
  response.content_type = metrics::Registry::kContentType;
  response.body = context.registry->Scrape(gzip);
  if (gzip) response.headers.emplace_back("Content-Encoding", "gzip");
  response.headers.emplace_back("Vary", "Accept-Encoding");
  return response;
}

asio::awaitable<pages::Response> Metrics(const PagesContext& context, const pages::Request& request, Turns& turns) {
  if (turns.waiting == kScrapesWaitingMax) co_return Busy();
  ++turns.waiting;
  asio::steady_timer turn(co_await asio::this_coro::executor);
  while (asio::steady_timer::clock_type::now() < turns.next) {
    turn.expires_at(turns.next);
    co_await turn.async_wait(asio::use_awaitable);
  }
  --turns.waiting;
  const auto began = asio::steady_timer::clock_type::now();
  pages::Response response = Scrape(context, request);
  const auto ended = asio::steady_timer::clock_type::now();
  turns.next = ended + std::max(ended - began, kBetweenScrapesMin);
  co_return response;
}

pages::Response Live(const PagesContext& context) {
  const base::Duration stalled = context.server->stalled_for();
  if (stalled <= kStalledMax) return pages::TextResponse(200, "ok\n");
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(stalled).count();
  return pages::TextResponse(503, fmt::format("a worker's loop has not turned for {} s\n", seconds));
}

std::string_view PhaseName(Phase phase) {
  switch (phase) {
    case Phase::kStarting:
      return "starting";
    case Phase::kServing:
      return "ready";
    case Phase::kDraining:
      return "draining";
  }
  return "";
}

std::string Verbose(const PagesContext& context) {
  std::string text;
  if (const auto in_force = context.state->in_force(); in_force != nullptr) {
    absl::StrAppend(&text, "configuration: ", in_force->snapshot->hash, "\n");
    absl::StrAppend(&text, "generation: ", in_force->snapshot->generation, "\n");
    absl::StrAppend(&text, "since: ", TimeText(in_force->since), "\n");
  }
  absl::StrAppend(&text, "connections: ", context.server->connections(), "\n");
  const auto report = context.state->last_reload();
  if (report == nullptr) return text;
  absl::StrAppend(&text, "last reload: ", TimeText(report->at),
                  report->ok()      ? " applied"
                  : report->in_part ? " applied in part"
                                    : " failed",
                  "\n");
  if (!report->problems.empty()) absl::StrAppend(&text, "\n", report->problems);
  return text;
}

pages::Response Ready(const PagesContext& context, const pages::Request& request) {
  const Phase phase = context.state->phase();
  std::string text = absl::StrCat(std::string(PhaseName(phase)), "\n");
  for (const auto& [name, value] : request.query) {
    if (name == "verbose") text += Verbose(context);
  }
  return pages::TextResponse(phase == Phase::kServing ? 200 : 503, std::move(text));
}

asio::awaitable<pages::Response> Answer(const PagesContext& context, const pages::Request& request, Turns& turns) {
  const bool known = request.path == "/metrics" || request.path == "/livez" || request.path == "/readyz";
  if (!known) co_return pages::TextResponse(404, "there are /metrics, /livez and /readyz\n");
  if (request.method != "GET" && request.method != "HEAD") {
    pages::Response response = pages::TextResponse(405, "only GET and HEAD\n");
    response.headers.emplace_back("Allow", "GET, HEAD");
    co_return response;
  }
  if (request.path == "/metrics") co_return co_await Metrics(context, request, turns);
  co_return request.path == "/livez" ? Live(context) : Ready(context, request);
}

}  // namespace

bool AcceptsGzip(std::string_view accept_encoding) {
  for (absl::string_view item :
       absl::StrSplit(absl::string_view(accept_encoding.data(), accept_encoding.size()), ',')) {
    const std::vector<absl::string_view> parts = absl::StrSplit(item, ';');
    if (!absl::EqualsIgnoreCase(absl::StripAsciiWhitespace(parts.front()), "gzip")) continue;
    if (parts.size() == 1) return true;
    const absl::string_view weight = absl::StripAsciiWhitespace(parts[1]);
    double q = 0;
    return !absl::StartsWithIgnoreCase(weight, "q=") || (absl::SimpleAtod(weight.substr(2), &q) && q > 0);
  }
  return false;
}

pages::Handler MetricsPages(PagesContext context) {
  return [context = std::move(context), turns = std::make_shared<Turns>()](const pages::Request& request) {
    return Answer(context, request, *turns);
  };
}

}  // namespace headgate::control
