// A blocking HTTP/2 client for tests: a client session on a socket. Every wait is bounded.
// Owned by a test.
// One thread: the test's.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/slab.h"
#include "http/h2/session.h"

namespace headgate::integration {

struct H2Answer {
  std::vector<int> interim;
  int status = 0;
  std::multimap<std::string, std::string> headers;
  std::string body;
  std::multimap<std::string, std::string> trailers;
  bool complete = false;  // ended by END_STREAM
  bool reset = false;
  bool stopped = false;  // complete, and then the request was reset
  http::h2::H2Error reset_code = http::h2::H2Error::kNoError;
  std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? std::string() : found->second;
  }
};

class H2Peer {
 public:
  static constexpr int kPatienceMs = 60'000;
  using Headers = std::vector<std::pair<std::string, std::string>>;

  // Connects to 127.0.0.1 with prior knowledge.
  explicit H2Peer(uint16_t port, const http::h2::SessionConfig& config = DefaultConfig());
  ~H2Peer();
  H2Peer(const H2Peer&) = delete;
  H2Peer& operator=(const H2Peer&) = delete;
  static http::h2::SessionConfig DefaultConfig();

  // Begins a request to authority "a"; its number in this connection. `end`: no body follows.
  size_t Ask(std::string_view method, std::string_view path, const Headers& headers = {}, bool end = true,
             bool connect_protocol = false);
  void Send(size_t request, std::string_view body, bool end);
  void SendTrailers(size_t request, const Headers& trailers);
  void Reset(size_t request, http::h2::H2Error code = http::h2::H2Error::kCancel);
  // Bytes of the answer are left unread (their credit is not given back) until it is called with true.
  void SetReading(size_t request, bool reading);
  // While corked nothing is written: what was asked and reset meanwhile arrives in one piece.
  void Cork() { corked_ = true; }
  void Uncork() {
    corked_ = false;
    Flush();
  }
  // Until the answer has ended, one way or another.
  const H2Answer& Wait(size_t request, int patience_ms = kPatienceMs);
  // Until `condition` holds.
  template <class C>
  bool Until(C&& condition, int patience_ms = kPatienceMs) {
    for (int waited = 0; !condition(); waited += 5) {
      if (waited >= patience_ms) return false;
      Turn(5);
    }
    return true;
  }
  // Takes in what is there, without waiting.
  void Poll() { Turn(0); }
  const H2Answer& answer(size_t request) const;
  http::h2::Session& session() { return *session_; }
  bool closed() const { return closed_; }

 private:
  struct Request;
  void Turn(int wait_ms);
  void Flush();
  void TakeNews();

  int descriptor_ = -1;
  bool closed_ = false;
  bool corked_ = false;
  base::SlabPool slabs_;
  base::BlockPool blocks_{0};
  base::Instant now_{};
  base::Chain out_;
  std::vector<std::unique_ptr<Request>> requests_;
  std::unique_ptr<http::h2::Session> session_;
};

}  // namespace headgate::integration
