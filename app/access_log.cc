#include "app/access_log.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "base/log/log.h"
#include "config/diagnostic.h"
#include "config/model.h"

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

constexpr int kLinksMax = 40;  // as the kernel

// As LogTarget::Open finds it, with errno set; where there is no file yet, whether one can be made: none is.
bool CanOpen(const std::string& path) {
  constexpr int kFlags = O_WRONLY | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  const bool exists = ::access(path.c_str(), F_OK) == 0;
  // A file of somebody else's in a sticky folder may be opened, but not with O_CREAT.
  const int descriptor = ::open(path.c_str(), exists ? kFlags | O_CREAT : kFlags, 0640);
  if (descriptor >= 0) return ::close(descriptor) == 0;
  if (errno != ENOENT) return false;
  // It is made where the last link leads.
  std::filesystem::path file = path;
  std::error_code error;
  for (int i = 0; i < kLinksMax && std::filesystem::is_symlink(file, error); ++i) {
    file = file.parent_path() / std::filesystem::read_symlink(file, error);
  }
  const std::string folder = file.has_parent_path() ? file.parent_path().string() : ".";
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

std::string AccessLog::SetTarget(const routing::AccessLogPolicy& policy) {
  if (writer_.SetTarget(TargetOf(policy.to), policy.file)) return {};
  return fmt::format("access log: cannot open {}: {}", policy.file, std::strerror(errno));
}

void AccessLog::SetShare(const routing::AccessLogPolicy& policy) {
  const double ppm = policy.to == To::kOff ? 0 : policy.sample_percent * kPpmPerPercent;
  settings_.Set(static_cast<uint32_t>(std::lround(ppm)), policy.query);
}

bool AccessLog::Start(const routing::AccessLogPolicy& policy) {
  if (const std::string problem = SetTarget(policy); !problem.empty()) {
    base::log::Error("{}", problem);
    return false;
  }
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

std::string AccessLog::Apply(const routing::AccessLogPolicy& policy) {
  SetShare(policy);
  const bool moves = policy.to != policy_.to || policy.file != policy_.file;
  if (moves) {
    if (const std::string problem = SetTarget(policy); !problem.empty()) return problem + "; the old one stays";
  }
  policy_ = policy;
  return {};
}

void AccessLog::Reopen() {
  if (!writer_.Reopen()) {
    base::log::Error("access log: cannot open it again: {}", std::strerror(errno));
    return;
  }
  base::log::Info("access log opened again");
}

}  // namespace headgate::app
