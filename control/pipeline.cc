#include "control/pipeline.h"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string_view>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/log/log.h"
#include "base/thread_name.h"
#include "control/certificate_check.h"
#include "control/reload_text.h"

namespace headgate::control {
namespace {

constexpr int kBuildsMax = 4;
constexpr std::string_view kDraining = "the process is draining: its configuration stays as it is";
constexpr std::string_view kStopping = "the process is stopping";

// Shared with the workers, who may acknowledge after the pipeline gave up waiting.
struct Acknowledgement {
  std::mutex mutex;
  std::condition_variable arrived;
  bool done = false;

  void Set() {
    const std::lock_guard lock(mutex);
    done = true;
    arrived.notify_all();
  }
  bool WaitFor(std::chrono::seconds most) {
    std::unique_lock lock(mutex);
    return arrived.wait_for(lock, most, [this] { return done; });
  }
};

}  // namespace

struct Pipeline::Impl {
  Impl(FileSource source, PipelineOptions chosen) : loader(std::move(source)), options(std::move(chosen)) {}

  void Run();
  void Turn(Trigger trigger, std::vector<Done>& waiting);
  bool IsSettled(const FileSource::Content& content);
  bool Offer(const FileSource::Content& content, Trigger trigger);
  void LoadChecked(FileSource::Content content);
  ReloadReport Load(FileSource::Content content);
  ReloadReport Apply();
  absl::Status Build(std::shared_ptr<const proxy::Snapshot>& snapshot);
  absl::Status Publish(const std::shared_ptr<const proxy::Snapshot>& snapshot);
  void TakeInForce(const std::shared_ptr<const proxy::Snapshot>& snapshot);
  void Remember(const Loader::Loaded& from);
  void Forget();
  std::vector<std::string> Named() const;
  void Finish(ReloadReport report, bool first);
  std::shared_ptr<const ReloadReport> Refusal(std::string_view why) const;
  void RefuseDraining(Trigger trigger, const std::vector<Done>& callers);

  Loader loader;
  PipelineOptions options;
  proxy::WorkerSet* server = nullptr;
  std::optional<proxy::SnapshotBuilder> builder;
  std::shared_ptr<const proxy::Snapshot> current;
  Loader::Loaded loaded;
  std::vector<std::string> warnings;
  // Files that the configuration names, refused ones' included, as they were before they were read.
  std::map<std::string, std::string> stamps;
  struct Seen {
    uint64_t inode = 0;
    std::string digest;
  };
  std::map<std::string, Seen> seen;  // the texts that were looked at last, by name
  std::string candidate;             // what was rewritten in place and waits for a second look
  base::Instant candidate_since;
  bool unsettled = false;    // the last look came too early
  bool files_moved = false;  // one of them differs since the last look
  std::string offered;       // what the last look found: the texts' hash and what could not be read
  base::Instant started;

  std::mutex publish_mutex;  // held while something is published: draining waits for it
  bool draining = false;

  std::mutex mutex;
  std::condition_variable wake;
  std::optional<Trigger> pending;
  std::vector<Done> waiting;
  bool stopping = false;
  std::thread thread;
};

void Pipeline::Impl::Remember(const Loader::Loaded& from) {
  if (from.proposal.model == nullptr) return;
  for (const std::string& path : NamedFiles(*from.proposal.model)) {
    const auto [at, is_new] = stamps.try_emplace(path);
    if (is_new) at->second = StampOf(path);
  }
}

void Pipeline::Impl::Forget() {
  const std::vector<std::string> kept = NamedFiles(*loaded.proposal.model);
  const std::set<std::string_view> names(kept.begin(), kept.end());
  std::erase_if(stamps, [&](const auto& entry) { return !names.contains(entry.first); });
}

std::vector<std::string> Pipeline::Impl::Named() const {
  std::vector<std::string> paths;
  for (const auto& [path, stamp] : stamps) paths.push_back(path);
  return paths;
}

// A certificate that cannot be used leaves its file out; the others go on.
absl::Status Pipeline::Impl::Build(std::shared_ptr<const proxy::Snapshot>& snapshot) {
  absl::Status status;
  const routing::Compiled* previous = current != nullptr ? current->compiled.get() : nullptr;
  for (int i = 0; i < kBuildsMax && loaded.compiled != nullptr; ++i) {
    warnings.clear();
    auto built = builder->Build(loaded.compiled, loaded.hash, current.get(), warnings);
    if (built.ok()) {
      snapshot = *std::move(built);
      return absl::OkStatus();
    }
    status = built.status();
    config::DiagnosticList problems;
    CheckCertificates(*loaded.proposal.model, problems);
    if (!problems.HasErrors()) return status;
    loaded = loader.Reject(problems, previous);
  }
  return status.ok() ? absl::InvalidArgumentError("there is no good configuration") : status;
}

absl::Status Pipeline::Impl::Publish(const std::shared_ptr<const proxy::Snapshot>& snapshot) {
  if (options.before_publish) options.before_publish(*snapshot);
  auto acknowledged = std::make_shared<Acknowledgement>();
  {
    const std::lock_guard lock(publish_mutex);
    if (draining) return absl::UnavailableError(absl::string_view(kDraining.data(), kDraining.size()));
    const absl::Status status = server->Publish(snapshot, [acknowledged] { acknowledged->Set(); });
    if (!status.ok()) return status;
  }
  if (!acknowledged->WaitFor(kAcknowledgeMax)) {
    base::log::Warning("generation {}: a worker has not taken it for {} s", snapshot->generation,
                       kAcknowledgeMax.count());
  }
  return absl::OkStatus();
}

void Pipeline::Impl::TakeInForce(const std::shared_ptr<const proxy::Snapshot>& snapshot) {
  loader.Commit(loaded);
  const std::shared_ptr<const proxy::Snapshot> previous = std::exchange(current, snapshot);
  auto in_force = std::make_shared<InForce>();
  in_force->snapshot = snapshot;
  in_force->files = loaded.in_effect;
  in_force->since = options.clock->WallNow();
  options.state->SetInForce(std::move(in_force));
  if (options.published) options.published(*snapshot, previous.get(), warnings);
}

ReloadReport Pipeline::Impl::Apply() {
  ReloadReport report;
  std::shared_ptr<const proxy::Snapshot> snapshot;
  const absl::Status built = Build(snapshot);
  Remember(loaded);
  report.problems = ProblemsOf(loaded);
  for (const config::FileReport& file : loaded.proposal.files) report.files.push_back({file.name, file.status});
  if (!built.ok()) {
    report.outcome = ReloadOutcome::kConfiguration;
    if (report.problems.empty()) report.problems = absl::StrCat("error: ", built.message(), "\n");
    return report;
  }
  // What is bad changes nothing, not even the generation's number.
  if (loaded.HasErrors() && !files_moved && current != nullptr && loaded.hash == current->hash) {
    report.outcome = ReloadOutcome::kConfiguration;
    return report;
  }
  const absl::Status status = Publish(snapshot);
  if (status.ok()) {
    report.in_part = loaded.HasErrors() && (current == nullptr || loaded.hash != current->hash);
    TakeInForce(snapshot);
  }
  for (const std::string& warning : warnings) absl::StrAppend(&report.problems, "warning: ", warning, "\n");
  if (!status.ok()) {
    report.outcome = absl::IsUnavailable(status) ? ReloadOutcome::kRefused : ReloadOutcome::kAddress;
    absl::StrAppend(&report.problems, "error: ", status.message(), "\n");
    return report;
  }
  report.outcome = loaded.HasErrors() ? ReloadOutcome::kConfiguration : ReloadOutcome::kApplied;
  if (report.ok()) Forget();
  return report;
}

void Pipeline::Impl::LoadChecked(FileSource::Content content) {
  const routing::Compiled* previous = current != nullptr ? current->compiled.get() : nullptr;
  loaded = loader.Load(std::move(content), previous);
  Remember(loaded);
  if (loaded.proposal.model == nullptr) return;
  config::DiagnosticList problems;
  CheckToken(*loaded.proposal.model, problems);
  if (options.check) options.check(*loaded.proposal.model, problems);
  if (problems.HasErrors()) loaded = loader.Reject(problems, previous);
}

ReloadReport Pipeline::Impl::Load(FileSource::Content content) {
  LoadChecked(std::move(content));
  return Apply();
}

// A file that was replaced is whole; one whose bytes are being rewritten in place may not be. Its time alone does not
// tell: a kernel shows a truncated file with its old time for a while. So it must look the same at two looks.
bool Pipeline::Impl::IsSettled(const FileSource::Content& content) {
  const base::WallTime now = options.clock->WallNow();
  bool fresh = false;
  std::string rewritten;
  for (size_t i = 0; i < content.files.size(); ++i) {
    const config::SourceFile& file = content.files[i];
    const auto known = seen.find(file.name);
    if (!file.problem.empty()) continue;
    if (known == seen.end() || known->second.inode != content.identities[i].inode) continue;
    const std::string& digest = file.text.digest();
    if (digest == known->second.digest) continue;
    absl::StrAppend(&rewritten, file.name, "|", digest, "\n");
    const base::Duration rest = file.text.empty() ? base::Duration(kEmptied) : base::Duration(kSettled);
    fresh = fresh || now - content.identities[i].written < rest;
  }
  if (rewritten.empty()) return true;
  if (rewritten != candidate) {
    candidate = std::move(rewritten);
    candidate_since = options.clock->Now();
    return false;
  }
  return !fresh && options.clock->Now() - candidate_since >= kSecondLook;
}

// Whether there is anything to do; what was refused once is not refused again every few seconds.
bool Pipeline::Impl::Offer(const FileSource::Content& content, Trigger trigger) {
  std::string now = HashOf(content.files);
  for (const config::SourceFile& file : content.files) now += file.problem;
  for (const std::string& name : content.passed_over) now += name;
  seen.clear();
  candidate.clear();
  for (size_t i = 0; i < content.files.size(); ++i) {
    seen[content.files[i].name] = {content.identities[i].inode, content.files[i].text.digest()};
  }
  const bool same = std::exchange(offered, now) == now;
  files_moved = false;
  for (auto& [path, stamp] : stamps) {
    std::string fresh = StampOf(path);
    files_moved = files_moved || fresh != stamp;
    stamp = std::move(fresh);
  }
  return !same || files_moved || trigger == Trigger::kRequest;
}

void Pipeline::Impl::Finish(ReloadReport report, bool first) {
  report.at = options.clock->WallNow();
  report.took = options.clock->Now() - started;
  if (current != nullptr) {
    report.hash = current->hash;
    report.generation = current->generation;
  }
  if (!first || report.ok()) options.registry->CountReload(report.ok());
  LogReload(report, current.get());
  options.state->SetLastReload(std::make_shared<const ReloadReport>(std::move(report)));
}

// Nothing was looked at. Any thread.
std::shared_ptr<const ReloadReport> Pipeline::Impl::Refusal(std::string_view why) const {
  auto report = std::make_shared<ReloadReport>();
  report->outcome = ReloadOutcome::kRefused;
  report->problems = absl::StrCat("error: ", std::string(why), "\n");
  report->at = options.clock->WallNow();
  if (const auto in_force = options.state->in_force(); in_force != nullptr) {
    report->hash = in_force->snapshot->hash;
    report->generation = in_force->snapshot->generation;
  }
  return report;
}

// What changes meanwhile is said once.
void Pipeline::Impl::RefuseDraining(Trigger trigger, const std::vector<Done>& callers) {
  const auto content = loader.Read();
  const bool changed = content.ok() && Offer(*content, trigger);
  if (changed || trigger == Trigger::kRequest) base::log::Warning("reload refused: the process is draining");
  for (const Done& done : callers) done(Refusal(kDraining));
}

void Pipeline::Impl::Turn(Trigger trigger, std::vector<Done>& callers) {
  started = options.clock->Now();
  bool refused = false;
  {
    const std::lock_guard lock(publish_mutex);
    refused = draining;
  }
  if (refused) return RefuseDraining(trigger, callers);
  auto content = loader.Read();
  unsettled = trigger == Trigger::kWatch && content.ok() && !IsSettled(*content);
  if (unsettled) return;
  if (!content.ok()) {
    const std::string problem = absl::StrCat("error: ", content.status().message(), "\n");
    const bool same = std::exchange(offered, problem) == problem;
    if (!same || trigger == Trigger::kRequest) {
      ReloadReport report;
      report.outcome = ReloadOutcome::kConfiguration;
      report.problems = problem;
      Finish(std::move(report), false);
    }
  } else if (Offer(*content, trigger)) {
    Finish(Load(*std::move(content)), false);
  }
  if (options.watch) options.watch(Named());
  const auto report = options.state->last_reload();
  for (const Done& done : callers) done(report);
}

void Pipeline::Impl::Run() {
  base::NameThisThread("configuration");
  while (true) {
    Trigger trigger = Trigger::kWatch;
    std::vector<Done> callers;
    {
      std::unique_lock lock(mutex);
      const std::chrono::milliseconds wait = unsettled ? kSecondLook : kPoll;
      wake.wait_for(lock, wait, [this] { return stopping || pending.has_value(); });
      if (stopping) break;
      trigger = std::exchange(pending, std::nullopt).value_or(Trigger::kWatch);
      callers.swap(waiting);
    }
    Turn(trigger, callers);
  }
}

Pipeline::Pipeline(FileSource source, PipelineOptions options)
    : impl_(std::make_unique<Impl>(std::move(source), std::move(options))) {}

Pipeline::~Pipeline() { Stop(); }

std::shared_ptr<const routing::Compiled> Pipeline::LoadFirst(std::string& problems) {
  impl_->started = impl_->options.clock->Now();
  auto content = impl_->loader.Read(kPipeWait);
  if (!content.ok()) {
    problems = absl::StrCat("error: ", content.status().message(), "\n");
    return nullptr;
  }
  impl_->Offer(*content, Trigger::kRequest);
  impl_->LoadChecked(*std::move(content));
  problems = ProblemsOf(impl_->loaded);
  return impl_->loaded.compiled;
}

ReloadReport Pipeline::ApplyFirst(proxy::WorkerSet& server) {
  impl_->server = &server;
  impl_->builder.emplace(*impl_->options.registry, *impl_->options.tickets, server.workers(), *impl_->options.clock);
  ReloadReport report = impl_->Apply();
  if (impl_->current != nullptr) impl_->Finish(report, true);
  if (impl_->current != nullptr && impl_->options.watch) impl_->options.watch(impl_->Named());
  return report;
}

void Pipeline::Start() {
  impl_->thread = std::thread([impl = impl_.get()] { impl->Run(); });
}

void Pipeline::Reload(Trigger trigger, Done done) {
  bool refused = false;
  {
    const std::lock_guard lock(impl_->mutex);
    refused = impl_->stopping;
    if (!refused) {
      impl_->pending = std::max(impl_->pending.value_or(trigger), trigger);
      if (done) impl_->waiting.push_back(std::move(done));
      impl_->wake.notify_one();
    }
  }
  if (!refused || !done) return;
  done(impl_->Refusal(kStopping));
}

void Pipeline::BeginDrain() {
  const std::lock_guard lock(impl_->publish_mutex);
  impl_->draining = true;
}

void Pipeline::Stop() {
  std::vector<Done> callers;
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
    callers.swap(impl_->waiting);
    impl_->wake.notify_one();
  }
  if (impl_->thread.joinable()) impl_->thread.join();
  for (const Done& done : callers) done(impl_->Refusal(kStopping));
}

}  // namespace headgate::control
