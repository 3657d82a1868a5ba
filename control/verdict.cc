#include "control/verdict.h"

#include <algorithm>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "base/rng.h"
#include "http/loop_mark.h"
#include "proxy/exchange/authority.h"
#include "proxy/filters/chain.h"
#include "proxy/reply/outcome.h"
#include "routing/explain_words.h"
#include "routing/policy/judgement.h"
#include "routing/rewrite.h"
#include "routing/split.h"

namespace headgate::control {
namespace {

using base::Error;
using base::ErrorCode;

absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

bool Refuse(const Error& error, Verdict& verdict) {
  if (error.code == ErrorCode::kNone) return false;
  verdict.status = proxy::OutcomeOf(error.code).status;
  verdict.action = absl::StrCat(verdict.status, ": ", error.detail);
  return true;
}

void Redirect(uint16_t status, std::string_view location, Verdict& verdict) {
  verdict.status = status;
  verdict.action = absl::StrCat("redirect ", status, " to ", View(location));
}

std::string_view StickyWords(routing::StickyPolicy::By by) {
  switch (by) {
    case routing::StickyPolicy::By::kNone:
      return "";
    case routing::StickyPolicy::By::kCookie:
      return "cookie";
    case routing::StickyPolicy::By::kHeader:
      return "header";
    case routing::StickyPolicy::By::kClientIp:
      return "client address";
  }
  return "";
}

// A choice at the beginning of a split's sequence, all upstreams usable.
void Forward(const routing::ForwardAction& forward, const routing::Match& match, const JudgedRequest& request,
             Verdict& verdict) {
  routing::SplitState split;
  split.Adopt(forward);
  base::Rng rng(0);
  const auto choice = routing::ChooseBackend(forward, split,
                                             {.head = request.head,
                                              .client = request.client,
                                              .rng = rng,
                                              .arena = request.head.headers.arena(),
                                              .usable = {}});
  if (!choice) {
    Refuse(routing::kNoWeight, verdict);
    return;
  }
  if (Refuse(routing::ApplyRewrite(match.route->rewrite, match, request.head).error(), verdict)) return;
  const std::string& name = forward.backends[choice->backend].name;
  verdict.action = absl::StrCat("forward to ", routing::DescribeBackends(forward));
  if (choice->forced) absl::StrAppend(&verdict.action, "; the request forces ", name);
  if (choice->cohort) absl::StrAppend(&verdict.action, "; sticky by ", View(StickyWords(forward.sticky.by)));
  const auto has_weight = [](const routing::Backend& backend) { return backend.weight != 0; };
  const bool only = std::count_if(forward.backends.begin(), forward.backends.end(), has_weight) == 1;
  if (choice->forced || choice->cohort || only) {
    verdict.upstream = name;
  } else {
    absl::StrAppend(&verdict.action, "; by weight");
  }
}

void Act(const routing::Match& match, const JudgedRequest& request, Verdict& verdict) {
  const routing::RoutePolicy& route = *match.route;
  if (const auto* forward = std::get_if<routing::ForwardAction>(&route.action)) {
    return Forward(*forward, match, request, verdict);
  }
  if (Refuse(routing::JudgeOwnAnswer(route, request.head), verdict)) return;
  if (const auto* redirect = std::get_if<routing::RedirectAction>(&route.action)) {
    const uint16_t port = request.compiled.listeners[request.listener]->public_port;
    const std::string_view location = routing::ComposeLocation(*redirect, match, port, request.head);
    return Redirect(redirect->status, location, verdict);
  }
  verdict.status = std::get<routing::RespondAction>(route.action).status;
  verdict.action = absl::StrCat("respond ", verdict.status);
}

}  // namespace

Verdict JudgeRequest(const JudgedRequest& request) {
  Verdict verdict;
  const http::RequestHead& head = request.head;
  if (Refuse(proxy::CheckLoop(http::LoopMark(), head), verdict)) return verdict;
  if (Refuse(proxy::CheckAuthority(request.connection, head), verdict)) return verdict;
  const routing::ListenerPolicy& listener = *request.compiled.listeners[request.listener];
  if (routing::GoesToHttps(listener.https_redirect, head)) {
    verdict.rule = absl::StrCat("httpsRedirect of listener '", listener.name, "'");
    if (Refuse(routing::JudgeHttpsRedirect(head), verdict)) return verdict;
    Redirect(308, routing::ComposeHttpsLocation(listener.https_redirect, head), verdict);
    return verdict;
  }
  const routing::RouteTable& table = request.compiled.table;
  verdict.routed = true;
  const routing::Match match = table.Find(request.listener, head);
  if (match.route == nullptr) {
    Refuse(proxy::JudgeUnrouted(request.connection, head, table, request.listener), verdict);
    return verdict;
  }
  const routing::RoutePolicy& route = *match.route;
  verdict.limit = routing::DescribeRateLimit(route.rate_limit, request.client);
  if (!Refuse(proxy::JudgeByChain(proxy::MakeChain(route).get(), route, head, request.client), verdict)) {
    Act(match, request, verdict);
  }
  return verdict;
}

}  // namespace headgate::control
