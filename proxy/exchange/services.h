// What an exchange uses of its worker, put together once.
// Owned by the worker.
// One thread: the worker's.
#pragma once

#include <array>
#include <string_view>

#include "base/crypto/random.h"
#include "http/date.h"
#include "metrics/access_log.h"
#include "proxy/context/worker_context.h"

namespace headgate::proxy {

class ExchangePool;

// "Sun, 06 Nov 1994 08:49:37 GMT", made anew once a second (RFC 9110 5.6.7).
class DateCache {
 public:
  std::string_view Now(base::WallTime wall) noexcept;

 private:
  int64_t second_ = -1;
  std::array<char, http::kDateBytes> text_{};
};

struct ExchangeServices {
  WorkerContext& worker;
  base::RandomSource& random;
  DateCache& date;
  ExchangePool& pool;
  metrics::AccessLogRing* access_log = nullptr;  // null: off
};

}  // namespace headgate::proxy
