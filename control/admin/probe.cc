#include "control/admin/probe.h"

#include <algorithm>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/json/json.h"
#include "config/text.h"
#include "control/admin/admin_json.h"
#include "proxy/worker/question.h"
#include "proxy/worker/worker_set.h"

namespace headgate::control {
namespace {

namespace asio = boost::asio;
using base::json::Array;
using base::json::Object;
using Questions = std::vector<proxy::Question>;
using Answers = std::vector<proxy::Answer>;

// Some questions, a few at a time; `done` takes the answers in their order. Kept by the questions under way: a worker's
// thread only posts its answer to the executor, whose thread has the rest to itself.
template <class Done>
struct Round {
  const proxy::WorkerSet& server;
  asio::any_io_executor executor;
  Questions questions;
  Done done;
  Answers answers = Answers(questions.size());
  size_t next = 0;
  size_t taken = 0;
};

template <class Done>
void AskNext(const std::shared_ptr<Round<Done>>& round) {
  if (round->next == round->questions.size()) return;
  const size_t index = round->next++;
  round->server.Ask(std::move(round->questions[index]), [round, index](proxy::Answer answer) {
    asio::post(round->executor, [round, index, answer = std::move(answer)]() mutable {
      round->answers[index] = std::move(answer);
      if (++round->taken == round->answers.size()) return std::move(round->done)(std::move(round->answers));
      AskNext(round);
    });
  });
}

// At least one question.
asio::awaitable<Answers> AskAll(const proxy::WorkerSet& server, Questions questions) {
  const auto executor = co_await asio::this_coro::executor;
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<>&, void(Answers)>(
      [&server, &questions, executor](auto done) {
        const auto round = std::make_shared<Round<decltype(done)>>(
            Round<decltype(done)>{server, executor, std::move(questions), std::move(done)});
        for (size_t i = 0; i < kProbesAtOnce; ++i) AskNext(round);
      },
      asio::use_awaitable);
}

// The name that the upstream's certificate has or that it was looked up by, with its port unless that is the scheme's
// own (RFC 9110 7.2); else the address.
std::string AuthorityFor(const routing::UpstreamPolicy& policy, const proxy::EndpointShared& endpoint) {
  const std::string& name = policy.tls.server_name.empty() ? policy.dns_host : policy.tls.server_name;
  if (name.empty()) return endpoint.text;
  const uint16_t port = endpoint.address.port;
  return port == 80 || port == 443 ? name : absl::StrCat(name, ":", port);
}

Questions QuestionsFor(const proxy::UpstreamRuntime& upstream, const proxy::EndpointSet& set, const std::string& path) {
  Questions questions;
  for (const proxy::Endpoint& endpoint : set.endpoints) {
    if (questions.size() == kProbesMax) break;
    proxy::Question question;
    question.upstream = upstream.shared;
    question.only = endpoint.shared;
    question.authority = AuthorityFor(*upstream.policy, *endpoint.shared);
    question.path = path;
    question.limits = {.deadline = kProbeTime, .answer_bytes_max = kProbeAnswerBytes};
    questions.push_back(std::move(question));
  }
  return questions;
}

Object AnswerObject(const std::string& address, const proxy::Answer& answer) {
  Object item;
  item["address"] = address;
  if (answer.status != 0) item["status"] = answer.status;
  item["milliseconds"] = std::chrono::duration_cast<std::chrono::milliseconds>(answer.took).count();
  if (!answer.tls.empty()) item["tls"] = answer.tls;
  // A long body is cut: that is no fault of the upstream.
  const bool cut = answer.status != 0 && answer.error.code == base::ErrorCode::kBodyTooLarge;
  if (answer.error.code == base::ErrorCode::kNone || cut) return item;
  item["error"] = std::string(base::ErrorCodeName(answer.error.code)) + ": " + answer.error.detail;
  return item;
}

// What may stand in a request's line.
bool IsTarget(std::string_view path) {
  return path.starts_with('/') &&
         std::all_of(path.begin(), path.end(), [](char c) { return c > 0x20 && c < 0x7f && c != '#'; });
}

pages::Response UnknownUpstream(const proxy::Snapshot& snapshot, std::string_view name) {
  std::vector<std::string_view> names;
  for (const proxy::UpstreamRuntime& upstream : snapshot.upstreams) names.push_back(upstream.policy->name);
  const std::string hint = config::DidYouMean(name, names);
  return pages::JsonResponse(
      404, ErrorJson(absl::StrCat("no upstream is called ", config::Quoted(name), hint.empty() ? "" : "; ", hint)));
}

pages::Response WithoutEndpoint(const PagesContext& pages, const std::string& name) {
  const std::string problem = pages.names ? pages.names(name).problem : "";
  return pages::JsonResponse(
      200, base::json::SerializePretty(
               Object({{"upstream", name},
                       {"problem", absl::StrCat("the upstream has no endpoint", problem.empty() ? "" : ": ", problem)},
                       {"endpoints", Array()},
                       {"notAsked", 0}})));
}

}  // namespace

asio::awaitable<pages::Response> ProbePage(const PagesContext& pages, const pages::Request& request) {
  const auto in_force = pages.state->in_force();
  if (in_force == nullptr) co_return pages::JsonResponse(503, ErrorJson("starting"));
  const std::string_view name = request.Query("upstream");
  const std::string path(request.Query("path").empty() ? "/" : request.Query("path"));
  if (name.empty()) co_return pages::JsonResponse(400, ErrorJson("upstream= names the upstream"));
  if (!IsTarget(path)) {
    co_return pages::JsonResponse(400, ErrorJson("path= begins with a slash, and is percent-encoded where needed"));
  }
  const auto& upstreams = in_force->snapshot->upstreams;
  const auto upstream = std::find_if(upstreams.begin(), upstreams.end(),
                                     [name](const auto& known) { return known.policy->name == name; });
  if (upstream == upstreams.end()) co_return UnknownUpstream(*in_force->snapshot, name);
  const auto set = EndpointsOfUpstream(*upstream, pages.endpoints);
  if (set == nullptr || set->endpoints.empty()) co_return WithoutEndpoint(pages, upstream->policy->name);
  const Answers answers = co_await AskAll(*pages.server, QuestionsFor(*upstream, *set, path));
  Array items;
  for (size_t i = 0; i < answers.size(); ++i) {
    items.push_back(AnswerObject(set->endpoints[i].shared->text, answers[i]));
  }
  co_return pages::JsonResponse(
      200, base::json::SerializePretty(Object({{"upstream", upstream->policy->name},
                                               {"endpoints", std::move(items)},
                                               {"notAsked", set->endpoints.size() - answers.size()}})));
}

}  // namespace headgate::control
