#include "metrics/exporter.h"

#include <algorithm>
#include <array>
#include <span>
#include <string_view>
#include <utility>

#include "metrics/text.h"

namespace headgate::metrics {
namespace {

constexpr std::string_view kBeyondBounds = R"(method="OTHER",code="_other",code_class="_other")";
constexpr std::string_view kGrpcBeyondBounds = R"(grpc_status="_other")";

std::vector<std::string> Labels(std::string_view name, std::span<const std::string_view> words) {
  std::vector<std::string> labels;
  for (const std::string_view word : words) AppendLabel(labels.emplace_back(), name, word);
  return labels;
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

constexpr bool IsGrpc(uint32_t key) noexcept { return key >> 16U == Shard::kGrpcLabel; }

std::string GrpcLabels(uint32_t key) {
  std::string text;
  AppendLabel(text, "grpc_status", kGrpcStatusLabels[std::min<uint32_t>(key & 0xFFFFU, kGrpcStatusOther)]);
  return text;
}

// What all shards counted for one id, by key in rising order.
std::vector<std::pair<uint32_t, uint64_t>> SumRequests(const Shards& shards, RequestsId id) {
  std::vector<std::pair<uint32_t, uint64_t>> sums;
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

bool IsEmpty(const HistogramValue& value) {
  return std::all_of(value.counts.begin(), value.counts.end(), [](uint64_t count) { return count == 0; });
}

// The series of `_other` show only once something was counted in them.
bool IsShown(const SeriesEntry& entry, uint64_t value) { return !entry.is_other || value != 0; }

class NamedWriter {
 public:
  NamedWriter(const Shards& shards, TextWriter& out) : shards_(shards), out_(out) {}

  template <class Entries>
  void RouteCells(Family family, const Entries& routes, uint32_t offset) {
    out_.Begin(Info(family));
    for (const auto& route : routes) One(family, *route, {}, route->first_cell + offset);
  }
  // One cell per entry: `cell` picks it from the entry's series.
  template <class Entries, class Pick>
  void Cells(Family family, const Entries& entries, Pick&& pick) {
    out_.Begin(Info(family));
    for (const auto& entry : entries) One(family, *entry, {}, pick(entry->series).cell);
  }
  // One cell per known value of a label.
  template <class Entries, class Pick>
  void CellsBy(Family family, const Entries& entries, std::span<const std::string_view> words, Pick&& pick) {
    out_.Begin(Info(family));
    const std::string_view label = Info(family).labels[1];
    const std::vector<std::string> more = Labels(label, words);
    for (const auto& entry : entries) {
      const auto& ids = pick(entry->series);
      for (size_t i = 0; i < ids.size(); ++i) One(family, *entry, more[i], ids[i].cell);
    }
  }
  template <class Entries, class Pick>
  void Histograms(Family family, const Entries& entries, Pick&& pick) {
    out_.Begin(Info(family));
    for (const auto& entry : entries) {
      const HistogramId id = pick(*entry);
      const HistogramValue value = SumHistogram(shards_, id);
      if (!IsEmpty(value)) out_.Histogram(entry->labels, id.layout, value);
    }
  }

 private:
  void One(Family family, const SeriesEntry& entry, std::string_view more, uint32_t cell) {
    const uint64_t value = SumCell(shards_, cell);
    if (!IsShown(entry, value)) return;
    if (Info(family).type == MetricType::kGauge) {
      out_.Gauge(entry.labels, more, static_cast<int64_t>(value));
    } else {
      out_.Counter(entry.labels, more, value);
    }
  }

  const Shards& shards_;
  TextWriter& out_;
};

void WriteUpstreams(const SeriesLists& lists, NamedWriter& named) {
  using S = UpstreamSeries;
  const auto& all = lists.upstreams;
  named.CellsBy(Family::kUpstreamRequests, all, kUpstreamResultWords, [](const S& s) { return s.requests; });
  named.Histograms(Family::kUpstreamResponse, all, [](const UpstreamEntry& entry) { return entry.series.response; });
  named.CellsBy(Family::kUpstreamConnects, all, kConnectResultWords, [](const S& s) { return s.connects; });
  named.CellsBy(Family::kUpstreamConnections, all, kConnectionStateWords, [](const S& s) { return s.connections; });
  named.Cells(Family::kUpstreamConnectionsLimit, all, [](const S& s) { return s.connections_limit; });
  named.CellsBy(Family::kUpstreamEndpoints, all, kEndpointStateWords, [](const S& s) { return s.endpoints; });
  named.Cells(Family::kUpstreamRetries, all, [](const S& s) { return s.retries; });
}

void WriteListeners(const SeriesLists& lists, NamedWriter& named) {
  using S = ListenerSeries;
  const auto& all = lists.listeners;
  named.CellsBy(Family::kConnections, all, kConnectionStateWords, [](const S& s) { return s.connections; });
  named.Cells(Family::kConnectionsLimit, all, [](const S& s) { return s.connections_limit; });
  named.Cells(Family::kStreamsActive, all, [](const S& s) { return s.streams_active; });
  named.CellsBy(Family::kConnectionsByProtocol, all, kConnectionProtocolWords,
                [](const S& s) { return s.accepted_protocols; });
  named.Cells(Family::kAccepts, all, [](const S& s) { return s.accepts; });
  named.Cells(Family::kAcceptErrors, all, [](const S& s) { return s.accept_errors; });
}

}  // namespace

uint64_t SumCell(const Shards& shards, uint32_t cell) noexcept {
  uint64_t sum = 0;
  for (const Shard* shard : shards) sum += shard->Read(cell);
  return sum;
}

void Exporter::WriteNamed(const SeriesLists& lists, const Shards& shards, std::string_view weights, TextWriter& out) {
  NamedWriter named(shards, out);
  WriteGrpc(lists, shards, WriteRequests(lists, shards, out), out);
  named.Histograms(Family::kRequestDuration, lists.backends,
                   [](const BackendEntry& backend) { return backend.duration(); });
  named.RouteCells(Family::kRequestsActive, lists.routes, RouteEntry::kRequestsActive);
  named.RouteCells(Family::kTunnelsActive, lists.routes, RouteEntry::kTunnelsActive);
  named.RouteCells(Family::kRequestBytes, lists.routes, RouteEntry::kRequestBytes);
  named.RouteCells(Family::kResponseBytes, lists.routes, RouteEntry::kResponseBytes);
  WriteErrors(lists, shards, out);
  if (!weights.empty()) out.Text(weights);
  WriteUpstreams(lists, named);
  WriteListeners(lists, named);
}

std::vector<Exporter::GrpcCount> Exporter::WriteRequests(const SeriesLists& lists, const Shards& shards,
                                                         TextWriter& out) {
  std::vector<GrpcCount> grpc;
  out.Begin(Info(Family::kRequests));
  requests_.Begin();
  for (const auto& backend : lists.backends) {
    for (const auto& [key, count] : SumRequests(shards, backend->requests())) {
      if (IsGrpc(key)) {
        grpc.push_back({backend.get(), key, count});
      } else if (backend->is_other) {
        requests_.AddOther(key, count);
      } else if (requests_.Admit(backend->known, key, count)) {
        out.Counter(backend->labels, RequestLabels(key), count);
      }
    }
  }
  const std::string& other = lists.backends.back()->labels;
  for (const auto& [key, count] : requests_.other()) out.Counter(other, RequestLabels(key), count);
  uint64_t beyond = 0;
  for (const Shard* shard : shards) beyond += shard->requests_beyond_bounds();
  if (beyond != 0) out.Counter(other, kBeyondBounds, beyond);
  return grpc;
}

void Exporter::WriteGrpc(const SeriesLists& lists, const Shards& shards, const std::vector<GrpcCount>& counts,
                         TextWriter& out) {
  out.Begin(Info(Family::kGrpcRequests));
  grpc_.Begin();
  for (const auto& [backend, key, count] : counts) {
    if (backend->is_other) {
      grpc_.AddOther(key, count);
    } else if (grpc_.Admit(backend->known, key, count)) {
      out.Counter(backend->labels, GrpcLabels(key), count);
    }
  }
  const std::string& other = lists.backends.back()->labels;
  for (const auto& [key, count] : grpc_.other()) out.Counter(other, GrpcLabels(key), count);
  uint64_t beyond = 0;
  for (const Shard* shard : shards) beyond += shard->grpc_beyond_bounds();
  if (beyond != 0) out.Counter(other, kGrpcBeyondBounds, beyond);
}

void Exporter::WriteErrors(const SeriesLists& lists, const Shards& shards, TextWriter& out) {
  static const std::vector<std::string> reasons = Labels("reason", kProxyErrorReasonWords);
  out.Begin(Info(Family::kProxyErrors));
  errors_.Begin();
  for (const auto& route : lists.routes) {
    std::array<uint64_t, kProxyErrorReasonCount> counts{};
    for (const Shard* shard : shards) shard->AddTo(counts, route->first_cell + RouteEntry::kErrors);
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
  for (const auto& [reason, count] : errors_.other()) out.Counter(lists.routes.back()->labels, reasons[reason], count);
}

void Exporter::WriteProcess(const ProcessSeries& process, const Shards& shards, TextWriter& out) {
  static const std::vector<std::string> rejects = Labels("reason", kRejectReasonWords);
  out.Begin(Info(Family::kRequestsRejected));
  for (size_t i = 0; i < rejects.size(); ++i) {
    out.Counter({}, rejects[i], SumCell(shards, process.requests_rejected[i].cell));
  }
  out.Begin(Info(Family::kTlsHandshakes));
  for (size_t i = 0; i < kTlsHandshakeLabels.size(); ++i) {
    const TlsHandshakeLabels& labels = kTlsHandshakeLabels[i];
    std::string text;
    AppendLabel(text, "result", labels.result);
    AppendLabel(text.append(","), "reason", labels.reason);
    AppendLabel(text.append(","), "version", labels.version);
    AppendLabel(text.append(","), "resumed", labels.resumed);
    out.Counter(text, {}, SumCell(shards, process.tls_handshakes[i].cell));
  }
  for (const auto& [family, id] :
       {std::pair(Family::kProxyOverhead, process.proxy_overhead), std::pair(Family::kLoopDelay, process.loop_delay)}) {
    out.Begin(Info(family));
    out.Histogram({}, id.layout, SumHistogram(shards, id));
  }
  out.Begin(Info(Family::kAccessLogDropped));
  out.Counter({}, {}, SumCell(shards, process.access_log_dropped.cell));
  out.Begin(Info(Family::kMetricsOverflow));
  out.Counter({}, {}, SumCell(shards, process.metrics_overflow.cell));
  out.Begin(Info(Family::kSnapshotsActive));
  out.Gauge({}, {}, static_cast<int64_t>(SumCell(shards, process.snapshots_active.cell)));
}

void Exporter::Drop(const SeriesLists& unused, const Shards& shards) {
  for (const auto& backend : unused.backends) {
    const auto sums = SumRequests(shards, backend->requests());
    for (const KnownKey& known : backend->known) {
      const auto found =
          std::find_if(sums.begin(), sums.end(), [&](const auto& sum) { return sum.first == known.key; });
      CappedFamily& family = IsGrpc(known.key) ? grpc_ : requests_;
      family.Drop(known, found == sums.end() ? 0 : found->second);
    }
  }
  for (const auto& route : unused.routes) {
    for (const KnownKey& known : route->known) {
      errors_.Drop(known, SumCell(shards, route->first_cell + RouteEntry::kErrors + known.key));
    }
  }
}

}  // namespace headgate::metrics
