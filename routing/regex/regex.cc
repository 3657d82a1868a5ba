#include "routing/regex/regex.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "absl/status/status.h"
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
  return options;
}

// Appends to a buffer of fixed size; remembers when something did not fit.
class Output {
 public:
  explicit Output(std::span<char> out) noexcept : out_(out) {}
  void Append(std::string_view text) noexcept {
    if (text.empty()) return;
    if (text.size() > out_.size() - size_) {
      overflow_ = true;
      return;
    }
    std::memcpy(out_.data() + size_, text.data(), text.size());
    size_ += text.size();
  }
  size_t size() const noexcept { return overflow_ ? Regex::npos : size_; }

 private:
  std::span<char> out_;
  size_t size_ = 0;
  bool overflow_ = false;
};

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

bool Regex::Matches(std::string_view text) const noexcept {
  return impl_->re.Match(Piece(text), 0, text.size(), RE2::UNANCHORED, nullptr, 0);
}

size_t Regex::Replace(std::string_view text, std::string_view substitution, std::span<char> out) const noexcept {
  std::array<re2::StringPiece, kGroupsMax> groups;
  const int count = std::min(kGroupsMax, impl_->re.NumberOfCapturingGroups() + 1);
  if (!impl_->re.Match(Piece(text), 0, text.size(), RE2::UNANCHORED, groups.data(), count)) return npos;
  Output output(out);
  output.Append(text.substr(0, static_cast<size_t>(groups[0].data() - text.data())));
  for (size_t i = 0; i < substitution.size(); ++i) {
    const bool escape = substitution[i] == '\\' && i + 1 < substitution.size();
    if (!escape) {
      output.Append(substitution.substr(i, 1));
      continue;
    }
    const char next = substitution[++i];
    if (next >= '0' && next <= '9') {
      const re2::StringPiece& group = groups[static_cast<size_t>(next - '0')];
      output.Append({group.data(), group.size()});
    } else {
      output.Append(substitution.substr(i, 1));
    }
  }
  output.Append(text.substr(static_cast<size_t>(groups[0].data() - text.data()) + groups[0].size()));
  return output.size();
}

absl::Status Regex::CheckSubstitution(std::string_view substitution) const {
  std::string problem;
  if (!impl_->re.CheckRewriteString(Piece(substitution), &problem)) return absl::InvalidArgumentError(problem);
  return absl::OkStatus();
}

}  // namespace headgate::routing
