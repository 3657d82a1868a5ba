#include "http/ascii.h"
#include "http/forwarding.h"
#include "http/framing.h"
#include "http/h1/decoder.h"
#include "http/uri.h"

namespace headgate::http::h1 {
namespace {

constexpr HeaderId kWhoAsks[] = {HeaderId::kXForwardedFor, HeaderId::kXRealIp, HeaderId::kXRequestId};
constexpr size_t kWhoAsksMax = 16;  // such fields; nobody sends as many

// Takes the host and who asks from whole lines; false when the head's end is not among them.
bool TakeLines(std::string_view lines, base::Arena& arena, RequestHead& head) noexcept {
  bool host_seen = !head.host.empty();
  size_t taken = 0;
  for (size_t end = lines.find("\r\n"); end != std::string_view::npos; end = lines.find("\r\n")) {
    if (end == 0) return true;
    const std::string_view line = lines.substr(0, end);
    lines.remove_prefix(end + 2);
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string_view name = line.substr(0, colon);
    const std::string_view value = TrimOws(line.substr(colon + 1));
    if (!host_seen && EqualsIgnoreCase(name, HeaderText(HeaderId::kHost))) {
      host_seen = true;
      base::Result<Authority> authority = ParseAuthority(value, arena);
      if (authority.ok()) head.host = authority.value().host;
    }
    for (const HeaderId id : kWhoAsks) {
      if (!EqualsIgnoreCase(name, HeaderText(id)) || !IsFieldValue(value)) continue;
      if (++taken > kWhoAsksMax) return false;
      head.headers.Add(id, value);
    }
  }
  return false;
}

// A proxy adds its word behind the client's: of half a head nobody's counts.
void TakeFields(std::string_view lines, base::Arena& arena, RequestHead& head) noexcept {
  RemoveForwardingFields(head.headers);
  if (!TakeLines(lines, arena, head)) RemoveForwardingFields(head.headers);
}

}  // namespace

void DescribeRefusedHead(std::string_view data, size_t target_bytes_max, base::Arena& arena,
                         RequestHead& head) noexcept {
  size_t line_end = data.find("\r\n");
  std::string_view line = data.substr(0, line_end);
  const size_t space = line.find(' ');
  head.method =
      space == std::string_view::npos ? Method::kOther : ParseMethod(line.substr(0, space)).value_or(Method::kOther);
  if (space == std::string_view::npos || line_end == std::string_view::npos) return;
  std::string_view target = line.substr(space + 1);
  target = target.substr(0, target.find(' '));
  if (head.path.empty() && target.starts_with('/') && target.size() <= target_bytes_max) {
    base::Result<Target> normal = NormalizeTarget(target, arena);
    if (normal.ok()) {
      head.path = normal.value().path;
      head.query = normal.value().query;
    }
  }
  TakeFields(data.substr(line_end + 2), arena, head);
}

}  // namespace headgate::http::h1
