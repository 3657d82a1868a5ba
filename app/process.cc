#include "app/process.h"

#include <fcntl.h>
#include <fmt/core.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdio>
#include <future>
#include <memory>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "app/access_log.h"
#include "app/drain.h"
#include "app/exit_codes.h"
#include "app/memory_guard.h"
#include "app/resources.h"
#include "app/revision.h"
#include "base/log/log.h"
#include "base/thread_name.h"
#include "control/admin/admin_pages.h"
#include "control/admin/metrics_pages.h"
#include "control/dns/endpoint_publisher.h"
#include "control/files/file_source.h"
#include "control/files/watcher.h"
#include "control/pages/server.h"
#include "control/pipeline.h"

namespace headgate::app {
namespace {

namespace asio = boost::asio;
using Workers = proxy::WorkerSet;

void Complain(const std::string& text) { std::fputs(text.c_str(), stderr); }

// Threads: the caller's (signals, drain), the pages' (probes, scrapes, admin, DNS, inotify), the pipeline's, the access
// log's and the workers'. Members end in the reverse of their order.
class Process {
 public:
  explicit Process(const ProcessOptions& options) : options_(options), pages_work_(pages_io_.get_executor()) {}
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process() { Stop(); }

  int Run();

 private:
  int Prepare();
  int Serve(const routing::Compiled& compiled);
  absl::Status OpenPages(const routing::Compiled& compiled);
  control::PipelineOptions Hooks();
  void OnPublished(const proxy::Snapshot& now, const proxy::Snapshot* previous, std::vector<std::string>& warnings);
  void Watch(std::vector<std::string> files);
  void RotateTicketKeys();
  void Stop();

  const ProcessOptions& options_;
  base::SystemClock clock_;
  metrics::Registry registry_{clock_};
  proxy::net::TicketKeys tickets_;
  AccessLog access_log_{registry_};
  control::State state_;
  asio::io_context control_io_{1};
  SignalHandlers signals_{control_io_};
  asio::io_context pages_io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> pages_work_;
  std::optional<asio::steady_timer> rotation_;
  std::unique_ptr<Workers> workers_;
  std::optional<MemoryGuard> memory_;
  std::unique_ptr<control::dns::EndpointPublisher> dns_;
  std::unique_ptr<control::Watcher> watcher_;
  std::unique_ptr<control::Pipeline> pipeline_;
  std::unique_ptr<control::pages::Server> metrics_server_;
  std::unique_ptr<control::pages::Server> admin_server_;
  std::string watched_directory_;
  routing::Compiled first_;  // what only a restart changes: workers and own addresses
  std::thread pages_thread_;
};

control::PipelineOptions Process::Hooks() {
  control::PipelineOptions hooks;
  hooks.registry = &registry_;
  hooks.tickets = &tickets_;
  hooks.clock = &clock_;
  hooks.state = &state_;
  hooks.check = [this](const config::Model& model, config::DiagnosticList& problems) {
    access_log_.Check(model, problems);
  };
  hooks.before_publish = [this](const proxy::Snapshot& snapshot) { dns_->Prepare(snapshot); };
  hooks.published = [this](const proxy::Snapshot& now, const proxy::Snapshot* previous,
                           std::vector<std::string>& warnings) { OnPublished(now, previous, warnings); };
  hooks.watch = [this](std::vector<std::string> files) { Watch(std::move(files)); };
  return hooks;
}

void Process::OnPublished(const proxy::Snapshot& now, const proxy::Snapshot* previous,
                          std::vector<std::string>& warnings) {
  control::SetGenerationGauges(registry_, now, previous);
  const routing::Compiled& compiled = *now.compiled;
  memory_->SetLimit(compiled.max_memory);
  registry_.Set(registry_.Process().memory_limit, static_cast<int64_t>(memory_->limit()));
  if (previous == nullptr) return;
  if (std::string problem = access_log_.Apply(compiled.access_log); !problem.empty()) {
    warnings.push_back(std::move(problem));
  }
  if (compiled.workers != first_.workers) warnings.emplace_back("another number of workers takes a restart");
  if (compiled.admin_address != first_.admin_address) warnings.emplace_back("another admin address takes a restart");
  if (compiled.metrics_address != first_.metrics_address)
    warnings.emplace_back("another metrics address takes a restart");
}

// The files were read before they were watched: they are looked at once more.
void Process::Watch(std::vector<std::string> files) {
  asio::post(pages_io_, [this, files = std::move(files)] {
    if (watcher_->Watch(watched_directory_, files)) pipeline_->Reload(control::Trigger::kWatch);
  });
}

void Process::RotateTicketKeys() {
  rotation_->expires_after(proxy::net::TicketKeys::kRotation);
  rotation_->async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    tickets_.Rotate();
    RotateTicketKeys();
  });
}

absl::Status Process::OpenPages(const routing::Compiled& compiled) {
  const control::PagesContext context{.registry = &registry_,
                                      .clock = &clock_,
                                      .state = &state_,
                                      .server = workers_.get(),
                                      .endpoints = [this](const std::string& name) { return dns_->EndpointsOf(name); },
                                      .names = [this](const std::string& name) { return dns_->StateOf(name); }};
  if (compiled.metrics_address) {
    auto server = control::pages::Server::Open(pages_io_, *compiled.metrics_address, control::MetricsPages(context));
    if (!server.ok()) return server.status();
    metrics_server_ = *std::move(server);
    base::log::Info("metrics and probes on {}", metrics_server_->address().ToString());
  }
  if (compiled.admin_address) {
    auto server = control::pages::Server::Open(pages_io_, *compiled.admin_address,
                                               control::AdminPages({.pages = context,
                                                                    .pipeline = pipeline_.get(),
                                                                    .address = *compiled.admin_address,
                                                                    .token_file = compiled.admin_token_file}));
    if (!server.ok()) return server.status();
    admin_server_ = *std::move(server);
    base::log::Info("admin on {}", admin_server_->address().ToString());
  }
  return absl::OkStatus();
}

int Process::Serve(const routing::Compiled& compiled) {
  const uint32_t workers = compiled.workers.value_or(AvailableCpus());
  workers_ = std::make_unique<Workers>(proxy::WorkerSetOptions{.workers = workers,
                                                               .clock = &clock_,
                                                               .registry = &registry_,
                                                               .access_log = &access_log_.writer(),
                                                               .access_log_settings = &access_log_.settings()});
  memory_.emplace(pages_io_, [this](bool full) { workers_->SetMemoryFull(full); });
  dns_ = std::make_unique<control::dns::EndpointPublisher>(
      pages_io_, options_.dns,
      [this](std::shared_ptr<proxy::UpstreamShared> upstream, std::shared_ptr<const proxy::EndpointSet> endpoints) {
        workers_->PublishEndpoints(std::move(upstream), std::move(endpoints));
      });
  if (const absl::Status status = OpenPages(compiled); !status.ok()) {
    Complain(fmt::format("headgate: {}\n", std::string(status.message())));
    return kExitAddress;
  }
  pages_thread_ = std::thread([this] {
    base::NameThisThread("pages");
    pages_io_.run();
  });
  const control::ReloadReport report = pipeline_->ApplyFirst(*workers_);
  if (state_.in_force() == nullptr) {
    Complain(report.problems);
    return report.outcome == control::ReloadOutcome::kAddress ? kExitAddress : kExitConfiguration;
  }
  for (const auto& listener : compiled.listeners) {
    base::log::Info("listener '{}' on {}{}", listener->name, workers_->AddressOf(listener->name),
                    listener->tls ? " (TLS)" : "");
  }
  pipeline_->Start();  // the last of the threads
  state_.SetPhase(control::Phase::kServing);
  base::log::Info("ready: {} workers", workers);
  asio::post(pages_io_, [this] {
    rotation_.emplace(pages_io_);
    RotateTicketKeys();
  });
  if (options_.started) options_.started();
  Drain drain(control_io_, {.server = *workers_, .pipeline = *pipeline_, .state = state_});
  signals_.Start({.terminate = [&drain] { drain.Signal(); },
                  .reload = [this] { pipeline_->Reload(control::Trigger::kRequest); },
                  .reopen = [this] { access_log_.Reopen(); }});
  control_io_.run();
  return kExitOk;
}

// A thread that cannot be made ends the start; destructors stop the threads that were.
int Process::Run() {
  try {
    return Prepare();
  } catch (const std::system_error& error) {
    if (error.code() != std::errc::resource_unavailable_try_again) throw;
    Complain(fmt::format("headgate: a thread cannot be made: {}; {}\n", error.code().message(),
                         ThreadsText(first_.workers.value_or(AvailableCpus()))));
    return kExitConfiguration;
  }
}

int Process::Prepare() {
  RaiseFileLimit();
  auto source = control::FileSource::Open(options_.config_path);
  if (!source.ok()) {
    Complain(fmt::format("headgate: {}\n", std::string(source.status().message())));
    return kExitConfiguration;
  }
  const control::FileSource& configuration = **source;
  if (configuration.is_directory()) watched_directory_ = configuration.directory();
  const std::string main_file = configuration.is_directory() ? std::string() : configuration.path();
  registry_.SetBuildInfo({.version = HEADGATE_VERSION, .revision = kRevision, .compiler = "gcc " __VERSION__});
  watcher_ = std::make_unique<control::Watcher>(pages_io_, [this] { pipeline_->Reload(control::Trigger::kWatch); });
  control::PipelineOptions hooks = Hooks();
  hooks.watch = [this, main_file](std::vector<std::string> files) {
    if (!main_file.empty()) files.push_back(main_file);
    Watch(std::move(files));
  };
  pipeline_ = std::make_unique<control::Pipeline>(*std::move(source), std::move(hooks));
  std::string problems;
  const auto compiled = pipeline_->LoadFirst(problems);
  if (compiled == nullptr) {
    Complain(problems);
    return kExitConfiguration;
  }
  Complain(problems);
  first_.workers = compiled->workers;
  first_.admin_address = compiled->admin_address;
  first_.metrics_address = compiled->metrics_address;
  if (!access_log_.Start(compiled->access_log)) return kExitConfiguration;
  return Serve(*compiled);
}

void Process::Stop() {
  if (pipeline_ != nullptr) pipeline_->Stop();
  pages_io_.stop();
  if (pages_thread_.joinable()) pages_thread_.join();
  admin_server_.reset();
  metrics_server_.reset();
  watcher_.reset();
  dns_.reset();
  if (workers_ != nullptr) workers_->Stop();
}

}  // namespace

int RunProcess(const ProcessOptions& options) {
  IgnoreSignalsOfWrites();
  return Process(options).Run();
}

}  // namespace headgate::app
