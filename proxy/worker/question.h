// A call that another thread asks a worker for, and what came of it.
// A Question goes to the worker by mailbox; an Asking lives there until its answer is told.
// Asking: the worker's thread. Question and Answer: one thread at a time.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/intrusive_list.h"
#include "proxy/exchange/call.h"
#include "proxy/net/graveyard.h"

namespace headgate::proxy {

using TextFields = std::vector<std::pair<std::string, std::string>>;  // name in lower case, value

struct Question {
  std::shared_ptr<UpstreamShared> upstream;
  std::shared_ptr<EndpointShared> only;  // this one, on a connection of its own; null: the next in turn
  http::Method method = http::Method::kGet;
  std::string authority;
  std::string path = "/";  // with its query
  TextFields fields;
  std::string body;
  CallLimits limits;
};

struct Answer {
  base::Error error;    // code kNone: the answer came in full
  uint16_t status = 0;  // 0: no head came
  TextFields fields;
  std::string body;
  std::string endpoint;    // the one that was asked
  std::string tls;         // "TLSv1.3"; empty: plain, or there was no connection
  base::Duration took{0};  // on the worker
};

struct AskingTag {};

class Asking final : public net::Mortal, public base::ListNode<AskingTag>, private CallEvents {
 public:
  using Told = std::function<void(Answer)>;

  // `told` is called once, on the worker's thread.
  Asking(WorkerContext& worker, Question question, Told told);
  // Owns itself from here on: the graveyard gets it when the answer was told.
  void Begin(Cluster& cluster);
  // Ends it now, with `error`.
  void Abandon(const base::Error& error);

 private:
  void OnAnswerHead(const http::ResponseHead& head) override;
  void OnAnswerBody(base::Chain& data) override;
  void OnCallDone(const base::Error& error) override;

  WorkerContext& worker_;
  Question question_;
  Told told_;
  Answer answer_;
  base::Instant began_{};
  std::unique_ptr<Cluster> alone_;  // outlives the call
  Call call_;
};

}  // namespace headgate::proxy
