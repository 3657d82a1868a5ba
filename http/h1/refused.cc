#include "http/ascii.h"
#include "http/h1/decoder.h"
#include "http/uri.h"

namespace headgate::http::h1 {

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
  constexpr std::string_view kHost = "host:";
  while (head.host.empty()) {
    data.remove_prefix(line_end + 2);
    line_end = data.find("\r\n");
    if (line_end == 0 || line_end == std::string_view::npos) return;  // the head's end, or half a line
    line = data.substr(0, line_end);
    if (!EqualsIgnoreCase(line.substr(0, kHost.size()), kHost)) continue;
    base::Result<Authority> authority = ParseAuthority(TrimOws(line.substr(kHost.size())), arena);
    if (!authority.ok()) return;
    head.host = authority.value().host;
  }
}

}  // namespace headgate::http::h1
