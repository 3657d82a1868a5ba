#include "proxy/worker/question.h"

#include "http/header_name.h"

namespace headgate::proxy {

Asking::Asking(WorkerContext& worker, Question question, Told told)
    : worker_(worker), question_(std::move(question)), told_(std::move(told)), call_(worker, *this) {}

void Asking::Begin(Cluster& cluster) {
  began_ = worker_.now;
  http::RequestHead& head = call_.NewHead();
  const std::string_view target = question_.path;
  const size_t mark = target.find('?');
  head.method = question_.method;
  head.authority = head.host = question_.authority;
  head.path = head.match_path = target.substr(0, mark);
  head.has_query = mark != std::string_view::npos;
  if (head.has_query) head.query = target.substr(mark + 1);
  for (const auto& [name, value] : question_.fields) head.headers.Add(http::InternHeader(name), name, value);
  base::Chain body;
  body.Append(base::Slice::Unowned(question_.body));
  if (question_.only != nullptr) alone_ = cluster.Alone(question_.only);
  call_.Begin(alone_ != nullptr ? *alone_ : cluster, question_.limits, body);
}

void Asking::Abandon(const base::Error& error) {
  call_.Cancel();
  OnCallDone(error);
}

void Asking::OnAnswerHead(const http::ResponseHead& head) {
  answer_.status = head.status;
  for (const http::HeaderField& field : head.headers.fields()) {
    answer_.fields.emplace_back(std::string(field.name), std::string(field.value));
  }
}

void Asking::OnAnswerBody(base::Chain& data) {
  for (size_t i = 0; i < data.slices(); ++i) answer_.body += data[i].view();
}

void Asking::OnCallDone(const base::Error& error) {
  answer_.error = error;
  answer_.endpoint = std::string(call_.endpoint());
  answer_.tls = std::string(call_.tls_version());
  answer_.took = worker_.now - began_;
  told_(std::move(answer_));
  Unlink();
  worker_.graveyard.Bury(std::unique_ptr<net::Mortal>(this));
}

}  // namespace headgate::proxy
