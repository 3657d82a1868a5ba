// The configuration as its author wrote it: every value with its position, nothing filled in (defaults.h has defaults).
// Owned by whoever decoded it (config::UnitSet); routes and upstreams are shared with the units that they came from.
// Built on the control thread, const afterwards.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/ip.h"
#include "config/located.h"
#include "config/values.h"

namespace headgate::config {

// ---- listeners and process ---------------------------------------------------------------------------------------

/// Keys of `limits`. Only those that begin with max, body_rate, read_rate, body_idle and keep_alive may be `none`.
struct Limits {
  Setting<uint64_t> max_connections;  // none: no limit but the process's file limit
  Setting<uint64_t> max_connections_per_client;
  Setting<uint64_t> max_memory;    // bytes, of the process; absent: auto
  Setting<uint64_t> request_head;  // bytes
  Setting<uint64_t> field_size;    // bytes, one field
  Setting<uint64_t> fields;        // count
  Setting<uint64_t> target;        // bytes
  Setting<Duration> head_timeout;
  Setting<Duration> keep_alive;
  Setting<Duration> tls_handshake;
  Setting<Duration> body_idle;
  Setting<uint64_t> body_rate;      // bytes per second
  Setting<uint64_t> read_rate;      // bytes per second
  Setting<uint64_t> upstream_head;  // bytes
  Setting<uint64_t> stream_buffer;  // bytes
  Setting<uint64_t> h2_streams;     // count, of one connection
  Setting<uint64_t> h2_window;      // bytes, where a stream starts
  Setting<uint64_t> h2_connection;  // bytes held for one connection
  Position at;
};

struct Certificate {
  Located<FilePath> cert_file;
  Located<FilePath> key_file;
  Position at;
};

struct ListenerTls {
  std::vector<Certificate> certificates;  // never empty in a valid model
  Optional<TlsVersion> min_version;
  Position at;
};

struct HttpsRedirect {
  Optional<std::string> listener;            // whose publicPort to use; absent (`true`): the first listener with tls
  std::vector<Located<std::string>> except;  // paths, by whole segments, that are served in the clear
  Position at;
};

struct ProxyProtocol {
  std::vector<Located<base::Cidr>> from;  // never empty
  Position at;
};

enum class Protocol : uint8_t { kHttp11, kH2, kH2c };  // kH2c: upstreams only

struct Listener {
  Located<std::string> name;
  Located<HostPort> address;  // an IP address, never a name
  Optional<uint16_t> public_port;
  Box<HttpsRedirect> https_redirect;
  Box<ListenerTls> tls;
  Box<ProxyProtocol> proxy_protocol;
  std::vector<Located<Protocol>> protocols;  // empty: h2 and http/1.1 with tls, http/1.1 without
  Box<Limits> limits;                        // each key here overrides the global one
  Position at;
};

struct Admin {
  Optional<HostPort> address;
  Optional<FilePath> token_file;
};

struct MetricsEndpoint {
  Optional<HostPort> address;
};

enum class LogTarget : uint8_t { kStdout, kStderr, kFile, kOff };

struct AccessLog {
  Optional<LogTarget> to;
  Optional<FilePath> file;  // with kFile
  Optional<Percent> sample;
  Optional<bool> query;
};

struct Drain {
  Optional<Duration> lame_duck;
  Optional<Duration> timeout;
};

// ---- upstreams ---------------------------------------------------------------------------------------------------

struct Endpoint {
  Located<HostPort> address;  // an IP address, never a name
  Optional<uint32_t> weight;  // 1..1000
};

struct UpstreamTls {
  Optional<FilePath> ca_file;
  Optional<std::string> server_name;
  Optional<FilePath> cert_file;
  Optional<FilePath> key_file;
  Optional<bool> verify;
  Position at;
};

enum class LoadBalancing : uint8_t { kRoundRobin, kLeastRequest, kRandom, kRingHash, kMaglev };

enum class HashOnBy : uint8_t { kClientIp, kPath, kHeader, kCookie, kQuery };

struct HashOn {
  HashOnBy by = HashOnBy::kClientIp;
  std::string name;  // of the header, cookie or query parameter
};

struct Connections {
  Setting<uint64_t> max;           // none: no limit
  Setting<uint64_t> max_pending;   // none: no limit
  Setting<uint64_t> max_requests;  // per connection, 0 or none: no limit
  Setting<Duration> max_age;       // none: for ever
  Setting<Duration> idle_timeout;
  Setting<Duration> connect_timeout;
  Position at;
};

struct Upstream {
  Located<std::string> name;
  Optional<HostPort> address;       // either this
  std::vector<Endpoint> endpoints;  // or this
  Optional<Protocol> protocol;
  Box<UpstreamTls> tls;
  Optional<LoadBalancing> load_balancing;
  Optional<HashOn> hash_on;
  Box<Connections> connections;
  Position at;
};

// ---- route policies ----------------------------------------------------------------------------------------------

struct Timeouts {
  Setting<Duration> request;
  Setting<Duration> backend_request;
  Setting<Duration> idle;
};

enum class RetryCondition : uint8_t { kConnectFailure, kReset, kTimeout, kStatus };

struct RetryOn {
  RetryCondition condition = RetryCondition::kConnectFailure;
  uint16_t status = 0;  // with kStatus, 400..599
  Position at;
};

struct Retry {
  Optional<uint32_t> attempts;                // besides the first
  std::vector<RetryOn> on;                    // empty: the default
  std::vector<Located<std::string>> methods;  // empty: the default
  Optional<Duration> backoff;
  Optional<Percent> budget;
};

struct HeaderField {
  Located<std::string> name;  // as written; a valid token
  Located<std::string> value;
};

struct HeaderChanges {
  std::vector<HeaderField> set;
  std::vector<HeaderField> add;
  std::vector<Located<std::string>> remove;
};

struct Access {
  std::vector<Located<base::Cidr>> allow;  // written: nobody else may
  std::vector<Located<base::Cidr>> deny;   // wins over allow
  bool has_allow = false;                  // `allow: []` lets nobody in
};

/// At most one of prefix, path and regex (with substitution).
struct Rewrite {
  Optional<std::string> prefix;
  Optional<std::string> path;
  Optional<std::string> regex;
  Optional<std::string> substitution;
  Optional<std::string> hostname;
};

enum class StickyBy : uint8_t { kCookie, kHeader, kClientIp };

struct Sticky {
  Located<StickyBy> by;
  Optional<std::string> header;  // with kHeader
  Optional<std::string> name;    // the cookie's, with kCookie (always written there)
  Optional<Duration> ttl;        // absent: a session cookie
  Optional<bool> strict;
};

enum class RateLimitBy : uint8_t { kClientIp, kHeader, kRoute };

struct RateLimit {
  Located<uint32_t> requests;
  Optional<Duration> per;
  Optional<uint32_t> burst;  // absent: as `requests`
  Optional<RateLimitBy> by;
  Optional<std::string> header;  // with kHeader
  std::vector<Located<base::Cidr>> except;
  Optional<bool> dry_run;
};

/// What `defaults` and every route may say. Use route.policy.X.Or(model.defaults.X).
struct RoutePolicy {
  Setting<Sticky> sticky;
  Setting<Timeouts> timeouts;
  Setting<Retry> retry;
  Setting<uint64_t> max_body_size;  // bytes; none or 0: no limit
  Setting<bool> websocket;          // none: false
  Setting<HeaderChanges> request_headers;
  Setting<HeaderChanges> response_headers;
  Setting<Rewrite> rewrite;
  Setting<Access> access;
  Setting<RateLimit> rate_limit;
};

// ---- routes ------------------------------------------------------------------------------------------------------

enum class PathMatchKind : uint8_t { kExact, kPrefix, kRegex };

struct PathMatch {
  PathMatchKind kind = PathMatchKind::kPrefix;
  Located<std::string> value;
};

enum class ValueMatchKind : uint8_t { kExact, kRegex, kPresent };

/// A header, query parameter or cookie by name. `value` is empty with kPresent.
struct ValueMatch {
  Located<std::string> name;
  ValueMatchKind kind = ValueMatchKind::kExact;
  Located<std::string> value;
};

struct RouteMatch {
  std::optional<PathMatch> path;
  Optional<std::string> method;
  std::vector<ValueMatch> headers;
  std::vector<ValueMatch> query_params;
  Position at;
};

enum class ForceBy : uint8_t { kHeader, kCookie };

struct Force {
  ForceBy by = ForceBy::kHeader;
  ValueMatch match;
  Position at;
};

struct Backend {
  Located<std::string> upstream;
  Optional<uint32_t> weight;  // 0..1,000,000
  std::vector<Force> force;
  Position at;
};

enum class Colour : uint8_t { kBlue, kGreen };

struct BlueGreen {
  Located<Colour> active;
  Located<std::string> blue;   // upstream
  Located<std::string> green;  // upstream
  Box<Force> preview;          // sends to the one that is not active
  Position at;
};

/// At most one of path and prefix.
struct Redirect {
  Optional<std::string> hostname;
  Optional<std::string> scheme;  // http or https
  Optional<uint16_t> status;     // 301, 302, 303, 307, 308
  Optional<std::string> path;
  Optional<std::string> prefix;
  Optional<uint16_t> port;
  Position at;
};

struct Respond {
  Located<uint16_t> status;  // 200..599
  Optional<std::string> body;
  std::vector<HeaderField> headers;
  Position at;
};

/// Exactly one of backends, blue_green, redirect and respond.
struct Route {
  Located<std::string> name;
  std::vector<Located<std::string>> listeners;  // empty: all
  std::vector<Located<std::string>> hostnames;  // as written, any case; empty: any; "*.x": one or more labels before x
  std::vector<RouteMatch> matches;              // empty: every path
  std::vector<Backend> backends;
  Position backends_at;  // written even if the list is empty
  Box<BlueGreen> blue_green;
  Box<Redirect> redirect;
  Box<Respond> respond;
  RoutePolicy policy;
  Position at;
};

// ---- all of it ---------------------------------------------------------------------------------------------------

struct Model {
  std::vector<std::string> files;  // names as Position::file counts them; that of a file that is gone goes to another
  std::vector<Listener> listeners;
  Optional<uint32_t> workers;  // absent: auto
  Setting<Admin> admin;        // none: no admin listener; absent: the default address
  Setting<MetricsEndpoint> metrics;
  Box<AccessLog> access_log;
  Box<Drain> drain;
  Optional<bool> via;
  std::vector<Located<base::Cidr>> trusted_proxies;
  Limits limits;
  std::vector<Located<FilePath>> file_roots;
  RoutePolicy defaults;
  /// Shared: an element is the same object in two Models as long as its file did not change.
  std::vector<std::shared_ptr<const Upstream>> upstreams;
  std::vector<std::shared_ptr<const Route>> routes;
};

}  // namespace headgate::config
