#include "control/admin/admin_pages.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include "tests/control/temporary_directory.h"

namespace headgate::control {
namespace {

const base::SocketAddress kLoopback{base::IpAddress::V4(0x7f000001), 9901};
const base::SocketAddress kOther{base::IpAddress::V4(0x0a000005), 9901};

TEST(AdminPages, HostOfALoopbackAddressOrLocalhostIsOwn) {
  for (const char* host : {"localhost", "localhost:9901", "LOCALHOST:9901", "127.0.0.1", "127.0.0.1:9901", "127.1.2.3",
                           "[::1]:9901", "[::1]"}) {
    EXPECT_TRUE(IsOwnHost(host, kLoopback)) << host;
  }
}

TEST(AdminPages, HostOfAnotherSiteIsRefusedWhateverItResolvesTo) {
  for (const char* host : {"", "evil.example.com", "evil.example.com:9901", "localhost.evil.example.com", "10.0.0.5",
                           "127.0.0.1.evil.example.com", "[evil]"}) {
    EXPECT_FALSE(IsOwnHost(host, kLoopback)) << host;
  }
}

TEST(AdminPages, TheBoundAddressIsOwnBeyondLoopback) {
  EXPECT_TRUE(IsOwnHost("10.0.0.5:9901", kOther));
  EXPECT_FALSE(IsOwnHost("10.0.0.6:9901", kOther));
}

// The pages before the first configuration is in force: what is judged before a page is looked for.
struct AdminAnswers : ::testing::Test {
  AdminAnswers() {
    context.pages.state = &state;
    context.pages.clock = &clock;
    context.address = kLoopback;
  }
  pages::Response Ask(const std::string& method, const std::string& target, pages::Request request = {}) {
    request.method = method;
    request.target = target;
    pages::SplitTarget(request);
    if (request.Header("host").empty()) request.headers.emplace_back("host", "127.0.0.1:9901");
    boost::asio::io_context io;
    pages::Response answer;
    const pages::Handler handler = AdminPages(context);
    boost::asio::co_spawn(
        io, [&]() -> boost::asio::awaitable<void> { answer = co_await handler(request); }, boost::asio::detached);
    io.run();
    return answer;
  }
  static pages::Request With(const std::string& name, const std::string& value) {
    pages::Request request;
    request.headers.emplace_back(name, value);
    return request;
  }

  base::SystemClock clock;
  State state;
  AdminContext context;
};

TEST_F(AdminAnswers, AnotherSitesHostIs421ForEveryPageAndMethod) {
  for (const char* target : {"/config", "/reload", "/nothing"}) {
    EXPECT_EQ(Ask("GET", target, With("host", "evil.example.com")).status, 421) << target;
    EXPECT_EQ(Ask("POST", target, With("host", "evil.example.com:9901")).status, 421) << target;
  }
}

TEST_F(AdminAnswers, NothingChangesOnAGetAndNoPageTakesAPost) {
  const pages::Response get = Ask("GET", "/reload");
  EXPECT_EQ(get.status, 405);
  ASSERT_EQ(get.headers.size(), 1U);
  EXPECT_EQ(get.headers[0].second, "POST");
  EXPECT_EQ(Ask("GET", "/probe?upstream=shop").status, 405);
  EXPECT_EQ(Ask("POST", "/config").status, 405);
  EXPECT_EQ(Ask("DELETE", "/routes").status, 405);
}

TEST_F(AdminAnswers, AFormOfAnotherSiteCanNeitherReloadNorProbe) {
  EXPECT_EQ(Ask("POST", "/reload", With("origin", "https://evil.example.com")).status, 403);
  EXPECT_EQ(Ask("POST", "/probe?upstream=shop", With("origin", "https://evil.example.com")).status, 403);
  EXPECT_EQ(Ask("POST", "/probe?upstream=shop").status, 503) << "let in; nothing in force yet";
}

TEST_F(AdminAnswers, WhereATokenIsAskedForOnlyItsBearerIsAnswered) {
  const TemporaryDirectory directory;
  context.token_file = directory.File("token");
  EXPECT_EQ(Ask("GET", "/config").status, 401) << "a token that cannot be read opens nothing";
  directory.Write("token", "\n");
  EXPECT_EQ(Ask("GET", "/config", With("authorization", "Bearer ")).status, 401) << "nor does an empty one";
  directory.Write("token", "secret\n");
  EXPECT_EQ(Ask("GET", "/config").status, 401);
  EXPECT_EQ(Ask("GET", "/config", With("authorization", "Bearer secre")).status, 401);
  EXPECT_EQ(Ask("GET", "/config", With("authorization", "Basic secret")).status, 401);
  for (const char* good : {"Bearer secret", "bearer secret"}) {
    EXPECT_EQ(Ask("GET", "/config", With("authorization", good)).status, 503) << "let in; nothing in force yet";
  }
}

TEST_F(AdminAnswers, WithATokenAnyHostWillDoAndWithoutItNoneDoes) {
  const TemporaryDirectory directory;
  directory.Write("token", "secret");
  context.token_file = directory.File("token");
  pages::Request named = With("host", "admin.edge.svc:9901");
  EXPECT_EQ(Ask("GET", "/config", named).status, 401);
  named.headers.emplace_back("authorization", "Bearer secret");
  EXPECT_EQ(Ask("GET", "/config", named).status, 503) << "let in; nothing in force yet";
}

TEST_F(AdminAnswers, TheTokenFileIsThatOfTheConfigurationInForceAndNoChangeOfAddressOpensTheListener) {
  const TemporaryDirectory directory;
  directory.Write("old", "old");
  directory.Write("new", "new");
  const auto put_in_force = [&](std::optional<base::SocketAddress> address, const std::string& token_file) {
    auto compiled = std::make_shared<routing::Compiled>();
    compiled->admin_address = address;
    compiled->admin_token_file = token_file;
    auto snapshot = std::make_shared<proxy::Snapshot>();
    snapshot->compiled = std::move(compiled);
    auto in_force = std::make_shared<InForce>();
    in_force->snapshot = std::move(snapshot);
    state.SetInForce(std::move(in_force));
  };
  const auto status = [&](const std::string& token) {
    return Ask("GET", "/config", With("authorization", "Bearer " + token)).status;
  };
  put_in_force(kLoopback, directory.File("new"));
  EXPECT_EQ(status("none"), 401) << "added";
  EXPECT_EQ(status("new"), 200);
  context.token_file = directory.File("old");
  EXPECT_EQ(status("old"), 401) << "changed";
  EXPECT_EQ(status("new"), 200);
  for (const std::optional<base::SocketAddress>& moved :
       {std::optional(kOther), std::optional<base::SocketAddress>()}) {
    put_in_force(moved, "");
    EXPECT_EQ(status("none"), 401) << "still as it was opened";
    EXPECT_EQ(status("old"), 200);
  }
  put_in_force(kLoopback, "");
  EXPECT_EQ(status("none"), 200) << "taken away";
}

TEST_F(AdminAnswers, TwoHostsAre400) {
  pages::Request two = With("host", "localhost");
  two.headers.emplace_back("host", "evil.example.com");
  EXPECT_EQ(Ask("GET", "/config", two).status, 400);
}

}  // namespace
}  // namespace headgate::control
