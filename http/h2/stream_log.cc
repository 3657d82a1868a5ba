#include "http/h2/stream_log.h"

#include <algorithm>

namespace headgate::http::h2 {

// Ids between the last one and this one were skipped: they can never be used (RFC 9113 5.1.1).
void StreamLog::Begin(uint32_t id) noexcept {
  const uint32_t first_skipped = last_ == 0 ? 1 : last_ + 2;
  const uint32_t skipped = std::min((id - first_skipped) / 2, kRemembered);
  for (uint32_t i = 1; i <= skipped; ++i) Of(id - 2 * i) = State::kUnused;
  last_ = id;
  Of(id) = State::kOpen;
}

H2Error StreamLog::OnHeaders(uint32_t id, bool end_stream) noexcept {
  if (id % 2 == 1 && id > last_) Begin(id);
  if (!known(id)) return H2Error::kNoError;
  if (Of(id) == State::kUnused) return H2Error::kProtocolError;
  return OnData(id, end_stream);
}

H2Error StreamLog::OnData(uint32_t id, bool end_stream) noexcept {
  if (!known(id)) return H2Error::kNoError;
  if (Of(id) != State::kOpen) return H2Error::kStreamClosed;
  if (end_stream) Of(id) = State::kEnded;
  return H2Error::kNoError;
}

void StreamLog::OnReset(uint32_t id) noexcept {
  if (known(id) && Of(id) == State::kOpen) Of(id) = State::kEnded;
}

}  // namespace headgate::http::h2
