// TLS configuration as OpenSSL contexts: one set per worker, built on the control thread before it is published.
// Owned by a snapshot; sessions keep what they need alive by themselves (SSL_CTX counts references).
// Build: control thread. Use: the one worker a context was built for.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "routing/policy/listener.h"
#include "routing/policy/upstream.h"

struct ssl_ctx_st;

namespace headgate::proxy::net {

class TicketKeys;
struct CertificateName;
struct ClientOffer;
struct TlsServerParts;
struct TlsState;

// What a certificate file says, for /certificates and the metrics.
struct CertificateInfo {
  std::string cert_file;
  std::vector<std::string> names;  // DNS names of its subjectAltName, lower case
  std::string subject;
  std::string issuer;
  std::string fingerprint_sha256;
  // Seconds: the years 0 to 9999 (RFC 5280 4.1.2.5) are more than a clock's nanoseconds hold.
  std::chrono::sys_seconds not_before;
  std::chrono::sys_seconds not_after;
  bool expired = false;
};

// A certificate that no client ever gets.
struct UnusedCertificate {
  size_t index = 0;
  std::string why;  // "web.crt is before it, ..."
};

// Certificates and keys of one listener, parsed once from their files' contents.
class CertificateSet {
 public:
  // Reads, parses and checks: missing, unreadable, unparsable, a key that does not fit are errors naming the file. What
  // `previous` (may be null) holds of the same files is taken over unread while their stamps hold.
  static absl::StatusOr<std::shared_ptr<const CertificateSet>> Load(
      std::span<const routing::CertificateFiles> files, const CertificateSet* previous = nullptr,
      base::WallTime now = std::chrono::system_clock::now());
  ~CertificateSet();
  const std::vector<CertificateInfo>& infos() const noexcept { return infos_; }
  // Which certificates stand for a server name: exact name, then wildcard (one label), then the first and those beside
  // it, in the configuration's order. Never empty.
  std::span<const CertificateName> CandidatesFor(std::string_view lower_case_name) const noexcept;
  bool SpeaksFor(int index, std::string_view lower_case_name) const noexcept;
  // Of the candidates the first valid one that the client can verify; without one the first that it can verify; without
  // one the first.
  int Choose(std::string_view lower_case_name, const ClientOffer& offer, base::WallTime now) const noexcept;
  // Those that Choose returns for no client from `now` on, in order. One that takes several others to cover is not
  // found.
  std::vector<UnusedCertificate> Unused(base::WallTime now) const;
  // The same files with the same contents.
  bool SameAs(const CertificateSet& other) const noexcept;

 private:
  friend struct TlsServerParts;
  struct Impl;
  explicit CertificateSet(std::unique_ptr<Impl> impl, std::vector<CertificateInfo> infos);
  std::unique_ptr<Impl> impl_;
  std::vector<CertificateInfo> infos_;
};

struct PairProblem {
  bool of_key = false;  // the key's file, else the certificate's
  std::string message;  // names the file
};
/// Everything that is wrong with a certificate and its key; Load() says the first.
std::vector<PairProblem> CheckPair(const routing::CertificateFiles& files);

class TlsServerContext {
 public:
  // Mozilla's intermediate ciphers, session tickets from `tickets` (which outlives the context), no 0-RTT.
  // `alpn` in order of preference, "http/1.1".
  static absl::StatusOr<std::unique_ptr<TlsServerContext>> Build(std::shared_ptr<const CertificateSet> certificates,
                                                                 routing::TlsVersion min_version,
                                                                 std::span<const std::string_view> alpn,
                                                                 const TicketKeys& tickets);
  ~TlsServerContext();
  const CertificateSet& certificates() const noexcept { return *certificates_; }

 private:
  friend struct TlsState;
  explicit TlsServerContext(std::shared_ptr<const TlsServerParts> parts);
  std::shared_ptr<const CertificateSet> certificates_;
  std::shared_ptr<const TlsServerParts> parts_;  // handshakes under way keep them, too
};

class TlsClientContext {
 public:
  // The error names the file that is missing or wrong.
  static absl::StatusOr<std::unique_ptr<TlsClientContext>> Build(const routing::UpstreamTlsPolicy& policy,
                                                                 std::span<const std::string_view> alpn);
  ~TlsClientContext();

 private:
  friend struct TlsState;
  TlsClientContext(ssl_ctx_st* context, bool verify) noexcept : context_(context), verify_(verify) {}
  ssl_ctx_st* context_;
  bool verify_;
};

// Session ticket keys, shared by all workers: made anew every 12 h, the two before accepted (RFC 5077 5.5). Readers
// take no lock: a slot's words are atomic, and a reader that was overtaken by the writer looks again.
class TicketKeys {
 public:
  TicketKeys();
  ~TicketKeys();
  TicketKeys(const TicketKeys&) = delete;
  TicketKeys& operator=(const TicketKeys&) = delete;
  // Makes a new key; control thread, every kRotation.
  static constexpr std::chrono::hours kRotation{12};
  void Rotate();

  struct Key {
    std::array<uint8_t, 16> name;
    std::array<uint8_t, 32> cipher_key;
    std::array<uint8_t, 32> mac_key;
  };
  // For the ticket callback; any thread. Find: the key of that name if it is still accepted; `newest` tells whether it
  // is the one that new tickets are made with.
  Key Newest() const noexcept;
  bool Find(std::span<const uint8_t, 16> name, Key& key, bool& newest) const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace headgate::proxy::net
