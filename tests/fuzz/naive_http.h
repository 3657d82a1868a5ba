// A second reading of HTTP/1 framing, slow and literal, to compare the decoder with. For fuzz targets.
// Values.
// Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace naive {

using Fields = std::vector<std::pair<std::string, std::string>>;

inline std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

inline bool IsToken(std::string_view text) {
  const std::string_view others = "!#$%&'*+-.^_`|~";
  for (const char c : text) {
    const bool alphanumeric = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!alphanumeric && others.find(c) == std::string_view::npos) return false;
  }
  return !text.empty();
}

inline std::string_view Trim(std::string_view text) {
  const auto space = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && space(text.front())) text.remove_prefix(1);
  while (!text.empty() && space(text.back())) text.remove_suffix(1);
  return text;
}

// The lines between CRLFs; nothing when a CR or LF stands alone or the text does not end in CRLF.
inline std::optional<std::vector<std::string_view>> Lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    size_t end = 0;
    while (end < text.size() && text[end] != '\r' && text[end] != '\n') ++end;
    if (end + 1 >= text.size() || text[end] != '\r' || text[end + 1] != '\n') return std::nullopt;
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end + 2);
  }
  return lines;
}

// The fields of a head without its start line, names lower case.
inline std::optional<Fields> ParseFields(const std::vector<std::string_view>& lines, size_t from, size_t to) {
  Fields fields;
  for (size_t i = from; i < to; ++i) {
    const size_t colon = lines[i].find(':');
    if (colon == std::string_view::npos || !IsToken(lines[i].substr(0, colon))) return std::nullopt;
    const std::string_view value = Trim(lines[i].substr(colon + 1));
    for (const char c : value) {
      if ((static_cast<uint8_t>(c) < 0x20 && c != '\t') || c == 0x7f) return std::nullopt;
    }
    fields.emplace_back(Lower(lines[i].substr(0, colon)), std::string(value));
  }
  return fields;
}

struct Framing {
  enum class Kind { kNone, kLength, kChunked } kind = Kind::kNone;
  uint64_t length = 0;
};

// What the fields say of the body; nothing when they are ambiguous. Identical repetitions pass if `tolerant`.
inline std::optional<Framing> FramingOf(const Fields& fields, bool tolerant) {
  std::vector<std::string> lengths;
  std::vector<std::string> codings;
  for (const auto& [name, value] : fields) {
    if (name == "content-length") lengths.push_back(value);
    if (name == "transfer-encoding") codings.push_back(value);
  }
  if (codings.size() > 1 || (!codings.empty() && !lengths.empty())) return std::nullopt;
  if (!codings.empty()) {
    if (Lower(codings[0]) != "chunked") return std::nullopt;
    return Framing{Framing::Kind::kChunked, 0};
  }
  if (lengths.empty()) return Framing{};
  for (const std::string& length : lengths) {
    if (length.empty() || length.find_first_not_of("0123456789") != std::string::npos) return std::nullopt;
    if (length != lengths[0] || (!tolerant && lengths.size() > 1)) return std::nullopt;
  }
  __extension__ unsigned __int128 value = 0;
  for (const char c : lengths[0]) {
    value = value * 10 + static_cast<unsigned>(c - '0');
    if (value > static_cast<uint64_t>(INT64_MAX)) return std::nullopt;
  }
  return Framing{Framing::Kind::kLength, static_cast<uint64_t>(value)};
}

struct Chunked {
  std::string data;
  size_t bytes = 0;  // of the whole framing
};

// A complete chunked body at the beginning of `text`; nothing when it is incomplete or malformed. Trailers' names are
// not judged.
inline std::optional<Chunked> ParseChunked(std::string_view text) {
  Chunked result;
  size_t at = 0;
  const auto line = [&]() -> std::optional<std::string_view> {
    const size_t end = text.find("\r\n", at);
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view found = text.substr(at, end - at);
    if (found.find_first_of("\r\n") != std::string_view::npos) return std::nullopt;
    at = end + 2;
    return found;
  };
  while (true) {
    const auto size_line = line();
    if (!size_line.has_value()) return std::nullopt;
    const size_t digits = size_line->find_first_not_of("0123456789abcdefABCDEF");
    const std::string_view number = size_line->substr(0, digits);
    if (number.empty() || number.size() > 16) return std::nullopt;
    const std::string_view extension = digits == std::string_view::npos ? "" : size_line->substr(digits);
    if (!extension.empty() && (Trim(extension).empty() || Trim(extension).front() != ';')) return std::nullopt;
    const uint64_t size = std::stoull(std::string(number), nullptr, 16);
    if (size == 0) break;
    if (size > text.size() - at || text.size() - at - size < 2) return std::nullopt;
    result.data += text.substr(at, size);
    at += size;
    if (text.substr(at, 2) != "\r\n") return std::nullopt;
    at += 2;
  }
  while (true) {
    const auto trailer = line();
    if (!trailer.has_value()) return std::nullopt;
    if (trailer->empty()) break;
    if (!ParseFields({*trailer}, 0, 1).has_value()) return std::nullopt;
  }
  result.bytes = at;
  return result;
}

}  // namespace naive
