// A request head for tests, with the memory that it needs.
// Owned by a test.
// One thread.
#pragma once

#include <string_view>

#include "base/arena.h"
#include "base/slab.h"
#include "http/message.h"

namespace headgate::routing {

struct TestRequest {
  // `target` is normalised already: "/path?query".
  explicit TestRequest(std::string_view host, std::string_view target, http::Method method = http::Method::kGet)
      : head(arena) {
    head.method = method;
    head.authority = head.host = host;
    const size_t mark = target.find('?');
    head.path = head.match_path = target.substr(0, mark);
    head.has_query = mark != std::string_view::npos;
    if (head.has_query) head.query = target.substr(mark + 1);
  }
  TestRequest& With(std::string_view name, std::string_view value) {
    head.headers.Add(http::InternHeader(name), name, value);
    return *this;
  }

  base::SlabPool pool;
  base::Arena arena{pool};
  http::RequestHead head;
};

}  // namespace headgate::routing
