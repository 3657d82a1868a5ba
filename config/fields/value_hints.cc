#include "config/fields/value_hints.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "base/ip.h"
#include "config/fields/address_hints.h"
#include "config/fields/field_units.h"
#include "config/parse.h"
#include "config/text.h"

namespace headgate::config {
namespace {

bool IsAsciiDigit(char c) { return c >= '0' && c <= '9'; }
bool IsAsciiLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

struct Measure {
  std::string_view names;  // between spaces
  double size;
};

constexpr std::array kTimes = {Measure{" ms msec millisecond milliseconds ", kMs},
                               Measure{" s sec secs second seconds ", kSecond},
                               Measure{" m min mins minute minutes ", 60.0 * kSecond},
                               Measure{" h hr hrs hour hours ", kHour},
                               Measure{" d day days ", 24.0 * kHour},
                               Measure{" us usec microsecond microseconds ", kMs / 1000.0},
                               Measure{" w week weeks ", 7 * 24.0 * kHour}};
constexpr std::array kSizes = {Measure{" b byte bytes ", 1.0}, Measure{" k kb kib ", kKiB}, Measure{" m mb mib ", kMiB},
                               Measure{" g gb gib ", kGiB}};

// "1h30m", ".5 s", "10MB": numbers with or without a fraction, each with a unit. A number alone has `bare`.
std::optional<uint64_t> Loosely(std::string_view text, std::span<const Measure> units, double bare) {
  if (text.empty()) return std::nullopt;
  double sum = 0;
  while (!text.empty()) {
    const auto digits = std::find_if_not(text.begin(), text.end(), [](char c) { return IsAsciiDigit(c) || c == '.'; });
    const std::string number(text.begin(), digits);
    text.remove_prefix(number.size());
    const auto dots = std::count(number.begin(), number.end(), '.');
    if (number.empty() || number.size() > 12 || dots > 1 || number == ".") return std::nullopt;
    while (text.starts_with(' ')) text.remove_prefix(1);
    const auto letters = std::find_if_not(text.begin(), text.end(), IsAsciiLetter);
    const std::string unit = Lower(std::string_view(text.begin(), letters));
    text.remove_prefix(unit.size());
    while (text.starts_with(' ')) text.remove_prefix(1);
    const auto known = std::find_if(units.begin(), units.end(), [&](const Measure& one) {
      return one.names.find(" " + unit + " ") != std::string_view::npos;
    });
    if (known == units.end() && !unit.empty()) return std::nullopt;
    sum += std::strtod(number.c_str(), nullptr) * (unit.empty() ? bare : known->size);
  }
  constexpr double kMost = 9e18;
  if (!(sum >= 0 && sum < kMost)) return std::nullopt;
  return static_cast<uint64_t>(std::llround(sum));
}

std::string DurationHint(const Field& field, std::string_view text) {
  const auto value = Loosely(text, kTimes, kSecond);
  if (!value || *value % kMs != 0) return {};
  if (*value == 0 && field.min > 0) return field.none ? "write none for no limit" : "";
  const std::string form = "write " + FormatQuantity(FieldType::kDuration, *value);
  return std::all_of(text.begin(), text.end(), IsAsciiDigit) ? form + ": a duration has a unit" : form;
}

std::string SizeHint(std::string_view text) {
  const auto value = Loosely(text, kSizes, 1);
  return value ? "write " + FormatQuantity(FieldType::kSize, *value) : std::string();
}

std::string PercentHint(std::string_view text) {
  while (text.ends_with('%') || text.ends_with(' ')) text.remove_suffix(1);
  if (text.starts_with("0.") && !text.ends_with('.')) {
    const std::string number(text);
    const long percent = std::lround(std::strtod(number.c_str(), nullptr) * 100);
    return "write " + number + "%, or " + std::to_string(percent) + "% if that was meant";
  }
  const std::string form = std::string(text) + "%";
  return ParsePercent(form) ? "write " + form : std::string();
}

std::string BoolHint(std::string_view text) {
  const std::string word = Lower(text);
  for (const std::string_view yes : {"yes", "on", "true", "1", "y", "enabled"}) {
    if (word == yes) return "write true, without quotes";
  }
  for (const std::string_view no : {"no", "off", "false", "0", "n", "disabled", "none"}) {
    if (word == no) return "write false, without quotes";
  }
  return {};
}

std::string CountHint(std::string_view text) {
  std::string digits(text);
  std::erase_if(digits, [](char c) { return c == '_' || c == ',' || c == '\'' || c == ' '; });
  if (digits.ends_with('%')) digits.pop_back();
  uint64_t scale = 1;
  if (digits.ends_with('k') || digits.ends_with('K')) scale = 1000;
  if (digits.ends_with('m') || digits.ends_with('M')) scale = 1'000'000;
  if (scale > 1) digits.pop_back();
  if (digits.ends_with(".0")) digits.resize(digits.size() - 2);
  const size_t first = std::min(digits.find_first_not_of('0'), digits.empty() ? 0 : digits.size() - 1);
  const auto value = ParseCount(std::string_view(digits).substr(first));
  return value && *value < 1'000'000'000 ? "write " + std::to_string(*value * scale) : std::string();
}

std::string CidrHint(std::string_view text) {
  const size_t slash = text.find('/');
  const auto bits = slash == text.npos ? std::nullopt : ParseCount(text.substr(slash + 1));
  const auto ip = base::IpAddress::Parse(text.substr(0, slash));
  if (!ip) return {};
  if (!bits || *bits > (ip->is_v4() ? 32U : 128U)) return "write " + ip->ToString() + (ip->is_v4() ? "/32" : "/128");
  return "write " + NetworkOf(*ip, static_cast<unsigned>(*bits));
}

std::string MethodHint(std::string_view text) {
  std::string upper(text);
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  if (upper == "*" || upper == "ANY" || upper == "ALL") return "leave 'method' out: every method";
  if (text.find_first_of(",| ") != text.npos)
    return "one match for each method: matches: [{method: GET}, {method: HEAD}]";
  return IsToken(upper) && upper != text ? "write " + upper : std::string();
}

std::string PathHint(std::string_view text) {
  if (text.find("://") != text.npos) return "the host goes to 'hostnames' (or 'hostname'), a path starts with '/'";
  if (text.starts_with('^') || text.starts_with('~')) return "a pattern: write regex in place of it";
  if (text.find('?') != text.npos) return "conditions on the query: queryParams: [{name: v, exact: \"2\"}]";
  if (text.starts_with('*') || text.empty()) return "write /";
  if (!text.starts_with('/') && PathProblem("/" + std::string(text)).empty()) return "write /" + std::string(text);
  return {};
}

std::string NameHint(std::string_view text) {
  std::string name(text);
  std::replace_if(name.begin(), name.end(), [](char c) { return !IsName(std::string_view(&c, 1)); }, '-');
  return IsName(name) && name != text ? "write " + name : std::string();
}

struct Synonym {
  std::string_view words;  // between spaces, in lower case
  std::string_view choice;
  std::string_view hint;
};
constexpr std::array kSynonyms = {
    Synonym{" leastconn least_conn least_connections leastconnections least_request p2c ", "leastRequest",
            "write leastRequest"},
    Synonym{" rr round_robin wrr weighted ", "roundRobin", "write roundRobin; weights stand in the endpoints"},
    Synonym{" ip_hash iphash source sticky ", "roundRobin", "write sticky: {by: clientIp} in the route"},
    Synonym{" http 1.1 http1 http1.1 http/1 h1 tcp ", "http/1.1", "write http/1.1"},
    Synonym{" https tls ssl ", "http/1.1", "write protocol http/1.1, and tls beside it"},
    Synonym{" grpc http2 http/2 2 h2 ", "h2c", "write h2c, or h2 with tls beside it"},
    Synonym{" grpc http2 http/2 2 h2c ", "h2", "write h2"},
    Synonym{" h3 http3 http/3 quic ", "h2", "HTTP/3 is not available: write h2"},
    Synonym{" tls1.2 tlsv1.2 tls1_2 tls12 versiontls12 1 1.0 1.1 tlsv1 tlsv1.1 ", "1.2", "write \"1.2\""},
    Synonym{" tls1.3 tlsv1.3 tls1_3 tls13 versiontls13 ", "1.3", "write \"1.3\""},
    Synonym{" permanent true ", "301", "write 301"},
    Synonym{" temporary found false ", "302", "write 302"},
};

std::string ChoiceHint(const Field& field, std::string_view text) {
  std::vector<std::string_view> words;
  for (const Choice& choice : field.choices) {
    if (!choice.later) words.push_back(choice.text);
  }
  const std::string word = " " + Lower(text) + " ";
  for (const Synonym& synonym : kSynonyms) {
    const bool offered = std::find(words.begin(), words.end(), synonym.choice) != words.end();
    if (offered && synonym.words.find(word) != std::string_view::npos) return std::string(synonym.hint);
  }
  return DidYouMean(text, words);
}

std::string ListHint(const Field& field) {
  switch (field.type) {
    case FieldType::kUpstreamAddress:
      return "several addresses: endpoints: [\"10.0.0.1:8080\", \"10.0.0.2:8080\"]";
    case FieldType::kListenAddress:
      return "one address: host:port. One listener for each";
    case FieldType::kMethod:
    case FieldType::kPath:
    case FieldType::kRegex:
      return "one value; one match for each: matches: [{path: {prefix: /a}}, {path: {prefix: /b}}]";
    default:
      return {};
  }
}

std::string TextHint(const Field& field, std::string_view text) {
  switch (field.type) {
    case FieldType::kBool:
      return BoolHint(text);
    case FieldType::kCount:
      return CountHint(text);
    case FieldType::kSize:
      return SizeHint(text);
    case FieldType::kDuration:
      return DurationHint(field, text);
    case FieldType::kPercent:
      return PercentHint(text);
    case FieldType::kListenAddress:
      return ListenAddressHint(field.key, text);
    case FieldType::kUpstreamAddress:
      return UpstreamAddressHint(text);
    case FieldType::kHostname:
    case FieldType::kDnsName:
      return HostnameHint(field, text);
    case FieldType::kCidr:
      return CidrHint(text);
    case FieldType::kMethod:
      return MethodHint(text);
    case FieldType::kPath:
      return PathHint(text);
    case FieldType::kName:
      return NameHint(text);
    case FieldType::kChoice:
      return ChoiceHint(field, text);
    case FieldType::kText:
    case FieldType::kRegex:
    case FieldType::kHeaderName:
    case FieldType::kHeaderValue:
    case FieldType::kToken:
    case FieldType::kFile:
    case FieldType::kBlock:
    case FieldType::kHeaderMap:
    case FieldType::kBlockMap:
    case FieldType::kSpecial:
      return {};
  }
  return {};
}

// Where in a path something stands that means more in other programs; npos: nowhere.
size_t PatternIn(std::string_view path) {
  for (size_t i = 0; i < path.size(); ++i) {
    constexpr std::string_view kPattern = "*^[]{}|()";
    const bool parameter = path[i] == ':' && i > 0 && path[i - 1] == '/' && i + 1 < path.size();
    const bool group = path[i] == '$' && (i + 1 == path.size() || IsAsciiDigit(path[i + 1]));
    if (parameter || group || kPattern.find(path[i]) != kPattern.npos) return i;
  }
  return path.npos;
}

std::string PatternHint(const Field& field, std::string_view path, size_t at) {
  std::string_view stem = path.substr(0, path.find_last_not_of("*.") + 1);
  if (stem.size() > 1 && stem.ends_with('/')) stem.remove_suffix(1);
  const bool matched = field.key == "exact" || field.key == "prefix" || field.key == "except";
  if (matched && PatternIn(stem) == stem.npos && stem.starts_with('/')) {
    return field.key == "except" ? "write " + std::string(stem) : "write prefix: " + std::string(stem);
  }
  if (field.key == "exact" || field.key == "prefix") return "a pattern is written regex: \"/v[0-9]+/.*\"";
  return path[at] == '$' ? "groups: rewrite: {regex: \"/old/(.*)\", substitution: \"/new/\\\\1\"}" : std::string();
}

}  // namespace

bool HoldsVariable(std::string_view text) {
  for (const std::string_view mark : {"${", "$(", "{{", "%[", "%{", "%("}) {
    if (text.find(mark) != text.npos) return true;
  }
  for (size_t at = text.find('$'); at != text.npos; at = text.find('$', at + 1)) {
    if (at + 1 < text.size() && (IsAsciiLetter(text[at + 1]) || text[at + 1] == '_')) return true;
  }
  return false;
}

std::string ValueHint(const Field& field, const Node& node) {
  if (node.kind != NodeKind::kScalar) return ListHint(field);
  if (HoldsVariable(node.text)) return "variables and templates are not expanded: write the value";
  return TextHint(field, node.text);
}

Literal LiteralProblem(const Field& field, std::string_view text) {
  const std::string key = std::string(field.key);
  if (field.type == FieldType::kPath) {
    const size_t at = PatternIn(text);
    if (at == text.npos) return {};
    return {
        Quoted(text) + " in '" + key + "' is taken to the letter: " + Quoted(text.substr(at, 1)) + " stands for itself",
        PatternHint(field, text, at)};
  }
  if (field.type == FieldType::kMethod && text == "*") {
    return {"'*' in '" + key + "' is taken to the letter", "leave 'method' out: every method"};
  }
  const bool watched = field.type == FieldType::kHeaderValue || field.type == FieldType::kFile || key == "substitution";
  if (!watched) return {};
  if (HoldsVariable(text))
    return {Quoted(text) + " in '" + key + "' is taken to the letter", "variables are not expanded"};
  const size_t group = text.find('$');
  if (key == "substitution" && group != text.npos && group + 1 < text.size() && IsAsciiDigit(text[group + 1])) {
    return {Quoted(text) + " in 'substitution' is taken to the letter",
            std::string("a group is written \\") + text[group + 1]};
  }
  return {};
}

}  // namespace headgate::config
