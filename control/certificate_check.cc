#include "control/certificate_check.h"

#include <algorithm>
#include <chrono>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "config/diagnostic.h"
#include "config/model.h"
#include "control/files/token.h"
#include "proxy/net/tls_context.h"

namespace headgate::control {
namespace {

using config::Code;

constexpr char kProbeName[] = "localhost";

// A route's `*.` stands for one label or more, a certificate's for one: what a route takes may have no certificate.
void CheckWildcards(const config::Model& model, const config::Listener& listener, const std::string& name,
                    config::DiagnosticList& diagnostics) {
  for (const auto& route : model.routes) {
    const bool elsewhere = !route->listeners.empty() &&
                           std::none_of(route->listeners.begin(), route->listeners.end(),
                                        [&](const auto& wanted) { return wanted.value == listener.name.value; });
    if (elsewhere) continue;
    for (const auto& hostname : route->hostnames) {
      if (!absl::EqualsIgnoreCase(hostname.value, name)) continue;
      diagnostics.Warning(Code::kCertificateWildcard, hostname.at,
                          absl::StrCat("'", name, "' stands for one label in the certificate of listener '",
                                       listener.name.value, "', for one or more in a route"));
    }
  }
}

struct PairPlaces {
  config::Position cert;
  config::Position key;
};

// True: nothing is wrong.
bool AddPairProblems(const routing::CertificateFiles& files, const PairPlaces& places,
                     config::DiagnosticList& diagnostics) {
  const auto problems = proxy::net::CheckPair(files);
  for (const proxy::net::PairProblem& problem : problems) {
    diagnostics.Error(problem.of_key ? Code::kCertificateKey : Code::kCertificateMissing,
                      problem.of_key ? places.key : places.cert, problem.message);
  }
  return problems.empty();
}

// Those that no client ever gets; nothing when one of them cannot be used.
void CheckUnused(const config::Listener& listener, const std::vector<routing::CertificateFiles>& files,
                 config::DiagnosticList& diagnostics) {
  const auto now = std::chrono::system_clock::now();
  const auto all = proxy::net::CertificateSet::Load(files, nullptr, now);
  if (!all.ok()) return;
  for (const proxy::net::UnusedCertificate& unused : (*all)->Unused(now)) {
    diagnostics.Warning(Code::kCertificateUnused, listener.tls->certificates[unused.index].cert_file.at,
                        absl::StrCat("this certificate is never chosen: ", unused.why));
  }
}

void CheckListener(const config::Model& model, const config::Listener& listener, config::DiagnosticList& diagnostics) {
  if (!listener.tls) return;
  std::vector<routing::CertificateFiles> all;
  for (const config::Certificate& certificate : listener.tls->certificates) {
    const routing::CertificateFiles files{.cert_file = certificate.cert_file.value.resolved,
                                          .key_file = certificate.key_file.value.resolved};
    all.push_back(files);
    const bool good = AddPairProblems(files, {certificate.cert_file.at, certificate.key_file.at}, diagnostics);
    const auto loaded = proxy::net::CertificateSet::Load({&files, 1});
    if (good && loaded.ok()) {
      for (const proxy::net::CertificateInfo& info : (*loaded)->infos()) {
        if (info.expired)
          diagnostics.Warning(Code::kCertificateExpired, certificate.cert_file.at, "this certificate has expired");
        for (const std::string& name : info.names) {
          if (absl::StartsWith(name, "*.")) CheckWildcards(model, listener, name, diagnostics);
        }
      }
    }
  }
  CheckUnused(listener, all, diagnostics);
}

void CheckUpstream(const config::Upstream& upstream, config::DiagnosticList& diagnostics) {
  if (!upstream.tls) return;
  const config::UpstreamTls& tls = *upstream.tls;
  routing::UpstreamTlsPolicy policy{
      .enabled = true, .verify = true, .server_name = kProbeName, .ca_file = {}, .cert_file = {}, .key_file = {}};
  if (tls.ca_file) policy.ca_file = tls.ca_file->value.resolved;
  const auto built = proxy::net::TlsClientContext::Build(policy, {});
  if (!built.ok()) {
    diagnostics.Error(Code::kCertificateMissing, tls.ca_file ? tls.ca_file->at : tls.at,
                      std::string(built.status().message()));
  }
  if (!tls.cert_file || !tls.key_file) return;
  AddPairProblems({.cert_file = tls.cert_file->value.resolved, .key_file = tls.key_file->value.resolved},
                  {tls.cert_file->at, tls.key_file->at}, diagnostics);
}

void AddPath(const config::Optional<config::FilePath>& path, std::vector<std::string>& paths) {
  if (path) paths.push_back(path->value.resolved);
}

}  // namespace

void CheckCertificates(const config::Model& model, config::DiagnosticList& diagnostics) {
  for (const config::Listener& listener : model.listeners) CheckListener(model, listener, diagnostics);
  for (const auto& upstream : model.upstreams) CheckUpstream(*upstream, diagnostics);
  CheckToken(model, diagnostics);
}

void CheckToken(const config::Model& model, config::DiagnosticList& diagnostics) {
  if (!model.admin.HasValue() || !model.admin->token_file) return;
  const auto& token = *model.admin->token_file;
  const auto text = ReadToken(token.value.resolved);
  if (!text.ok()) diagnostics.Error(Code::kCertificateMissing, token.at, std::string(text.status().message()));
}

std::vector<std::string> NamedFiles(const config::Model& model) {
  std::vector<std::string> paths;
  for (const config::Listener& listener : model.listeners) {
    if (!listener.tls) continue;
    for (const config::Certificate& certificate : listener.tls->certificates) {
      paths.push_back(certificate.cert_file.value.resolved);
      paths.push_back(certificate.key_file.value.resolved);
    }
  }
  for (const auto& upstream : model.upstreams) {
    if (!upstream->tls) continue;
    AddPath(upstream->tls->ca_file, paths);
    AddPath(upstream->tls->cert_file, paths);
    AddPath(upstream->tls->key_file, paths);
  }
  if (model.admin.HasValue()) AddPath(model.admin->token_file, paths);
  return paths;
}

}  // namespace headgate::control
