#include "control/certificate_check.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "config/diagnostic.h"
#include "config/model.h"
#include "control/files/file_source.h"
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

void CheckListener(const config::Model& model, const config::Listener& listener, config::DiagnosticList& diagnostics) {
  if (!listener.tls) return;
  for (const config::Certificate& certificate : listener.tls->certificates) {
    const routing::CertificateFiles files{.cert_file = certificate.cert_file.value.resolved,
                                          .key_file = certificate.key_file.value.resolved};
    const auto loaded = proxy::net::CertificateSet::Load({&files, 1});
    if (loaded.ok()) {
      for (const proxy::net::CertificateInfo& info : (*loaded)->infos()) {
        if (info.expired)
          diagnostics.Warning(Code::kCertificateExpired, certificate.cert_file.at, "this certificate has expired");
        for (const std::string& name : info.names) {
          if (absl::StartsWith(name, "*.")) CheckWildcards(model, listener, name, diagnostics);
        }
      }
      continue;
    }
    const std::string message(loaded.status().message());
    const bool of_key = absl::StrContains(message, files.key_file) && files.key_file != files.cert_file;
    diagnostics.Error(of_key ? Code::kCertificateKey : Code::kCertificateMissing,
                      of_key ? certificate.key_file.at : certificate.cert_file.at, message);
  }
}

void CheckUpstream(const config::Upstream& upstream, config::DiagnosticList& diagnostics) {
  if (!upstream.tls) return;
  const config::UpstreamTls& tls = *upstream.tls;
  routing::UpstreamTlsPolicy policy{
      .enabled = true, .verify = true, .server_name = kProbeName, .ca_file = {}, .cert_file = {}, .key_file = {}};
  if (tls.ca_file) policy.ca_file = tls.ca_file->value.resolved;
  if (tls.cert_file) policy.cert_file = tls.cert_file->value.resolved;
  if (tls.key_file) policy.key_file = tls.key_file->value.resolved;
  const auto built = proxy::net::TlsClientContext::Build(policy, {});
  if (built.ok()) return;
  const std::string message(built.status().message());
  if (tls.key_file && absl::StrContains(message, policy.key_file)) {
    diagnostics.Error(Code::kCertificateKey, tls.key_file->at, message);
  } else if (tls.cert_file && absl::StrContains(message, policy.cert_file)) {
    diagnostics.Error(Code::kCertificateMissing, tls.cert_file->at, message);
  } else {
    diagnostics.Error(Code::kCertificateMissing, tls.ca_file ? tls.ca_file->at : tls.at, message);
  }
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
  const auto text = ReadFile(token.value.resolved, kTokenBytesMax);
  if (!text.ok()) {
    diagnostics.Error(Code::kCertificateMissing, token.at, std::string(text.status().message()));
  } else if (absl::StripAsciiWhitespace(*text).empty()) {
    diagnostics.Error(Code::kCertificateMissing, token.at,
                      absl::StrCat(token.value.resolved, ": there is no token in it"));
  }
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
