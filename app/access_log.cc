#include "app/access_log.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstring>

#include "base/log/log.h"

namespace headgate::app {
namespace {

using To = routing::AccessLogPolicy::To;

constexpr double kPpmPerPercent = 10'000;

metrics::AccessLogTarget TargetOf(To to) {
  switch (to) {
    case To::kStdout:
      return metrics::AccessLogTarget::kStdout;
    case To::kStderr:
      return metrics::AccessLogTarget::kStderr;
    case To::kFile:
      return metrics::AccessLogTarget::kFile;
    case To::kOff:
      return metrics::AccessLogTarget::kOff;
  }
  return metrics::AccessLogTarget::kOff;
}

// As LogTarget::Open finds it, with errno set; where there is no file yet, whether one can be made.
bool CanOpen(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (descriptor >= 0) return ::close(descriptor) == 0;
  if (errno != ENOENT) return false;
  const size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  return ::access(folder.c_str(), W_OK | X_OK) == 0;
}

}  // namespace

void CheckAccessLog(const config::Model& model, config::DiagnosticList& diagnostics) {
  if (!model.access_log || !model.access_log->file) return;
  const auto& file = *model.access_log->file;
  const std::string& path = file.value.resolved;
  if (CanOpen(path)) return;
  diagnostics.Error(config::Code::kCertificateMissing, file.at, fmt::format("{}: {}", path, std::strerror(errno)));
}

bool AccessLog::SetTarget(const routing::AccessLogPolicy& policy) {
  if (writer_.SetTarget(TargetOf(policy.to), policy.file)) return true;
  base::log::Error("access log: cannot open {}: {}", policy.file, std::strerror(errno));
  return false;
}

void AccessLog::SetShare(const routing::AccessLogPolicy& policy) {
  const double ppm = policy.to == To::kOff ? 0 : policy.sample_percent * kPpmPerPercent;
  settings_.Set(static_cast<uint32_t>(std::lround(ppm)), policy.query);
}

bool AccessLog::Start(const routing::AccessLogPolicy& policy) {
  if (!SetTarget(policy)) return false;
  SetShare(policy);
  policy_ = policy;
  writer_.Start();
  return true;
}

void AccessLog::Check(const config::Model& model, config::DiagnosticList& diagnostics) const {
  if (!model.access_log || !model.access_log->file) return;
  const bool in_use = policy_.to == To::kFile && policy_.file == model.access_log->file->value.resolved;
  if (!in_use) CheckAccessLog(model, diagnostics);
}

void AccessLog::Apply(const routing::AccessLogPolicy& policy) {
  SetShare(policy);
  const bool moves = policy.to != policy_.to || policy.file != policy_.file;
  if (moves && !SetTarget(policy)) return;
  policy_ = policy;
}

void AccessLog::Reopen() {
  if (!writer_.Reopen()) {
    base::log::Error("access log: cannot open it again: {}", std::strerror(errno));
    return;
  }
  base::log::Info("access log opened again");
}

}  // namespace headgate::app
