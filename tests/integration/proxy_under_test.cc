#include "tests/integration/proxy_under_test.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <future>
#include <thread>

#include "config/units.h"
#include "routing/compile/compile.h"

namespace headgate::integration {

namespace {

// A port that was free a moment ago.
uint16_t FreePort() {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ::bind(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof(address));
  socklen_t size = sizeof(address);
  ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size);
  ::close(descriptor);
  return ntohs(address.sin_port);
}

}  // namespace

ProxyUnderTest::ProxyUnderTest(std::string_view configuration, uint32_t workers, Change change)
    : change_(std::move(change)),
      log_writer_(registry_.AddShard(), registry_.Process().access_log_dropped),
      builder_(registry_, tickets_, workers, clock_) {
  log_writer_.SetTarget(metrics::AccessLogTarget::kOff);
  log_writer_.Start();
  server_ = std::make_unique<proxy::WorkerSet>(proxy::WorkerSetOptions{.workers = workers,
                                                                       .clock = &clock_,
                                                                       .registry = &registry_,
                                                                       .access_log = &log_writer_,
                                                                       .access_log_settings = &log_settings_});
  Publish(configuration);
}

ProxyUnderTest::~ProxyUnderTest() {
  server_->Stop();
  server_.reset();
  log_writer_.Stop();
}

// A listener keeps the port that it was given at first.
std::string ProxyUnderTest::WithPorts(std::string_view configuration) {
  std::string text(configuration);
  constexpr std::string_view kAnyPort = "\"127.0.0.1:0\"";
  size_t number = 0;
  for (size_t at = text.find(kAnyPort); at != std::string::npos; at = text.find(kAnyPort), ++number) {
    if (ports_.size() <= number) ports_.push_back(FreePort());
    text.replace(at, kAnyPort.size(), "\"127.0.0.1:" + std::to_string(ports_[number]) + "\"");
  }
  return text;
}

void ProxyUnderTest::Publish(std::string_view configuration) {
  const config::LoadedFile file = config::LoadFile("test.yaml", WithPorts(configuration));
  std::string problems;
  for (const config::Diagnostic& problem : file.diagnostics.items()) {
    problems += std::to_string(problem.at.line) + ": " + problem.message + "\n";
  }
  ASSERT_NE(file.model, nullptr) << problems << configuration;
  config::DiagnosticList diagnostics;
  auto compiled = routing::Compile(*file.model, nullptr, diagnostics);
  ASSERT_NE(compiled, nullptr);
  std::vector<std::string> warnings;
  auto snapshot = builder_.Build(std::move(compiled), "test", snapshot_.get(), warnings);
  ASSERT_TRUE(snapshot.ok()) << snapshot.status();
  if (change_) {
    auto changed = std::make_shared<proxy::Snapshot>(**snapshot);
    change_(*changed);
    snapshot = std::move(changed);
  }
  std::promise<void> acknowledged;
  const absl::Status published = server_->Publish(*snapshot, [&] { acknowledged.set_value(); });
  ASSERT_TRUE(published.ok()) << published;
  ASSERT_EQ(acknowledged.get_future().wait_for(std::chrono::seconds(10)), std::future_status::ready);
  snapshot_ = *snapshot;
}

uint16_t ProxyUnderTest::port(const std::string& listener) const {
  const std::string address = server_->AddressOf(listener);
  return static_cast<uint16_t>(std::atoi(address.substr(address.rfind(':') + 1).c_str()));
}

std::string ProxyUnderTest::Ask(std::string_view request, const std::string& listener) const {
  SocketPeer peer = Connect(listener);
  peer.Send(request);
  return peer.ReadResponse();
}

double ProxyUnderTest::Metric(std::string_view sample) {
  const std::string text = "\n" + Scrape();
  const size_t at = text.find("\n" + std::string(sample) + " ");
  return at == std::string::npos ? 0 : std::atof(text.c_str() + at + sample.size() + 2);
}

double ProxyUnderTest::WaitMetric(std::string_view sample, double value) {
  double seen = Metric(sample);
  for (int i = 0; i < 500 && seen != value; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    seen = Metric(sample);
  }
  return seen;
}

std::string OneUpstream(const std::string& address, std::string_view route_keys, std::string_view more) {
  std::string text =
      "listeners:\n  - {name: web, address: \"127.0.0.1:0\", publicPort: 80}\nupstreams:\n  app: {endpoints: [\"" +
      address + "\"]}\n";
  text += "routes:\n  - name: all\n    backends: [{upstream: app}]\n";
  text += route_keys;
  text += more;
  return text;
}

}  // namespace headgate::integration
