#include "control/dns/refusals.h"

#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "absl/strings/ascii.h"

namespace headgate::control::dns {
namespace {

constexpr size_t kHeaderBytes = 12;  // RFC 1035 4.1.1
constexpr size_t kNotesMax = 1024;   // questions of which nobody takes the note (c-ares tried again and got an answer)

ares_socket_t Open(int family, int type, int protocol, void* /*self*/) {
  return ::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
}

int Close(ares_socket_t descriptor, void* /*self*/) { return ::close(descriptor); }

int Connect(ares_socket_t descriptor, const sockaddr* address, ares_socklen_t length, void* /*self*/) {
  return ::connect(descriptor, address, length);
}

ares_ssize_t Receive(ares_socket_t descriptor, void* into, size_t bytes_max, int flags, sockaddr* from,
                     ares_socklen_t* length, void* self) {
  const ssize_t got = ::recvfrom(descriptor, into, bytes_max, flags, from, length);
  if (got > 0) static_cast<Refusals*>(self)->Note({static_cast<const char*>(into), static_cast<size_t>(got)});
  return got;
}

ares_ssize_t Send(ares_socket_t descriptor, const iovec* pieces, int count, void* /*self*/) {
  return ::writev(descriptor, pieces, count);
}

constexpr ares_socket_functions kFunctions = {Open, Close, Connect, Receive, Send};

std::string_view NameOf(int code) {
  switch (code) {
    case 2:
      return "SERVFAIL";
    case 4:
      return "NOTIMP";
    case 5:
      return "REFUSED";
    default:
      return {};
  }
}

}  // namespace

void Refusals::Attach(ares_channel channel) { ares_set_socket_functions(channel, &kFunctions, this); }

std::string_view Refusals::Take(std::string_view name, int type) {
  const auto known = codes_.find({std::string(name), type});
  if (known == codes_.end()) return {};
  const std::string_view code = known->second;
  codes_.erase(known);
  return code;
}

void Refusals::Note(std::string_view packet) {
  if (packet.size() < kHeaderBytes) return;
  const std::string_view code = NameOf(packet[3] & 0x0f);
  if (code.empty()) return;
  std::string name;
  size_t at = kHeaderBytes;
  while (at < packet.size() && packet[at] != 0) {
    const auto length = static_cast<uint8_t>(packet[at]);
    if (!name.empty()) name += '.';
    name += packet.substr(at + 1, length);
    at += length + 1U;
  }
  if (at + 3 > packet.size()) return;
  const int type = static_cast<uint8_t>(packet[at + 1]) << 8 | static_cast<uint8_t>(packet[at + 2]);
  if (codes_.size() >= kNotesMax) codes_.clear();
  codes_[{absl::AsciiStrToLower(name), type}] = code;
}

}  // namespace headgate::control::dns
