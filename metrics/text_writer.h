// Writes the Prometheus text format 0.0.4 in pieces to a sink.
// Owned by one scrape.
// One thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "metrics/catalogue.h"
#include "metrics/histogram.h"
#include "metrics/scrape_sink.h"

namespace headgate::metrics {

class TextWriter {
 public:
  static constexpr size_t kPieceBytes = 64 * 1024;

  explicit TextWriter(const ScrapeSink& sink);

  // A family's HELP and TYPE are written with its first sample, so an empty family leaves no trace.
  void Begin(const FamilyInfo& family) { family_ = &family; }
  // `labels` and `more` are name="value" lists as text; either may be empty.
  void Counter(std::string_view labels, std::string_view more, uint64_t value);
  void Gauge(std::string_view labels, std::string_view more, int64_t value);
  void Histogram(std::string_view labels, BucketLayout layout, const HistogramValue& value);
  // Whole families as text, each line ended.
  void Text(std::string_view text);
  void Flush();

 private:
  void Line(std::string_view suffix, std::string_view labels, std::string_view more, std::string_view value);
  void Header();
  void FlushIfFull() {
    if (buffer_.size() >= kPieceBytes - kSlack) Flush();
  }

  static constexpr size_t kSlack = 8 * 1024;

  const ScrapeSink& sink_;
  std::string buffer_;
  std::string prefix_;
  const FamilyInfo* family_ = nullptr;
  const FamilyInfo* headed_ = nullptr;
};

// Nanoseconds as seconds, exactly: "0.0125".
std::string_view FormatSeconds(uint64_t ns, std::array<char, 32>& buffer);

}  // namespace headgate::metrics
