#include "control/dns/lookup.h"

#include <ares.h>
#include <netinet/in.h>

#include <algorithm>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <mutex>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/log/log.h"

namespace headgate::control::dns {
namespace {

namespace asio = boost::asio;

constexpr int kTimeoutMilliseconds = 2000;
constexpr int kTries = 3;

struct Query {
  std::string host;
  std::function<void(Answer)> done;
};

bool AddressOf(const sockaddr& address, base::IpAddress& ip) {
  if (address.sa_family == AF_INET) {
    ip = base::IpAddress::V4(ntohl(reinterpret_cast<const sockaddr_in&>(address).sin_addr.s_addr));
    return true;
  }
  if (address.sa_family != AF_INET6) return false;
  const auto& bytes = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr.s6_addr;
  ip = base::IpAddress::FromBytes(std::span<const uint8_t, 16>(bytes, 16));
  return true;
}

Answer AnswerOf(const std::string& host, int status, const ares_addrinfo* result) {
  Answer answer;
  if (status != ARES_SUCCESS) {
    const bool nothing = status == ARES_ENOTFOUND || status == ARES_ENODATA;
    const std::string text = absl::StrCat("cannot resolve ", host, ": ", ares_strerror(status));
    answer.status = nothing ? absl::NotFoundError(text) : absl::UnavailableError(text);
    return answer;
  }
  int ttl = INT32_MAX;
  for (const ares_addrinfo_cname* alias = result->cnames; alias != nullptr; alias = alias->next)
    ttl = std::min(ttl, alias->ttl);
  for (const ares_addrinfo_node* node = result->nodes; node != nullptr; node = node->ai_next) {
    base::IpAddress ip;
    if (!AddressOf(*node->ai_addr, ip)) continue;
    answer.addresses.push_back(ip);
    ttl = std::min(ttl, node->ai_ttl);
  }
  std::sort(answer.addresses.begin(), answer.addresses.end());
  answer.addresses.erase(std::unique(answer.addresses.begin(), answer.addresses.end()), answer.addresses.end());
  answer.ttl = std::chrono::seconds(std::max(ttl, 0));
  if (answer.addresses.empty()) answer.status = absl::NotFoundError(absl::StrCat(host, " has no address"));
  return answer;
}

void OnAnswer(void* argument, int status, int /*timeouts*/, ares_addrinfo* result) {
  const std::unique_ptr<Query> query(static_cast<Query*>(argument));
  Answer answer = AnswerOf(query->host, status, result);
  if (result != nullptr) ares_freeaddrinfo(result);
  query->done(std::move(answer));
}

}  // namespace

struct Lookup::Impl {
  // A socket of c-ares', watched for it; it stays c-ares' to close.
  struct Socket {
    Socket(asio::io_context& io, int descriptor) : stream(io, descriptor) {}
    asio::posix::stream_descriptor stream;
    bool wants_read = false;
    bool wants_write = false;
  };

  explicit Impl(asio::io_context& context) : io(context), timer(context) {}

  static void OnState(void* argument, ares_socket_t descriptor, int readable, int writable) {
    static_cast<Impl*>(argument)->Watch(descriptor, readable != 0, writable != 0);
  }

  void Watch(int descriptor, bool readable, bool writable) {
    if (!readable && !writable) {
      const auto known = sockets.find(descriptor);
      if (known == sockets.end()) return;
      known->second->stream.release();
      sockets.erase(known);
      return;
    }
    std::shared_ptr<Socket>& socket = sockets[descriptor];
    if (socket == nullptr) socket = std::make_shared<Socket>(io, descriptor);
    const bool starts_reading = readable && !std::exchange(socket->wants_read, readable);
    const bool starts_writing = writable && !std::exchange(socket->wants_write, writable);
    socket->wants_read = readable;
    socket->wants_write = writable;
    if (starts_reading) Wait(socket, false);
    if (starts_writing) Wait(socket, true);
  }

  void Wait(const std::shared_ptr<Socket>& socket, bool write) {
    const auto what = write ? asio::posix::descriptor_base::wait_write : asio::posix::descriptor_base::wait_read;
    socket->stream.async_wait(what, [this, socket, write](const boost::system::error_code& error) {
      if (error || !socket->stream.is_open()) return;
      const int descriptor = socket->stream.native_handle();
      ares_process_fd(channel, write ? ARES_SOCKET_BAD : descriptor, write ? descriptor : ARES_SOCKET_BAD);
      if (socket->stream.is_open() && (write ? socket->wants_write : socket->wants_read)) Wait(socket, write);
      Rearm();
    });
  }

  // c-ares says when its next time-out is due.
  void Rearm() {
    timeval most{.tv_sec = kTimeoutMilliseconds / 1000, .tv_usec = 0};
    timeval due{};
    if (ares_timeout(channel, nullptr, &due) == nullptr) {
      timer.cancel();
      return;
    }
    const timeval* next = ares_timeout(channel, &most, &due);
    timer.expires_after(std::chrono::seconds(next->tv_sec) + std::chrono::microseconds(next->tv_usec));
    timer.async_wait([this](const boost::system::error_code& error) {
      if (error) return;
      ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
      Rearm();
    });
  }

  asio::io_context& io;
  asio::steady_timer timer;
  ares_channel channel = nullptr;
  std::map<int, std::shared_ptr<Socket>> sockets;
};

Lookup::Lookup(asio::io_context& io, const std::string& servers) : impl_(std::make_unique<Impl>(io)) {
  static std::once_flag once;
  std::call_once(once, [] { ares_library_init(ARES_LIB_INIT_ALL); });
  ares_options options{};
  options.timeout = kTimeoutMilliseconds;
  options.tries = kTries;
  options.sock_state_cb = &Impl::OnState;
  options.sock_state_cb_data = impl_.get();
  const int status =
      ares_init_options(&impl_->channel, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB);
  if (status != ARES_SUCCESS) {
    base::log::Error("names cannot be resolved: {}", ares_strerror(status));
    impl_->channel = nullptr;
    return;
  }
  if (servers.empty()) return;
  if (const int set = ares_set_servers_ports_csv(impl_->channel, servers.c_str()); set != ARES_SUCCESS) {
    base::log::Error("DNS servers '{}': {}", servers, ares_strerror(set));
  }
}

Lookup::~Lookup() {
  if (impl_->channel != nullptr) ares_destroy(impl_->channel);
}

void Lookup::Resolve(const std::string& host, std::function<void(Answer)> done) {
  if (impl_->channel == nullptr) {
    done({.status = absl::UnavailableError("there is no resolver"), .addresses = {}, .ttl = {}});
    return;
  }
  ares_addrinfo_hints hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = ARES_AI_NOSORT;
  ares_getaddrinfo(impl_->channel, host.c_str(), nullptr, &hints, &OnAnswer, new Query{host, std::move(done)});
  impl_->Rearm();
}

}  // namespace headgate::control::dns
