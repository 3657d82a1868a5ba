#include "control/pipeline.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/log/log.h"
#include "base/thread_name.h"
#include "control/certificate_check.h"
#include "control/files/stamped_files.h"
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
  Impl(SourceList sources, PipelineOptions chosen) : loader(std::move(sources)), options(std::move(chosen)) {}
  Impl(std::unique_ptr<Source> source, PipelineOptions chosen)
      : loader(std::move(source)), options(std::move(chosen)) {}

  void Run();
  void Turn(Trigger trigger, std::vector<Done>& waiting);
  bool IsNews(const Loader::Content& content, Trigger trigger);
  void LoadChecked(Loader::Content content);
  ReloadReport Load(Loader::Content content);
  ReloadReport Apply();
  absl::Status Build(std::shared_ptr<const proxy::Snapshot>& snapshot);
  absl::Status Publish(const std::shared_ptr<const proxy::Snapshot>& snapshot);
  void TakeInForce(const std::shared_ptr<const proxy::Snapshot>& snapshot);
  void Remember(const Loader::Loaded& from);
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
  StampedFiles files;             // that the configuration names, refused units' included
  std::string offered;            // what the last look found: the units' hash and what could not be read
  std::string problem;            // and the source's that could not be read
  bool offers_something = false;  // units, or a file that they name, differ from the look before
  bool files_moved = false;
  base::Duration again = Source::kPoll;
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
  if (from.proposal.model != nullptr) files.Add(NamedFiles(*from.proposal.model));
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
  in_force->units = loaded.in_effect;
  in_force->places = std::move(loaded.proposal.chosen);
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
  for (const config::UnitReport& unit : loaded.proposal.units) report.units.push_back({unit.id, unit.status});
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
  if (report.ok()) files.KeepOnly(NamedFiles(*loaded.proposal.model));
  return report;
}

void Pipeline::Impl::LoadChecked(Loader::Content content) {
  const routing::Compiled* previous = current != nullptr ? current->compiled.get() : nullptr;
  loaded = loader.Load(std::move(content), previous);
  Remember(loaded);
  if (loaded.proposal.model == nullptr) return;
  config::DiagnosticList problems;
  CheckToken(*loaded.proposal.model, problems);
  if (options.check) options.check(*loaded.proposal.model, problems);
  if (problems.HasErrors()) loaded = loader.Reject(problems, previous);
}

// A source that cannot be read holds up no other.
ReloadReport Pipeline::Impl::Load(Loader::Content content) {
  ReloadReport report;
  if (problem.empty() || offers_something) {
    LoadChecked(std::move(content));
    report = Apply();
    report.in_part = report.in_part || (report.ok() && !problem.empty());
  }
  if (!problem.empty()) {
    report.outcome = ReloadOutcome::kConfiguration;
    report.problems.insert(0, problem);
  }
  return report;
}

// Whether there is anything to do; what was refused once is not refused again every few seconds.
bool Pipeline::Impl::IsNews(const Loader::Content& content, Trigger trigger) {
  std::string now = HashOf(content.units);
  for (const config::Unit& unit : content.units) now += unit.problem;
  for (const std::string& name : content.passed_over) now += name;
  offers_something = std::exchange(offered, now) != now;
  // While something is being written the files are left to the next look.
  files_moved = (offers_something || content.again >= Source::kPoll) && files.Moved();
  offers_something = offers_something || files_moved;
  const bool other_problem = std::exchange(problem, content.problem) != content.problem;
  return offers_something || other_problem || trigger == Trigger::kRequest;
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
  const bool changed = content.ok() && IsNews(*content, trigger);
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
  auto content = loader.Read(trigger);
  HG_CHECK(content.ok());  // each source was read at the start
  again = content->again;
  const bool is_news = IsNews(*content, trigger);
  // Something is being written, and nothing else is new.
  if (!is_news && again < Source::kPoll) return;
  if (is_news) Finish(Load(*std::move(content)), false);
  if (options.watch) options.watch(files.paths());
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
      wake.wait_for(lock, again, [this] { return stopping || pending.has_value(); });
      if (stopping) break;
      trigger = std::exchange(pending, std::nullopt).value_or(Trigger::kWatch);
      callers.swap(waiting);
    }
    Turn(trigger, callers);
  }
}

Pipeline::Pipeline(SourceList sources, PipelineOptions options)
    : impl_(std::make_unique<Impl>(std::move(sources), std::move(options))) {}

Pipeline::Pipeline(std::unique_ptr<Source> source, PipelineOptions options)
    : impl_(std::make_unique<Impl>(std::move(source), std::move(options))) {}

Pipeline::~Pipeline() { Stop(); }

std::shared_ptr<const routing::Compiled> Pipeline::LoadFirst(std::string& problems) {
  impl_->started = impl_->options.clock->Now();
  auto content = impl_->loader.Read(Trigger::kStart);
  if (!content.ok()) {
    problems = absl::StrCat("error: ", content.status().message(), "\n");
    return nullptr;
  }
  impl_->IsNews(*content, Trigger::kStart);
  impl_->LoadChecked(*std::move(content));
  problems = ProblemsOf(impl_->loaded);
  return impl_->loaded.compiled;
}

ReloadReport Pipeline::ApplyFirst(proxy::WorkerSet& server) {
  impl_->server = &server;
  impl_->builder.emplace(*impl_->options.registry, *impl_->options.tickets, server.workers(), *impl_->options.clock);
  ReloadReport report = impl_->Apply();
  if (impl_->current != nullptr) impl_->Finish(report, true);
  if (impl_->current != nullptr && impl_->options.watch) impl_->options.watch(impl_->files.paths());
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
