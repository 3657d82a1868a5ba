#include "control/files/token.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "control/files/file_source.h"

namespace headgate::control {
namespace {

constexpr size_t kTokenBytesMax = 4096;

}  // namespace

absl::StatusOr<std::string> ReadToken(const std::string& path) {
  absl::StatusOr<std::string> text = ReadFile(path, kTokenBytesMax);
  if (!text.ok()) return text.status();
  absl::StripAsciiWhitespace(&*text);
  if (text->empty()) return absl::NotFoundError(absl::StrCat(path, ": there is no token in it"));
  return text;
}

}  // namespace headgate::control
