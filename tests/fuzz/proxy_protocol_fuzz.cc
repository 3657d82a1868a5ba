// The PROXY protocol's header. What is refused stays refused and what is read stays the same whatever follows; what was
// read and is written again is read as the same.
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "proxy/net/proxy_protocol.h"

namespace {

namespace net = headgate::proxy::net;
using Kind = net::ProxyHeaderResult::Kind;

void Require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "not so: %s\n", what);
  std::abort();
}

void RequireReadAgain(net::ProxyProtocolVersion version, const net::ProxyHeader::Parties& parties) {
  std::array<char, net::kProxyWrittenMax> out;
  const size_t size = net::WriteProxyHeader(version, parties, out);
  Require(size <= out.size(), "a header fits");
  const net::ProxyHeaderResult again = net::ParseProxyHeader({out.data(), size});
  Require(again.kind == Kind::kDone && again.header.bytes == size, "what is written is read");
  Require(again.header.parties == parties, "the addresses survive");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const net::ProxyHeaderResult whole = net::ParseProxyHeader(text);
  Require(whole.kind != Kind::kMore || size < net::kProxyHeaderMax, "a full buffer is judged");
  Require(whole.kind != Kind::kDone || (whole.header.bytes > 0 && whole.header.bytes <= size), "a header has arrived");
  for (size_t known = 0; known < size && known < 300; ++known) {
    const net::ProxyHeaderResult part = net::ParseProxyHeader(text.substr(0, known));
    if (part.kind == Kind::kBad) Require(whole.kind == Kind::kBad, "no later byte heals a header");
    if (part.kind != Kind::kDone) continue;
    Require(whole.kind == Kind::kDone && whole.header.bytes == part.header.bytes, "the end does not move");
    Require(whole.header.parties == part.header.parties, "the addresses do not change");
  }
  if (whole.kind != Kind::kDone || !whole.header.parties) return 0;
  RequireReadAgain(net::ProxyProtocolVersion::kV1, *whole.header.parties);
  RequireReadAgain(net::ProxyProtocolVersion::kV2, *whole.header.parties);
  return 0;
}
