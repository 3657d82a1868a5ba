#include "app/demo.h"

#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <vector>

#include "app/exit_codes.h"
#include "app/process.h"
#include "app/sample_service.h"
#include "base/crypto/self_signed.h"

namespace headgate::app {
namespace {

namespace fs = std::filesystem;

constexpr int kCertificateDays = 30;

constexpr char kConfiguration[] =
    R"(# A canary release. headgate watches this file: change it and save, and the next request sees it.
listeners:
  - name: web
    address: {address}:{http}
  - name: websecure
    address: {address}:{https}
    tls:
      certificates: [{{certFile: tls.crt, keyFile: tls.key}}]   # self-signed, made for this demo

admin: {{address: 127.0.0.1:{admin}}}     # try: headgate routes --admin 127.0.0.1:{admin}
metrics: {{address: {address}:{metrics}}}      # /metrics, /livez, /readyz
accessLog: {{to: access.log}}            # one JSON line per request, next to this file
drain: {{lameDuck: 0s, timeout: 5s}}     # Ctrl-C need not wait for a load balancer here

upstreams:
  shop-v1: {{endpoints: ["{v1}"]}}   # both run inside the demo's process
  shop-v2: {{endpoints: ["{v2}"]}}

routes:
  - name: shop
    backends:
      - upstream: shop-v1
        weight: 90                       # 90 of 100 requests stay with version 1
      - upstream: shop-v2
        weight: 10                       # 10 of 100 try version 2
        force: [{{header: {{name: x-canary, exact: always}}}}]   # and whoever asks for it

  - name: ping                           # an answer of headgate's own
    matches: [{{path: {{exact: /ping}}}}]
    respond: {{status: 200, body: "pong\n"}}
)";

constexpr char kWelcome[] = R"(
headgate is running on a canary release: {config}

1. See the split: about 90 of 100 requests get v1, 10 get v2.
   for i in $(seq 100); do curl -s http://{address}:{http}/; done | grep -o '"version":"v."' | sort | uniq -c

2. Ask for version 2, over TLS.
   curl -sk -H 'x-canary: always' https://{address}:{https}/

3. Change the weights while it runs, then repeat the first command.
   sed -i 's/weight: 90/weight: 50/; s/weight: 10/weight: 50/' {config}

Metrics: http://{address}:{metrics}/metrics   Access log: {folder}/access.log
Ctrl-C ends the demo and removes its files.

)";

class Folder {
 public:
  Folder() {
    std::error_code error;
    std::string name = (fs::temp_directory_path(error) / "headgate-demo-XXXXXX").string();
    if (::mkdtemp(name.data()) != nullptr) path_ = name;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  const fs::path& path() const { return path_; }  // empty: it could not be made

  bool Write(const char* name, const std::string& text) const {
    std::ofstream file(path_ / name);
    file << text;
    file.close();
    return file.good();
  }

 private:
  fs::path path_;
};

bool WriteFiles(const Folder& folder, const DemoOptions& options, const std::vector<base::SocketAddress>& samples) {
  const std::vector<std::string> names = {"localhost", "127.0.0.1", "::1"};
  const auto certificate = base::MakeSelfSigned(names, kCertificateDays);
  if (!certificate.ok()) return false;
  const std::string text = fmt::format(kConfiguration, fmt::arg("address", options.address),
                                       fmt::arg("http", options.http_port), fmt::arg("https", options.https_port),
                                       fmt::arg("metrics", options.metrics_port), fmt::arg("admin", options.admin_port),
                                       fmt::arg("v1", samples[0].ToString()), fmt::arg("v2", samples[1].ToString()));
  return folder.Write("tls.crt", certificate->certificate_pem) && folder.Write("tls.key", certificate->key_pem) &&
         folder.Write("headgate.yaml", text);
}

void Welcome(const DemoOptions& options, const Folder& folder) {
  const std::string text = fmt::format(kWelcome, fmt::arg("config", (folder.path() / "headgate.yaml").string()),
                                       fmt::arg("folder", folder.path().string()), fmt::arg("address", options.address),
                                       fmt::arg("http", options.http_port), fmt::arg("https", options.https_port),
                                       fmt::arg("metrics", options.metrics_port));
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
}

}  // namespace

int RunDemo(const DemoOptions& options) {
  const Folder folder;
  if (folder.path().empty()) {
    std::fprintf(stderr, "headgate: cannot make a temporary directory: %s\n", std::strerror(errno));
    return kExitConfiguration;
  }
  const auto samples = SampleService::Start({"v1", "v2"});
  if (!samples.ok()) {
    std::fprintf(stderr, "headgate: %s\n", std::string(samples.status().message()).c_str());
    return kExitAddress;
  }
  if (!WriteFiles(folder, options, (*samples)->addresses())) {
    std::fprintf(stderr, "headgate: cannot write to %s\n", folder.path().c_str());
    return kExitConfiguration;
  }
  const int code = RunProcess(
      {.config_path = (folder.path() / "headgate.yaml").string(), .started = [&] { Welcome(options, folder); }});
  if (code == kExitAddress) {
    std::fputs("The demo can use other ports: headgate demo --http 8081 --https 8444 --metrics 9091 --admin 9902\n",
               stderr);
  } else if (code == kExitOk) {
    std::puts("bye");
  }
  return code;
}

}  // namespace headgate::app
