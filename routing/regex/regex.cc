#include "routing/regex/regex.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>

#include "absl/status/status.h"
#include "routing/regex/over_bytes.h"
#include "routing/words.h"

namespace headgate::routing {
namespace {

// Of one pattern: its program and the states that matching makes as it goes. Past it RE2 forgets states or goes on
// without them, in linear time all the same; so a client cannot make a pattern grow.
constexpr int64_t kPatternMemoryBytesMax = 256 * 1024;
constexpr size_t kPatternBytesMax = 4096;
constexpr int kGroupsMax = 10;  // \0 to \9
constexpr int kRangeBytesMax = 64;

re2::StringPiece Piece(std::string_view text) { return {text.data(), text.size()}; }

RE2::Options PatternOptions() {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kPatternMemoryBytesMax);
  // A client chooses the bytes: as UTF-8 one bad byte, or a line end, would hide the others from a pattern.
  options.set_encoding(RE2::Options::EncodingLatin1);
  options.set_dot_nl(true);
  return options;
}

using Groups = std::array<re2::StringPiece, kGroupsMax>;

// Hands the pieces of what a substitution stands for to `take`, one after the other.
template <class Take>
void ForEachPiece(std::string_view substitution, const Groups& groups, Take take) {
  for (size_t i = 0; i < substitution.size(); ++i) {
    const bool escape = substitution[i] == '\\' && i + 1 < substitution.size();
    if (escape) ++i;
    const char c = substitution[i];
    if (escape && c >= '0' && c <= '9') {
      const re2::StringPiece& group = groups[static_cast<size_t>(c - '0')];
      take(std::string_view(group.data(), group.size()));
    } else {
      take(substitution.substr(i, 1));
    }
  }
}

}  // namespace

struct Regex::Impl {
  explicit Impl(std::string_view pattern) : re(Piece(pattern), PatternOptions()) {}
  RE2 re;
};

Regex::Regex(std::string pattern, std::unique_ptr<Impl> impl) noexcept
    : pattern_(std::move(pattern)), impl_(std::move(impl)) {}

Regex::~Regex() = default;

absl::StatusOr<std::shared_ptr<const Regex>> Regex::Compile(std::string_view pattern) {
  if (pattern.size() > kPatternBytesMax) {
    return absl::InvalidArgumentError(
        Words("the pattern is ", pattern.size(), " bytes long, at most ", kPatternBytesMax, " are allowed"));
  }
  if (const char* fault = FaultOverBytes(pattern); fault != nullptr) return absl::InvalidArgumentError(fault);
  auto impl = std::make_unique<Impl>(pattern);
  if (!impl->re.ok()) return absl::InvalidArgumentError(impl->re.error());
  auto* regex = new Regex(std::string(pattern), std::move(impl));
  regex->FindLiteralPrefix();
  return std::shared_ptr<const Regex>(regex);
}

void Regex::FindLiteralPrefix() {
  std::string least;
  std::string greatest;
  if (!impl_->re.PossibleMatchRange(&least, &greatest, kRangeBytesMax)) return;
  const auto ends = std::mismatch(least.begin(), least.end(), greatest.begin(), greatest.end());
  literal_prefix_.assign(least.begin(), ends.first);
}

bool Regex::FullMatch(std::string_view text) const noexcept {
  if (!text.starts_with(literal_prefix_)) return false;
  return impl_->re.Match(Piece(text), 0, text.size(), RE2::ANCHOR_BOTH, nullptr, 0);
}

std::optional<std::string_view> Regex::Replace(std::string_view text, std::string_view substitution,
                                               base::Arena& arena) const noexcept {
  Groups groups;
  const int count = std::min(kGroupsMax, impl_->re.NumberOfCapturingGroups() + 1);
  if (!impl_->re.Match(Piece(text), 0, text.size(), RE2::UNANCHORED, groups.data(), count)) return std::nullopt;
  const std::string_view before = text.substr(0, static_cast<size_t>(groups[0].data() - text.data()));
  const std::string_view behind = text.substr(before.size() + groups[0].size());
  size_t size = before.size() + behind.size();
  ForEachPiece(substitution, groups, [&size](std::string_view piece) { size += piece.size(); });
  char* const replaced = arena.AllocateArray<char>(size);
  char* at = std::copy(before.begin(), before.end(), replaced);
  ForEachPiece(substitution, groups, [&at](std::string_view piece) { at = std::copy(piece.begin(), piece.end(), at); });
  std::copy(behind.begin(), behind.end(), at);
  return std::string_view(replaced, size);
}

absl::Status Regex::CheckSubstitution(std::string_view substitution) const {
  std::string problem;
  if (!impl_->re.CheckRewriteString(Piece(substitution), &problem)) return absl::InvalidArgumentError(problem);
  return absl::OkStatus();
}

}  // namespace headgate::routing
