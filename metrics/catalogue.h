// Every metric family that headgate exports, one row each, grouped by what it belongs to: cells, the exposition and the
// table of docs/metrics.md follow from the rows. A new family is a row with its member in series.h, and the line that
// counts. Families of the control plane have no cells: they are written as text by who names them with Info.
// Constants.
// Any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <tuple>
#include <type_traits>

#include "metrics/cells.h"
#include "metrics/series.h"

namespace headgate::metrics {

enum class MetricType : uint8_t { kCounter, kGauge, kHistogram };

struct FamilyInfo {
  std::string_view name;
  MetricType type = MetricType::kCounter;
  std::string_view help;
  std::array<std::string_view, 5> labels = {};  // the owner's first; the empty ones are none
  // Known values of the labels that are not the owner's: for one id after the other, a value for each label.
  std::span<const std::string_view> words = {};
  size_t word_sets = 1;        // how many ids those words are for
  std::string_view note = {};  // for the documentation only
};

constexpr size_t LabelCount(const FamilyInfo& family) noexcept {
  size_t count = 0;
  while (count < family.labels.size() && !family.labels[count].empty()) ++count;
  return count;
}

template <class Ids>
struct TypeOf {
  static constexpr MetricType kType = MetricType::kCounter;
};
template <>
struct TypeOf<GaugeId> {
  static constexpr MetricType kType = MetricType::kGauge;
};
template <>
struct TypeOf<HistogramId> {
  static constexpr MetricType kType = MetricType::kHistogram;
};
template <class Id, size_t kCount>
struct TypeOf<std::array<Id, kCount>> : TypeOf<Id> {};

// A family with cells: which member of its owner's series has their ids. Its type is theirs.
template <class Owner, class Ids>
struct Row : FamilyInfo {
  consteval Row(Ids Owner::* member, const FamilyInfo& info) : FamilyInfo(info), ids(member) {
    type = TypeOf<Ids>::kType;
    constexpr size_t kIds = IdTraits<Ids>::kIds;
    word_sets = kIds;
    if ((kIds > 1) != !words.empty() || words.size() % kIds != 0) throw "the words do not fit the ids";
  }
  Ids Owner::* ids;
};

// ---- of a route and one of its upstreams ----
inline constexpr std::tuple kBackendRows = {
    Row{&BackendSeries::requests,
        {.name = "headgate_requests_total",
         .help = "Requests answered, by route, upstream, method and status code.",
         .labels = {"route", "upstream", "method", "code", "code_class"},
         .note = "`code_class` is `2xx` and so on."}},
    // Lies among the cells of the family above.
    FamilyInfo{.name = "headgate_grpc_requests_total",
               .help = "gRPC requests answered, by route, upstream and gRPC status.",
               .labels = {"route", "upstream", "grpc_status"},
               .note = "Over HTTP/2, and once more beside the family above: `0` to `16`, `other` where none came."},
    Row{&BackendSeries::duration,
        {.name = "headgate_request_duration_seconds",
         .help = "Time from a request's first byte in to its response's last byte out; without tunnels.",
         .labels = {"route", "upstream"}}},
};

// ---- of a route ----
inline constexpr std::tuple kRouteRows = {
    Row{&RouteSeries::requests_active,
        {.name = "headgate_requests_active", .help = "Requests in progress.", .labels = {"route"}}},
    Row{&RouteSeries::tunnels_active,
        {.name = "headgate_tunnels_active",
         .help = "Upgraded connections (WebSockets) that are open.",
         .labels = {"route"}}},
    Row{&RouteSeries::request_bytes,
        {.name = "headgate_request_bytes_total",
         .help = "Bytes of request bodies received from clients.",
         .labels = {"route"},
         .note = "Counted when the request ends, as the next."}},
    Row{&RouteSeries::response_bytes,
        {.name = "headgate_response_bytes_total",
         .help = "Bytes of response bodies sent to clients.",
         .labels = {"route"},
         .note = "Of a long download or a WebSocket at its end."}},
    Row{&RouteSeries::errors,
        {.name = "headgate_proxy_errors_total",
         .help = "Requests that did not end well, by reason.",
         .labels = {"route", "reason"},
         .words = kProxyErrorReasonWords,
         .note = "The reasons are below."}},
    Row{&RouteSeries::rate_limited,
        {.name = "headgate_rate_limited_total",
         .help = "Requests beyond the route's rateLimit.",
         .labels = {"route"},
         .note = "With `dryRun` they went on."}},
    FamilyInfo{.name = "headgate_route_weight_ratio",
               .type = MetricType::kGauge,
               .help = "Configured share of a route's requests, 0 to 1.",
               .labels = {"route", "upstream"}},
};

// ---- of an upstream ----
inline constexpr std::tuple kUpstreamRows = {
    Row{&UpstreamSeries::requests,
        {.name = "headgate_upstream_requests_total",
         .help = "Attempts at an upstream, by their end.",
         .labels = {"upstream", "result"},
         .words = kUpstreamResultWords,
         .note = "A retry is one more; `timeouts.idle` is a timeout too, a WebSocket that it ends is ok."}},
    Row{&UpstreamSeries::response,
        {.name = "headgate_upstream_response_seconds",
         .help = "Time from the request sent to the response's head received.",
         .labels = {"upstream"}}},
    Row{&UpstreamSeries::connects,
        {.name = "headgate_upstream_connects_total",
         .help = "New connections to an upstream, by their end.",
         .labels = {"upstream", "result"},
         .words = kConnectResultWords}},
    Row{&UpstreamSeries::connections,
        {.name = "headgate_upstream_connections",
         .help = "Open connections to an upstream.",
         .labels = {"upstream", "state"},
         .words = kConnectionStateWords}},
    Row{&UpstreamSeries::connections_limit,
        {.name = "headgate_upstream_connections_limit",
         .help = "Connections that an upstream may have at most; 0 without a limit.",
         .labels = {"upstream"}}},
    Row{&UpstreamSeries::endpoints,
        {.name = "headgate_upstream_endpoints",
         .help = "Addresses of an upstream.",
         .labels = {"upstream", "state"},
         .words = kEndpointStateWords}},
    Row{&UpstreamSeries::retries,
        {.name = "headgate_upstream_retries_total",
         .help = "Requests that were sent to an upstream once more.",
         .labels = {"upstream"}}},
    Row{&UpstreamSeries::retries_over_budget,
        {.name = "headgate_upstream_retry_budget_exhausted_total",
         .help = "Requests that were not sent once more because the route's retry.budget was used up.",
         .labels = {"upstream"}}},
    Row{&UpstreamSeries::pending,
        {.name = "headgate_upstream_requests_pending",
         .help = "Requests that wait for a connection to an upstream.",
         .labels = {"upstream"}}},
    Row{&UpstreamSeries::circuit_open,
        {.name = "headgate_upstream_circuit_open",
         .help =
             "Whether a further request is refused: connections.max and connections.maxPending are reached; 1 or 0.",
         .labels = {"upstream"}}},
};

// ---- of a listener ----
inline constexpr std::tuple kListenerRows = {
    Row{&ListenerSeries::connections,
        {.name = "headgate_connections",
         .help = "Open client connections.",
         .labels = {"listener", "state"},
         .words = kConnectionStateWords}},
    Row{&ListenerSeries::connections_limit,
        {.name = "headgate_connections_limit",
         .help = "Client connections that a listener may have at most; 0 without a limit.",
         .labels = {"listener"}}},
    Row{&ListenerSeries::streams_active,
        {.name = "headgate_streams_active",
         .help = "HTTP/2 requests of clients that are open.",
         .labels = {"listener"}}},
    Row{&ListenerSeries::accepted_protocols,
        {.name = "headgate_connections_by_protocol_total",
         .help = "Client connections accepted, once it was known what they speak.",
         .labels = {"listener", "protocol"},
         .words = kConnectionProtocolWords}},
    Row{&ListenerSeries::accepts,
        {.name = "headgate_accepts_total", .help = "Client connections accepted.", .labels = {"listener"}}},
    Row{&ListenerSeries::accept_errors,
        {.name = "headgate_accept_errors_total",
         .help = "Failures to accept a client connection.",
         .labels = {"listener"},
         .note = "And looks at a queue whose clients had to wait: `limits.maxConnections` or the file limit is reached "
                 "(the log "
                 "says which, once in 10 s)."}},
    Row{&ListenerSeries::refused,
        {.name = "headgate_connections_refused_total",
         .help = "Client connections closed at once, for limits.maxConnectionsPerClient.",
         .labels = {"listener"}}},
    Row{&ListenerSeries::proxy_headers_refused,
        {.name = "headgate_proxy_protocol_refused_total",
         .help = "Client connections closed for a PROXY header that was malformed or did not come within 1 s.",
         .labels = {"listener"}}},
};

// ---- of the process ----
inline constexpr std::tuple kProcessRows = {
    Row{&ProcessSeries::requests_rejected,
        {.name = "headgate_requests_rejected_total",
         .help = "Requests refused before a route was looked for, and HTTP/2 connections ended for abuse.",
         .labels = {"reason"},
         .words = kRejectReasonWords,
         .note = "The reasons are below."}},
    Row{&ProcessSeries::tls_handshakes,
        {.name = "headgate_tls_handshakes_total",
         .help = "TLS handshakes with clients, by their end.",
         .labels = {"result", "reason", "version", "resumed"},
         .words = kTlsHandshakeWords}},
    Row{&ProcessSeries::proxy_overhead,
        {.name = "headgate_proxy_overhead_seconds", .help = "Time that a request spent in the proxy alone."}},
    Row{&ProcessSeries::loop_delay,
        {.name = "headgate_loop_delay_seconds",
         .help = "Time that a ready event may have waited for its worker, by turns of the loop.",
         .note = "As long as the turn before took, or as the kernel overslept a deadline."}},
    Row{&ProcessSeries::access_log_dropped,
        {.name = "headgate_access_log_dropped_total", .help = "Access log lines lost to a slow or full target."}},
    Row{&ProcessSeries::metrics_overflow,
        {.name = "headgate_metrics_overflow_total",
         .help = "Series that were counted as _other because their family was full.",
         .note = "See Caps, below."}},
    Row{&ProcessSeries::snapshots_active,
        {.name = "headgate_config_snapshots_active", .help = "Generations of the configuration still in use."}},
    Row{&ProcessSeries::memory_limit,
        {.name = "headgate_memory_limit_bytes",
         .help = "Resident memory beyond which new requests get 503; 0 without a limit.",
         .note = "`limits.maxMemory`. `process_resident_memory_bytes` is what it is compared with."}},
};

// ---- of the control plane ----
inline constexpr std::array kControlRows = {
    FamilyInfo{.name = "headgate_tls_certificate_not_after_timestamp_seconds",
               .type = MetricType::kGauge,
               .help = "End of a certificate's validity, in seconds since 1970.",
               .labels = {"server_name"}},
    FamilyInfo{.name = "headgate_tls_certificate_usable",
               .type = MetricType::kGauge,
               .help = "Whether a certificate's files can be used: 1, or 0 while the one read before serves.",
               .labels = {"server_name"},
               .note = "`/certificates` says why it is 0."},
    FamilyInfo{.name = "headgate_build_info",
               .type = MetricType::kGauge,
               .help = "What this binary was built from.",
               .labels = {"version", "revision", "compiler"}},
    FamilyInfo{.name = "headgate_config_info",
               .type = MetricType::kGauge,
               .help = "The configuration in force.",
               .labels = {"hash"}},
    FamilyInfo{.name = "headgate_config_last_reload_successful",
               .type = MetricType::kGauge,
               .help = "Whether the last reload was taken: 1 or 0."},
    FamilyInfo{.name = "headgate_config_last_reload_success_timestamp_seconds",
               .type = MetricType::kGauge,
               .help = "Time of the last reload that was taken, in seconds since 1970."},
    FamilyInfo{.name = "headgate_config_reloads_total",
               .help = "Reloads, by result.",
               .labels = {"result"},
               .words = kReloadResultWords,
               .word_sets = kReloadResultWords.size()},
};

// All rows, in the order of the exposition.
inline constexpr auto kCatalogue =
    std::apply([](const auto&... rows) { return std::array{static_cast<const FamilyInfo&>(rows)...}; },
               std::tuple_cat(kBackendRows, kRouteRows, kUpstreamRows, kListenerRows, kProcessRows, kControlRows));

// The row of this name; a name that has none does not compile.
consteval const FamilyInfo& Info(std::string_view name) {
  for (const FamilyInfo& family : kCatalogue) {
    if (family.name == name) return family;
  }
  throw "no family has this name";
}

constexpr const auto& RowsOf(const BackendSeries*) noexcept { return kBackendRows; }
constexpr const auto& RowsOf(const RouteSeries*) noexcept { return kRouteRows; }
constexpr const auto& RowsOf(const UpstreamSeries*) noexcept { return kUpstreamRows; }
constexpr const auto& RowsOf(const ListenerSeries*) noexcept { return kListenerRows; }
constexpr const auto& RowsOf(const ProcessSeries*) noexcept { return kProcessRows; }

template <class AnyRow>
inline constexpr bool kHasIds = !std::is_same_v<std::remove_cvref_t<AnyRow>, FamilyInfo>;

// Calls f(row) for each family of an owner; those without cells included.
template <class Series, class F>
constexpr void ForEachRow(F&& f) {
  std::apply([&f](const auto&... rows) { (f(rows), ...); }, RowsOf(static_cast<const Series*>(nullptr)));
}

// Calls f(ids) for each member that a row names.
template <class Series, class F>
constexpr void ForEachIds(Series& series, F&& f) {
  ForEachRow<std::remove_const_t<Series>>([&](const auto& row) {
    if constexpr (kHasIds<decltype(row)>) f(series.*row.ids);
  });
}

// Cells of an owner's block, a power of two.
template <class Series>
consteval uint32_t CellsOf() {
  CellLayout layout(0);
  ForEachRow<Series>([&layout](const auto& row) {
    if constexpr (kHasIds<decltype(row)>) {
      std::remove_cvref_t<decltype(std::declval<Series&>().*row.ids)> ids;
      layout.Place(ids);
    }
  });
  return std::bit_ceil(layout.next());
}

// Series of an owner's widest family whose label sets are known.
template <class Series>
consteval size_t WidestOf() {
  size_t widest = 1;
  ForEachRow<Series>([&widest](const auto& row) {
    if constexpr (kHasIds<decltype(row)>) {
      widest = std::max(widest, IdTraits<std::remove_cvref_t<decltype(std::declval<Series&>().*row.ids)>>::kIds);
    }
  });
  return widest;
}

}  // namespace headgate::metrics
