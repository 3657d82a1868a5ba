#include "control/dns/lookup.h"

#include <ares.h>
#include <netinet/in.h>

#include <algorithm>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/log/log.h"
#include "control/dns/refusals.h"
#include "control/files/file_source.h"

namespace headgate::control::dns {
namespace {

namespace asio = boost::asio;

constexpr int kTimeoutMilliseconds = 2000;
constexpr int kTries = 3;
constexpr int kA = 1;  // types of questions (RFC 1035 3.2.2, RFC 3596 2.1)
constexpr int kAaaa = 28;
constexpr size_t kResolvConfBytesMax = size_t{64} << 10U;

using Addresses = Answer::Addresses;

// What came back for one family.
struct Part {
  int status = ARES_SUCCESS;
  Addresses addresses;
  int ttl = INT32_MAX;
  std::string_view refused = {};  // the server's code, where one refused

  bool found() const { return status == ARES_SUCCESS && !addresses.empty(); }
  // The server said that there is none of these.
  bool none() const {
    return status == ARES_ENOTFOUND || status == ARES_ENODATA || (status == ARES_SUCCESS && addresses.empty());
  }
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

void SortOnce(Addresses& addresses) {
  std::sort(addresses.begin(), addresses.end());
  addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
}

Part PartOf(int status, const ares_addrinfo* result) {
  Part part{.status = status, .addresses = {}};
  if (status != ARES_SUCCESS) return part;
  for (const ares_addrinfo_cname* alias = result->cnames; alias != nullptr; alias = alias->next)
    part.ttl = std::min(part.ttl, alias->ttl);
  for (const ares_addrinfo_node* node = result->nodes; node != nullptr; node = node->ai_next) {
    base::IpAddress ip;
    if (!AddressOf(*node->ai_addr, ip)) continue;
    part.addresses.push_back(ip);
    part.ttl = std::min(part.ttl, node->ai_ttl);
  }
  SortOnce(part.addresses);
  return part;
}

std::string Problem(const std::string& host, const Part& part) {
  if (!part.refused.empty())
    return absl::StrCat("cannot resolve ", host, ": the name server answered ", std::string(part.refused));
  const char* reason = ares_strerror(part.status == ARES_SUCCESS ? ARES_ENODATA : part.status);
  return absl::StrCat("cannot resolve ", host, ": ", reason);
}

// `v6` is null while it is still to come, as `v4` is.
Answer AnswerOf(const std::string& host, const Part* v4, const Part* v6) {
  Answer answer{.status = absl::OkStatus(), .complete = v4 != nullptr && v6 != nullptr};
  int ttl = INT32_MAX;
  bool found = false;
  const Part* failed = nullptr;
  for (const Part* part : {v4, v6}) {
    if (part == nullptr) continue;
    found |= part->found();
    if (part->found() || part->none()) (part == v4 ? answer.v4 : answer.v6) = part->addresses;
    if (part->found()) ttl = std::min(ttl, part->ttl);
    if (!part->found() && !part->none()) failed = part;
  }
  if (found) {
    answer.ttl = std::chrono::seconds(std::max(ttl, 0));
    if (failed != nullptr) answer.missing = absl::StrCat(Problem(host, *failed), failed == v4 ? " (A)" : " (AAAA)");
  } else if (failed != nullptr) {
    answer.status = absl::UnavailableError(Problem(host, *failed));
  } else {
    answer.status = absl::NotFoundError(Problem(host, *v4));
  }
  return answer;
}

// The names to try in turn, each complete (resolv.conf(5): search, ndots).
std::vector<std::string> NamesOf(const std::string& host, const std::vector<std::string>& domains, int ndots) {
  if (host.ends_with('.')) return {host};
  std::vector<std::string> names;
  for (const std::string& domain : domains) names.push_back(absl::StrCat(host, ".", domain, "."));
  const bool first = std::count(host.begin(), host.end(), '.') >= ndots;
  names.insert(first ? names.begin() : names.end(), host + ".");
  return names;
}

ares_addrinfo_hints HintsFor(int family) {
  ares_addrinfo_hints hints{};
  hints.ai_family = family;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = ARES_AI_NOSORT;
  return hints;
}

// A name under way. Both families are asked for the same name of the search list, for what one is found under in one
// domain and the other in the next are two services.
struct Query {
  ares_channel channel = nullptr;
  Refusals* refusals = nullptr;
  std::string host;
  std::vector<std::string> names;
  size_t at = 0;
  std::optional<Part> v4, v6;
  std::function<void(Answer)> done;
};

void Ask(const std::shared_ptr<Query>& query);
void Take(const std::shared_ptr<Query>& query, int family, Part part);

// One of a name's two: the last of them to be answered ends the query.
struct Question {
  std::shared_ptr<Query> query;
  size_t at;
  int family;
};

void OnAnswer(void* argument, int status, int /*timeouts*/, ares_addrinfo* result) {
  const std::unique_ptr<Question> question(static_cast<Question*>(argument));
  Part part = PartOf(status, result);
  if (result != nullptr) ares_freeaddrinfo(result);
  const Query& query = *question->query;
  if (!part.found() && !part.none()) {
    std::string asked = absl::AsciiStrToLower(query.names[question->at]);
    asked.pop_back();  // the dot of a complete name
    part.refused = query.refusals->Take(asked, question->family == AF_INET ? kA : kAaaa);
  }
  if (question->at == query.at) Take(question->query, question->family, std::move(part));
}

void Ask(const std::shared_ptr<Query>& query) {
  const size_t asked = query->at;
  for (const int family : {AF_INET, AF_INET6}) {
    if (query->at != asked) return;  // answered at once, and the next name is asked for already
    const ares_addrinfo_hints hints = HintsFor(family);
    ares_getaddrinfo(query->channel, query->names[asked].c_str(), nullptr, &hints, &OnAnswer,
                     new Question{query, asked, family});
  }
}

void Take(const std::shared_ptr<Query>& query, int family, Part part) {
  std::optional<Part>& v4 = query->v4;
  std::optional<Part>& v6 = query->v6;
  (family == AF_INET ? v4 : v6) = std::move(part);
  if (!v4 || !v6) {
    const Part& mine = v4 ? *v4 : *v6;
    if (mine.found()) return query->done(AnswerOf(query->host, v4 ? &*v4 : nullptr, v6 ? &*v6 : nullptr));
    // No A and no such name: that goes for AAAA too (RFC 8020). The reverse is not sure (RFC 4074 4.2).
    if (!v4 || v4->status != ARES_ENOTFOUND) return;
    v6 = *v4;
  }
  const bool goes_on = v4->none() && v6->none() && query->at + 1 < query->names.size();
  query->at = goes_on ? query->at + 1 : query->names.size();
  if (!goes_on) return query->done(AnswerOf(query->host, &*v4, &*v6));
  v4.reset();
  v6.reset();
  Ask(query);
}

void OnHosts(void* argument, int status, int /*timeouts*/, ares_addrinfo* result) {
  *static_cast<Part*>(argument) = PartOf(status, result);
  if (result != nullptr) ares_freeaddrinfo(result);
}

std::optional<std::string> SettingsOf(const LookupOptions& options) {
  auto text = ReadFile(options.resolv_conf, kResolvConfBytesMax);
  return text.ok() ? std::optional(*std::move(text)) : std::nullopt;
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

  Impl(asio::io_context& context, const LookupOptions& chosen) : io(context), options(chosen), timer(context) {}
  ~Impl() { Close(); }

  // What is under way is answered now.
  void Close() {
    timer.cancel();
    if (channel != nullptr) ares_destroy(std::exchange(channel, nullptr));
    if (hosts != nullptr) ares_destroy(std::exchange(hosts, nullptr));
  }

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
      if (error || channel == nullptr) return;
      ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
      Rearm();
    });
  }

  int Open() {
    settings = SettingsOf(options);
    ares_options wanted{};
    wanted.timeout = kTimeoutMilliseconds;
    wanted.tries = kTries;
    wanted.sock_state_cb = &Impl::OnState;
    wanted.sock_state_cb_data = this;
    wanted.resolvconf_path = options.resolv_conf.data();
    char servers_only[] = "b";
    char files_only[] = "f";
    wanted.lookups = servers_only;
    const int common = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS | ARES_OPT_RESOLVCONF;
    if (const int status = ares_init_options(&channel, &wanted, common | ARES_OPT_SOCK_STATE_CB);
        status != ARES_SUCCESS) {
      channel = nullptr;
      return status;
    }
    refusals.Attach(channel);
    ares_options found{};
    int mask = 0;
    if (const int status = ares_save_options(channel, &found, &mask); status != ARES_SUCCESS) return status;
    ndots = found.ndots;
    domains.assign(found.domains, found.domains + found.ndomains);
    ares_destroy_options(&found);
    wanted.lookups = files_only;
    if (const int status = ares_init_options(&hosts, &wanted, common); status != ARES_SUCCESS) {
      hosts = nullptr;
      return status;
    }
    return options.servers.empty() ? ARES_SUCCESS : ares_set_servers_ports_csv(channel, options.servers.c_str());
  }

  asio::io_context& io;
  LookupOptions options;
  std::optional<std::string> settings;  // the text of resolv.conf that the channel was made from
  Refusals refusals;
  asio::steady_timer timer;
  ares_channel channel = nullptr;  // servers only
  ares_channel hosts = nullptr;    // /etc/hosts only: answers at once
  std::vector<std::string> domains;
  int ndots = 1;
  std::map<int, std::shared_ptr<Socket>> sockets;
};

Lookup::Lookup(asio::io_context& io, const LookupOptions& options) : impl_(std::make_unique<Impl>(io, options)) {
  static std::once_flag once;
  std::call_once(once, [] { ares_library_init(ARES_LIB_INIT_ALL); });
  if (const int status = impl_->Open(); status != ARES_SUCCESS) {
    base::log::Error("names cannot be resolved: {}", ares_strerror(status));
  }
}

Lookup::~Lookup() = default;

bool Lookup::Renew() {
  const std::optional<std::string> now = SettingsOf(impl_->options);
  if (!now || now == impl_->settings) return false;
  auto next = std::make_unique<Impl>(impl_->io, impl_->options);
  if (const int status = next->Open(); status != ARES_SUCCESS) {
    base::log::Error("{} changed and cannot be used: {}", impl_->options.resolv_conf, ares_strerror(status));
    impl_->settings = now;
    return false;
  }
  const std::shared_ptr<Impl> old = std::exchange(impl_, std::move(next));
  old->Close();
  asio::post(old->io, [old] {});  // its handlers that are queued already run before this one
  return true;
}

void Lookup::Resolve(const std::string& host, std::function<void(Answer)> done) {
  if (impl_->channel == nullptr || impl_->hosts == nullptr) {
    done({.status = absl::UnavailableError("there is no resolver")});
    return;
  }
  Part known;
  const ares_addrinfo_hints hints = HintsFor(AF_UNSPEC);
  ares_getaddrinfo(impl_->hosts, host.c_str(), nullptr, &hints, &OnHosts, &known);
  if (known.found()) {
    Answer answer{.status = absl::OkStatus(), .v4 = Addresses(), .v6 = Addresses()};
    for (const base::IpAddress& ip : known.addresses) (ip.is_v4() ? answer.v4 : answer.v6)->push_back(ip);
    return done(std::move(answer));
  }
  const auto query = std::make_shared<Query>();
  query->channel = impl_->channel;
  query->refusals = &impl_->refusals;
  query->host = host;
  query->names = NamesOf(host, impl_->domains, impl_->ndots);
  query->done = std::move(done);
  Ask(query);
  impl_->Rearm();
}

Answer::Addresses Answer::addresses() const {
  Addresses all = v4.value_or(Addresses());
  if (v6) all.insert(all.end(), v6->begin(), v6->end());
  SortOnce(all);
  return all;
}

}  // namespace headgate::control::dns
