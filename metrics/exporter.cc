#include "metrics/exporter.h"

#include <algorithm>
#include <array>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

#include "metrics/text.h"

namespace headgate::metrics {
namespace {

constexpr std::string_view kBeyondBounds = R"(method="OTHER",code="_other",code_class="_other")";
constexpr std::string_view kGrpcBeyondBounds = R"(grpc_status="_other")";

// The text of each known label set that is not the owner's: result="ok".
std::vector<std::string> LabelSets(const FamilyInfo& family) {
  std::vector<std::string> sets(family.word_sets);
  const size_t own = family.words.size() / family.word_sets;
  const size_t first = LabelCount(family) - own;
  for (size_t i = 0; i < family.words.size(); ++i) {
    std::string& set = sets[i / own];
    if (!set.empty()) set.push_back(',');
    AppendLabel(set, family.labels[first + i % own], family.words[i]);
  }
  return sets;
}

std::string RequestLabels(uint32_t key) {
  const auto method = static_cast<uint8_t>(key >> 16U);
  const uint32_t code = key & 0xFFFFU;
  const bool known = code >= 100 && code <= 599;
  std::string text;
  AppendLabel(text, "method", kMethodLabels[std::min(method, kMethodLabelOther)]);
  text += ",code=\"" + std::to_string(code) + "\",code_class=\"";
  text += known ? std::to_string(code / 100) + "xx" : "other";
  return text + "\"";
}

std::string GrpcLabels(uint32_t key) {
  std::string text;
  AppendLabel(text, "grpc_status", kGrpcStatusLabels[std::min<uint32_t>(key & 0xFFFFU, kGrpcStatusOther)]);
  return text;
}

bool IsEmpty(const HistogramValue& value) {
  return std::all_of(value.counts.begin(), value.counts.end(), [](uint64_t count) { return count == 0; });
}

// The series of `_other` show only once something was counted in them.
bool IsShown(const SeriesEntry& entry, uint64_t value) { return !entry.is_other || value != 0; }

// Cells whose labels are known: one after the other as they are numbered, for each entry.
void WriteCells(const FamilyInfo& row, const SeriesEntry& entry, uint32_t cell, const std::vector<std::string>& sets,
                const Shards& shards, TextWriter& out) {
  for (const std::string& set : sets) {
    const uint64_t value = SumCell(shards, cell++);
    if (!IsShown(entry, value)) continue;
    if (row.type == MetricType::kGauge) {
      out.Gauge(entry.labels, set, static_cast<int64_t>(value));
    } else {
      out.Counter(entry.labels, set, value);
    }
  }
}

}  // namespace

uint64_t SumCell(const Shards& shards, uint32_t cell) noexcept {
  uint64_t sum = 0;
  for (const Shard* shard : shards) sum += shard->Read(cell);
  return sum;
}

RequestSums SumRequests(const Shards& shards, RequestsId id) {
  RequestSums sums;
  for (const Shard* shard : shards) {
    shard->ForEachRequest(id, [&](uint8_t method, uint16_t code, uint64_t count) {
      const uint32_t key = (uint32_t{method} << 16U) | code;
      const auto found = std::find_if(sums.begin(), sums.end(), [&](const auto& sum) { return sum.first == key; });
      if (found != sums.end()) {
        found->second += count;
      } else {
        sums.emplace_back(key, count);
      }
    });
  }
  std::sort(sums.begin(), sums.end());
  return sums;
}

HistogramValue SumHistogram(const Shards& shards, HistogramId id) {
  std::array<uint64_t, kHistogramSumCell + 1> sums{};
  for (const Shard* shard : shards) shard->AddTo(sums, id.cell);
  HistogramValue value;
  std::copy_n(sums.begin(), kBuckets, value.counts.begin());
  value.sum_ns = sums[kHistogramSumCell];
  return value;
}

// A histogram of a name that nothing was observed of yet is left out.
template <class AnyRow, class AnyEntry>
void Exporter::WriteRow(const AnyRow& row, const std::vector<std::shared_ptr<AnyEntry>>& entries, const Shards& shards,
                        TextWriter& out) {
  using Series = typename AnyEntry::Series;
  using Ids = std::remove_cvref_t<decltype(std::declval<Series&>().*row.ids)>;
  out.Begin(row);
  if constexpr (std::is_same_v<Ids, RequestsId>) {
    WriteRequests(entries, shards, out);
  } else if constexpr (std::is_same_v<Ids, ErrorsId>) {
    WriteErrors(row, entries, shards, out);
  } else if constexpr (std::is_same_v<Ids, HistogramId>) {
    for (const auto& entry : entries) {
      const HistogramId id = entry->series.*row.ids;
      const HistogramValue value = SumHistogram(shards, id);
      if (entry->labels.empty() || !IsEmpty(value)) out.Histogram(entry->labels, id.layout, value);
    }
  } else {
    const std::vector<std::string> sets = LabelSets(row);
    for (const auto& entry : entries) {
      WriteCells(row, *entry, FirstCell(entry->series.*row.ids), sets, shards, out);
    }
  }
}

template <class AnyEntry>
void Exporter::WriteRows(const std::vector<std::shared_ptr<AnyEntry>>& entries, const Shards& shards, TextWriter& out) {
  ForEachRow<typename AnyEntry::Series>([&](const auto& row) {
    if constexpr (kHasIds<decltype(row)>) WriteRow(row, entries, shards, out);
  });
}

void Exporter::WriteNamed(const SeriesLists& lists, const Shards& shards, std::string_view weights, TextWriter& out) {
  WriteRows(lists.backends, shards, out);
  WriteRows(lists.routes, shards, out);
  if (!weights.empty()) out.Text(weights);
  WriteRows(lists.upstreams, shards, out);
  WriteRows(lists.listeners, shards, out);
}

void Exporter::WriteProcess(const SeriesLists& lists, const Shards& shards, TextWriter& out) {
  WriteRows(lists.process, shards, out);
}

// And the family of gRPC statuses, which lie among the requests.
void Exporter::WriteRequests(const Backends& backends, const Shards& shards, TextWriter& out) {
  std::vector<GrpcCount> grpc;
  requests_.Begin();
  for (const auto& backend : backends) {
    for (const auto& [key, count] : SumRequests(shards, backend->series.requests)) {
      if (IsGrpc(key)) {
        grpc.push_back({backend.get(), key, count});
      } else if (backend->is_other) {
        requests_.AddOther(key, count);
      } else if (requests_.Admit(backend->known, key, count)) {
        out.Counter(backend->labels, RequestLabels(key), count);
      }
    }
  }
  const std::string& other = backends.back()->labels;
  for (const auto& [key, count] : requests_.other()) out.Counter(other, RequestLabels(key), count);
  uint64_t beyond = 0;
  for (const Shard* shard : shards) beyond += shard->requests_beyond_bounds();
  if (beyond != 0) out.Counter(other, kBeyondBounds, beyond);
  WriteGrpc(other, shards, grpc, out);
}

void Exporter::WriteGrpc(const std::string& other, const Shards& shards, const std::vector<GrpcCount>& counts,
                         TextWriter& out) {
  out.Begin(Info("headgate_grpc_requests_total"));
  grpc_.Begin();
  for (const auto& [backend, key, count] : counts) {
    if (backend->is_other) {
      grpc_.AddOther(key, count);
    } else if (grpc_.Admit(backend->known, key, count)) {
      out.Counter(backend->labels, GrpcLabels(key), count);
    }
  }
  for (const auto& [key, count] : grpc_.other()) out.Counter(other, GrpcLabels(key), count);
  uint64_t beyond = 0;
  for (const Shard* shard : shards) beyond += shard->grpc_beyond_bounds();
  if (beyond != 0) out.Counter(other, kGrpcBeyondBounds, beyond);
}

void Exporter::WriteErrors(const FamilyInfo& row, const Routes& routes, const Shards& shards, TextWriter& out) {
  const std::vector<std::string> reasons = LabelSets(row);
  errors_.Begin();
  for (const auto& route : routes) {
    std::array<uint64_t, kProxyErrorReasonCount> counts{};
    for (const Shard* shard : shards) shard->AddTo(counts, route->series.errors.cell);
    for (uint32_t reason = 0; reason < kProxyErrorReasonCount; ++reason) {
      const uint64_t count = counts[reason];
      if (count == 0) continue;
      if (route->is_other) {
        errors_.AddOther(reason, count);
      } else if (errors_.Admit(route->known, reason, count)) {
        out.Counter(route->labels, reasons[reason], count);
      }
    }
  }
  for (const auto& [reason, count] : errors_.other()) out.Counter(routes.back()->labels, reasons[reason], count);
}

void Exporter::Drop(const SeriesLists& unused, const Shards& shards) {
  for (const auto& backend : unused.backends) {
    const auto sums = SumRequests(shards, backend->series.requests);
    for (const KnownKey& known : backend->known) {
      const auto found =
          std::find_if(sums.begin(), sums.end(), [&](const auto& sum) { return sum.first == known.key; });
      CappedFamily& family = IsGrpc(known.key) ? grpc_ : requests_;
      family.Drop(known, found == sums.end() ? 0 : found->second);
    }
  }
  for (const auto& route : unused.routes) {
    for (const KnownKey& known : route->known) {
      errors_.Drop(known, SumCell(shards, route->series.errors.cell + known.key));
    }
  }
}

}  // namespace headgate::metrics
