#include "config/fields/field_text.h"

#include <algorithm>

#include "config/parse.h"
#include "config/text.h"

namespace headgate::config {
namespace {

bool HasLowerCase(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return c >= 'a' && c <= 'z'; });
}

}  // namespace

std::string Wanted(const Field& field) {
  const std::string or_none = field.none ? ", or none" : "";
  switch (field.type) {
    case FieldType::kBool:
      return "true or false";
    case FieldType::kCount:
      return "a decimal number without quotes and leading zeros" + or_none;
    case FieldType::kSize:
      return "a size like 512, 64KiB or 10MiB" + or_none;
    case FieldType::kDuration:
      return "a duration like 250ms, 5s, 10m or 1h" + or_none;
    case FieldType::kPercent:
      return "a percentage like 20%";
    case FieldType::kListenAddress:
      return "an IP address and a port, like 0.0.0.0:8080 or [::]:8080";
    case FieldType::kUpstreamAddress:
      return "host:port, like shop.example:80, 10.0.0.1:80 or [::1]:80";
    case FieldType::kCidr:
      return "an address range like 10.0.0.0/8 or 2001:db8::/32 whose host bits are 0";
    case FieldType::kHostname:
      return "a hostname, \"*.\" and a hostname, or an IP address";
    case FieldType::kDnsName:
      return "a hostname or an IP address";
    case FieldType::kName:
      return "1 to 128 printable characters without spaces, quotes, backslash and braces";
    case FieldType::kHeaderName:
    case FieldType::kToken:
    case FieldType::kMethod:
      return "a token of letters, digits and !#$%&'*+-.^_`|~";
    case FieldType::kHeaderValue:
      return "one line without white space at its ends and without control characters";
    case FieldType::kText:
    case FieldType::kPath:
    case FieldType::kRegex:
    case FieldType::kFile:
    case FieldType::kChoice:
    case FieldType::kBlock:
    case FieldType::kHeaderMap:
    case FieldType::kBlockMap:
    case FieldType::kSpecial:
      return "a value";
  }
  return "a value";
}

Code CodeOf(FieldType type) {
  switch (type) {
    case FieldType::kName:
      return Code::kBadName;
    case FieldType::kHostname:
    case FieldType::kDnsName:
      return Code::kBadHostname;
    case FieldType::kPath:
      return Code::kBadPath;
    case FieldType::kHeaderName:
    case FieldType::kHeaderValue:
    case FieldType::kToken:
      return Code::kBadHeader;
    case FieldType::kMethod:
      return Code::kBadMethod;
    case FieldType::kListenAddress:
    case FieldType::kUpstreamAddress:
      return Code::kBadAddress;
    case FieldType::kCidr:
      return Code::kBadCidr;
    case FieldType::kText:
    case FieldType::kRegex:
    case FieldType::kFile:
    case FieldType::kBool:
    case FieldType::kCount:
    case FieldType::kSize:
    case FieldType::kDuration:
    case FieldType::kPercent:
    case FieldType::kChoice:
    case FieldType::kBlock:
    case FieldType::kHeaderMap:
    case FieldType::kBlockMap:
    case FieldType::kSpecial:
      return Code::kMalformedValue;
  }
  return Code::kMalformedValue;
}

std::string TextProblem(const Field& field, std::string_view text) {
  bool good = true;
  switch (field.type) {
    case FieldType::kPath:
      return PathProblem(text);
    case FieldType::kName:
      if (text == "_none" || text == "_other") return "a word of the metrics' own labels: choose another name";
      good = IsName(text);
      break;
    case FieldType::kHostname:
      good = IsRouteHostname(text);
      break;
    case FieldType::kDnsName:
      good = IsRouteHostname(text) && !text.starts_with('*');
      break;
    case FieldType::kHeaderName:
    case FieldType::kToken:
      good = IsToken(text);
      break;
    case FieldType::kHeaderValue:
      good = IsHeaderValue(text);
      break;
    case FieldType::kMethod:
      if (text == "CONNECT" || text == "TRACE") return "CONNECT and TRACE are always answered 405";
      if (IsToken(text) && HasLowerCase(text)) return "methods are written in upper case";
      good = IsToken(text);
      break;
    case FieldType::kRegex:
    case FieldType::kFile:
      if (text.empty()) return "must not be empty";
      break;
    case FieldType::kText:
    case FieldType::kBool:
    case FieldType::kCount:
    case FieldType::kSize:
    case FieldType::kDuration:
    case FieldType::kPercent:
    case FieldType::kListenAddress:
    case FieldType::kUpstreamAddress:
    case FieldType::kCidr:
    case FieldType::kChoice:
    case FieldType::kBlock:
    case FieldType::kHeaderMap:
    case FieldType::kBlockMap:
    case FieldType::kSpecial:
      break;
  }
  return good ? std::string() : "expected " + Wanted(field);
}

}  // namespace headgate::config
