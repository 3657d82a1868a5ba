#include "http/uri.h"

#include <algorithm>
#include <array>

#include "http/ascii.h"

namespace headgate::http {
namespace {

base::Error BadTarget(const char* detail) noexcept {
  return {base::ErrorCode::kBadRequest, base::Side::kClient, base::Retry::kNever, detail};
}

// What a byte of a path or query asks for. Everything visible that isn't named here is forwarded as it came.
enum ByteClass : uint8_t { kPlain, kSlash, kQuestion, kPercent, kHigh, kBackslash, kFragment, kForbidden };
constexpr auto MakeByteTable() {
  std::array<ByteClass, 256> table{};
  for (size_t i = 0; i < table.size(); ++i) {
    if (i <= 0x20 || i == 0x7f) table[i] = kForbidden;
    if (i > 0x7f) table[i] = kHigh;
  }
  table['/'] = kSlash;
  table['?'] = kQuestion;
  table['%'] = kPercent;
  table['\\'] = kBackslash;
  table['#'] = kFragment;
  return table;
}
constexpr auto kByteTable = MakeByteTable();
ByteClass ClassOf(char c) noexcept { return kByteTable[static_cast<uint8_t>(c)]; }

constexpr const char* kBadByte = "a space or control character in the target";
constexpr const char* kBadFragment = "a fragment in the target";
constexpr const char* kBadEscape = "a broken escape in the path";

constexpr bool IsUnreserved(int c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

char* PutEscape(char* out, uint8_t byte) noexcept {
  constexpr char kHex[] = "0123456789ABCDEF";
  *out++ = '%';
  *out++ = kHex[byte >> 4];
  *out++ = kHex[byte & 15];
  return out;
}

// The value of "%xy" at `at`, or -1.
int EscapeAt(std::string_view text, size_t at) noexcept {
  if (at + 2 >= text.size()) return -1;
  const int high = HexValue(text[at + 1]);
  const int low = HexValue(text[at + 2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

// Whether a segment "." or ".." begins at `at`, with a parameter or without.
bool IsDotSegmentAt(std::string_view path, size_t at) noexcept {
  size_t dots = 0;
  while (dots < 3 && at + dots < path.size() && path[at + dots] == '.') ++dots;
  if (dots != 1 && dots != 2) return false;
  return at + dots == path.size() || std::string_view("/?;").find(path[at + dots]) != std::string_view::npos;
}

struct PathScan {
  size_t size = 0;       // of the path, up to '?' or the end
  bool rewrite = false;  // something has to be decoded, resolved or encoded
  bool merge = false;    // `//`
  const char* fault = nullptr;
};

PathScan ScanPath(std::string_view text) noexcept {
  PathScan scan;
  for (; scan.size < text.size(); ++scan.size) {
    const ByteClass byte_class = ClassOf(text[scan.size]);
    if (byte_class == kPlain) [[likely]] {
      continue;
    }
    switch (byte_class) {
      case kPlain:
        break;
      case kSlash:
        if (scan.size + 1 == text.size()) break;
        scan.merge |= text[scan.size + 1] == '/';
        scan.rewrite |= text[scan.size + 1] == '.' && IsDotSegmentAt(text, scan.size + 1);
        break;
      case kQuestion:
        return scan;
      case kPercent:
      case kHigh:
        scan.rewrite = true;
        break;
      case kBackslash:
        scan.fault = "a backslash in the path";
        return scan;
      case kFragment:
        scan.fault = kBadFragment;
        return scan;
      case kForbidden:
        scan.fault = kBadByte;
        return scan;
    }
  }
  return scan;
}

// Decodes what is unreserved, encodes what is above 0x7f. `out` has room for three times the path. The number of bytes
// written, or 0 and a fault.
size_t DecodePath(std::string_view path, char* out, const char*& fault) noexcept {
  char* at = out;
  for (size_t i = 0; i < path.size(); ++i) {
    const ByteClass byte_class = ClassOf(path[i]);
    if (byte_class == kHigh) {
      at = PutEscape(at, static_cast<uint8_t>(path[i]));
      continue;
    }
    if (byte_class != kPercent) {
      *at++ = path[i];
      continue;
    }
    const int value = EscapeAt(path, i);
    if (value < 0) fault = kBadEscape;
    if (value == 0) fault = "%00 in the path";
    if (value == '\\') fault = "%5C in the path";
    if (fault != nullptr) return 0;
    if (IsUnreserved(value)) {
      *at++ = static_cast<char>(value);
    } else {
      at = std::copy_n(path.data() + i, 3, at);
    }
    i += 2;
  }
  return static_cast<size_t>(at - out);
}

bool IsDots(std::string_view segment) noexcept { return segment == "." || segment == ".."; }

// "..;x": Java servers cut the parameter off and walk.
bool IsDotsWithParameter(std::string_view segment) noexcept {
  const size_t dots = std::min(segment.find_first_not_of('.'), segment.size());
  if (dots != 1 && dots != 2) return false;
  segment.remove_prefix(dots);
  return segment.starts_with(';') || segment.starts_with("%3B") || segment.starts_with("%3b");
}

// Whether a segment that is no dot segment is one to somebody else: null, or how. An upstream that decodes %2F reads
// several.
const char* DotsWithin(std::string_view segment) noexcept {
  size_t begin = 0;
  for (size_t i = 0; i <= segment.size(); ++i) {
    const std::string_view escape = segment.substr(i, 3);
    const bool end = escape.empty();
    if (!end && escape != "%2F" && escape != "%2f") continue;
    const std::string_view piece = segment.substr(begin, i - begin);
    if (IsDots(piece)) return "%2F would make a dot segment";
    if (IsDotsWithParameter(piece)) return "a dot segment with a parameter";
    begin = i + escape.size();
  }
  return nullptr;
}

// Resolves dot segments in place (RFC 3986 5.2.4); `text` begins with '/'. The new size, or 0 and a fault.
size_t ResolveDots(char* text, size_t size, const char*& fault) noexcept {
  size_t out = 0;
  size_t in = 0;
  while (in < size) {
    const char* slash = std::find(text + in + 1, text + size, '/');
    const std::string_view segment(text + in + 1, static_cast<size_t>(slash - (text + in + 1)));
    const bool last = slash == text + size;
    const size_t next = static_cast<size_t>(slash - text);
    if (IsDots(segment)) {
      if (segment.size() == 2) {
        if (out == 0) {
          fault = "the path climbs above the root";
          return 0;
        }
        while (text[--out] != '/') {
        }
      }
      if (last) text[out++] = '/';
    } else if (fault = DotsWithin(segment); fault != nullptr) {
      return 0;
    } else {
      std::copy(text + in, text + next, text + out);
      out += segment.size() + 1;
    }
    in = next;
  }
  return out;
}

base::Result<std::string_view> RewritePath(std::string_view path, base::Arena& arena) noexcept {
  char* text = arena.AllocateArray<char>(path.size() * 3);
  const char* fault = nullptr;
  size_t size = DecodePath(path, text, fault);
  if (fault == nullptr) size = ResolveDots(text, size, fault);
  if (fault != nullptr) return BadTarget(fault);
  return std::string_view(text, size);
}

// Equal paths get equal text: `//` merged, hex digits upper case.
std::string_view MatchPath(std::string_view path, base::Arena& arena) noexcept {
  char* text = arena.AllocateArray<char>(path.size());
  size_t out = 0;
  for (size_t i = 0; i < path.size(); ++i) {
    if (path[i] == '/' && out != 0 && text[out - 1] == '/') continue;
    text[out++] = path[i];
    if (path[i] != '%') continue;
    for (int digit = 0; digit < 2; ++digit) {
      const char c = path[++i];
      text[out++] = c >= 'a' ? static_cast<char>(c - 32) : c;
    }
  }
  return {text, out};
}

base::Result<std::string_view> NormalizeQuery(std::string_view query, base::Arena& arena) noexcept {
  size_t high = 0;
  for (const char c : query) {
    const ByteClass byte_class = ClassOf(c);
    if (byte_class == kPlain) [[likely]] {
      continue;
    }
    switch (byte_class) {
      case kPlain:
      case kSlash:
      case kQuestion:
      case kPercent:
      case kBackslash:
        break;
      case kHigh:
        ++high;
        break;
      case kFragment:
        return BadTarget(kBadFragment);
      case kForbidden:
        return BadTarget(kBadByte);
    }
  }
  if (high == 0) return query;
  char* text = arena.AllocateArray<char>(query.size() + 2 * high);
  char* at = text;
  for (const char c : query) {
    if (ClassOf(c) == kHigh) {
      at = PutEscape(at, static_cast<uint8_t>(c));
    } else {
      *at++ = c;
    }
  }
  return std::string_view(text, static_cast<size_t>(at - text));
}

}  // namespace

base::Result<Target> NormalizeTarget(std::string_view origin_form, base::Arena& arena) noexcept {
  if (origin_form.empty() || origin_form.front() != '/') return BadTarget("the target does not begin with a slash");
  const PathScan scan = ScanPath(origin_form);
  if (scan.fault != nullptr) return BadTarget(scan.fault);
  Target target;
  target.path = origin_form.substr(0, scan.size);
  if (scan.rewrite) {
    base::Result<std::string_view> rewritten = RewritePath(target.path, arena);
    if (!rewritten.ok()) return rewritten.error();
    target.path = rewritten.value();
  }
  target.match_path = scan.rewrite || scan.merge ? MatchPath(target.path, arena) : target.path;
  if (scan.size == origin_form.size()) return target;
  target.has_query = true;
  base::Result<std::string_view> query = NormalizeQuery(origin_form.substr(scan.size + 1), arena);
  if (!query.ok()) return query.error();
  target.query = query.value();
  return target;
}

std::string_view DecodeQueryComponent(std::string_view text, base::Arena& arena) noexcept {
  if (text.find_first_of("%+") == std::string_view::npos) return text;
  char* decoded = arena.AllocateArray<char>(text.size());
  size_t out = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const int value = text[i] == '%' ? EscapeAt(text, i) : -1;
    if (value >= 0) {
      decoded[out++] = static_cast<char>(value);
      i += 2;
    } else {
      decoded[out++] = text[i] == '+' ? ' ' : text[i];
    }
  }
  return {decoded, out};
}

}  // namespace headgate::http
