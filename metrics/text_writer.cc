#include "metrics/text_writer.h"

#include <algorithm>
#include <charconv>

namespace headgate::metrics {
namespace {

using Bounds = std::array<std::string, kBuckets>;

// The end of each bucket's line up to the value, le="0.001"} and so on.
const std::array<Bounds, kBucketLayoutCount>& BoundLabels() {
  static const auto labels = [] {
    std::array<Bounds, kBucketLayoutCount> all;
    for (size_t layout = 0; layout < kBucketLayoutCount; ++layout) {
      for (size_t i = 0; i < kBuckets; ++i) {
        std::array<char, 32> buffer;
        const std::string_view bound =
            i == kBucketBounds ? "+Inf" : FormatSeconds(kBucketTables[layout].bounds[i], buffer);
        all[layout][i] = "le=\"" + std::string(bound) + "\"} ";
      }
    }
    return all;
  }();
  return labels;
}

template <class Number>
std::string_view Digits(Number value, std::array<char, 24>& buffer) {
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  return {buffer.data(), static_cast<size_t>(end - buffer.data())};
}

std::string_view TypeWord(MetricType type) {
  switch (type) {
    case MetricType::kCounter:
      return "counter";
    case MetricType::kGauge:
      return "gauge";
    case MetricType::kHistogram:
      return "histogram";
  }
  return {};
}

}  // namespace

std::string_view FormatSeconds(uint64_t ns, std::array<char, 32>& buffer) {
  constexpr uint64_t kSecond = 1'000'000'000;
  char* at = std::to_chars(buffer.data(), buffer.data() + 20, ns / kSecond).ptr;
  uint64_t fraction = ns % kSecond;
  if (fraction != 0) {
    *at++ = '.';
    for (uint64_t unit = kSecond / 10; fraction != 0; unit /= 10) {
      *at++ = static_cast<char>('0' + fraction / unit);
      fraction %= unit;
    }
  }
  return {buffer.data(), static_cast<size_t>(at - buffer.data())};
}

TextWriter::TextWriter(const ScrapeSink& sink) : sink_(sink) { buffer_.reserve(kPieceBytes); }

void TextWriter::Header() {
  if (headed_ == family_) return;
  headed_ = family_;
  buffer_.append("# HELP ").append(family_->name).append(" ").append(family_->help);
  buffer_.append("\n# TYPE ").append(family_->name).append(" ").append(TypeWord(family_->type)).append("\n");
}

void TextWriter::Line(std::string_view suffix, std::string_view labels, std::string_view more, std::string_view value) {
  buffer_.append(family_->name).append(suffix);
  if (!labels.empty() || !more.empty()) {
    buffer_.push_back('{');
    buffer_.append(labels);
    if (!labels.empty() && !more.empty()) buffer_.push_back(',');
    buffer_.append(more);
    buffer_.push_back('}');
  }
  buffer_.push_back(' ');
  buffer_.append(value);
  buffer_.push_back('\n');
}

void TextWriter::Counter(std::string_view labels, std::string_view more, uint64_t value) {
  std::array<char, 24> digits;
  Header();
  Line({}, labels, more, Digits(value, digits));
  FlushIfFull();
}

void TextWriter::Gauge(std::string_view labels, std::string_view more, int64_t value) {
  std::array<char, 24> digits;
  Header();
  Line({}, labels, more, Digits(value, digits));
  FlushIfFull();
}

void TextWriter::Histogram(std::string_view labels, BucketLayout layout, const HistogramValue& value) {
  const Bounds& bounds = BoundLabels()[static_cast<size_t>(layout)];
  std::array<char, 24> digits;
  std::array<char, 32> seconds;
  Header();
  // All buckets begin alike.
  prefix_.assign(family_->name).append("_bucket{").append(labels);
  if (!labels.empty()) prefix_.push_back(',');
  uint64_t count = 0;
  for (size_t i = 0; i < kBuckets; ++i) {
    count += value.counts[i];
    buffer_.append(prefix_).append(bounds[i]).append(Digits(count, digits)).push_back('\n');
  }
  Line("_sum", labels, {}, FormatSeconds(value.sum_ns, seconds));
  Line("_count", labels, {}, Digits(count, digits));
  FlushIfFull();
}

void TextWriter::Text(std::string_view text) {
  Flush();
  for (; !text.empty(); text.remove_prefix(std::min(text.size(), kPieceBytes))) sink_(text.substr(0, kPieceBytes));
}

void TextWriter::Flush() {
  if (!buffer_.empty()) sink_(buffer_);
  buffer_.clear();
}

}  // namespace headgate::metrics
