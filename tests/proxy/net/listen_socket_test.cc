#include "proxy/net/listen_socket.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "proxy/net/socket_address.h"

namespace headgate::proxy::net {
namespace {

using ::testing::HasSubstr;

base::SocketAddress Address(std::string_view text) { return *base::SocketAddress::Parse(text); }

// A blocking client's socket, connected to `to`; -1 when that fails.
int ConnectTo(const base::SocketAddress& to) {
  sockaddr_storage address;
  const socklen_t length = ToKernel(to, address);
  const int client = ::socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (::connect(client, reinterpret_cast<sockaddr*>(&address), length) == 0) return client;
  ::close(client);
  return -1;
}

ListenSocket::Accepted AcceptOf(ListenSocket& socket) {
  pollfd wait{socket.descriptor(), POLLIN, 0};
  ::poll(&wait, 1, 5000);
  return socket.Accept();
}

TEST(ListenSocketTest, PortZeroGivesAllSocketsOnePort) {
  auto sockets = ListenSocket::Open({Address("127.0.0.1:0")}, 3);
  ASSERT_TRUE(sockets.ok()) << sockets.status();
  ASSERT_EQ(sockets->size(), 3u);
  EXPECT_NE(sockets->front()->address().port, 0);
  for (const auto& socket : *sockets) EXPECT_EQ(socket->address(), sockets->front()->address());
}

TEST(ListenSocketTest, AcceptGivesThePeerAndANonBlockingDescriptorWithoutDelay) {
  auto sockets = ListenSocket::Open({Address("127.0.0.1:0")}, 1);
  ASSERT_TRUE(sockets.ok());
  ListenSocket& socket = *sockets->front();
  EXPECT_EQ(socket.Accept().error, EAGAIN);
  const int client = ConnectTo(socket.address());
  ASSERT_GE(client, 0);
  const ListenSocket::Accepted accepted = AcceptOf(socket);
  ASSERT_GE(accepted.descriptor, 0);
  EXPECT_EQ(accepted.peer, LocalAddressOf(client));
  EXPECT_EQ(LocalAddressOf(accepted.descriptor), socket.address());
  int no_delay = 0;
  socklen_t length = sizeof(no_delay);
  ASSERT_EQ(::getsockopt(accepted.descriptor, IPPROTO_TCP, TCP_NODELAY, &no_delay, &length), 0);
  EXPECT_NE(no_delay, 0);
  int unsent_max = 0;
  ASSERT_EQ(::getsockopt(accepted.descriptor, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent_max, &length), 0);
  EXPECT_EQ(unsent_max, 128 * 1024) << "a slow reader's progress is seen";
  char byte;
  EXPECT_EQ(::recv(accepted.descriptor, &byte, 1, 0), -1);
  EXPECT_EQ(errno, EAGAIN);
  ::close(client);
  ::close(accepted.descriptor);
}

TEST(ListenSocketTest, AHeldPortIsReportedEvenWhenItsHolderSharesIt) {
  auto holder = ListenSocket::Open({Address("127.0.0.1:0")}, 2);  // SO_REUSEPORT is set
  ASSERT_TRUE(holder.ok());
  const absl::Status second = ListenSocket::CheckFree({holder->front()->address()});
  EXPECT_EQ(second.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(std::string(second.message()), HasSubstr(holder->front()->address().ToString()));
  EXPECT_THAT(std::string(second.message()), HasSubstr("holds this port"));
}

TEST(ListenSocketTest, ASharedSocketListensOnWhenTheFirstDescriptorCloses) {
  auto sockets = ListenSocket::Open({Address("127.0.0.1:0")}, 1);
  ASSERT_TRUE(sockets.ok());
  const base::SocketAddress address = sockets->front()->address();
  const int client = ConnectTo(address);
  auto shared = ListenSocket::Share(*sockets->front());
  ASSERT_TRUE(shared.ok()) << shared.status();
  sockets->clear();
  EXPECT_EQ((*shared)->address(), address);
  const ListenSocket::Accepted accepted = AcceptOf(**shared);
  EXPECT_GE(accepted.descriptor, 0) << "it waited in the queue";
  ::close(client);
  ::close(accepted.descriptor);
}

TEST(ListenSocketTest, AddressesOverlapWhereOneConnectionFitsBoth) {
  const auto overlap = [](std::string_view a, std::string_view b, bool dual_stack = false) {
    const ListenAddress one{Address(a), dual_stack};
    const ListenAddress other{Address(b), dual_stack};
    EXPECT_EQ(one.Overlaps(other), other.Overlaps(one)) << a << " " << b;
    return one.Overlaps(other);
  };
  EXPECT_TRUE(overlap("127.0.0.1:80", "127.0.0.1:80"));
  EXPECT_TRUE(overlap("127.0.0.1:80", "0.0.0.0:80"));
  EXPECT_TRUE(overlap("[::1]:80", "[::]:80"));
  EXPECT_TRUE(overlap("127.0.0.1:80", "[::]:80", true));
  EXPECT_TRUE(overlap("0.0.0.0:80", "[::]:80", true));
  EXPECT_FALSE(overlap("0.0.0.0:80", "[::]:80"));
  EXPECT_FALSE(overlap("127.0.0.1:80", "127.0.0.2:80"));
  EXPECT_FALSE(overlap("127.0.0.1:80", "0.0.0.0:81"));
  EXPECT_FALSE(overlap("[::1]:80", "0.0.0.0:80"));
}

TEST(ListenSocketTest, APortIsFreeAgainAfterItsConnectionsClosed) {
  base::SocketAddress address;
  {
    auto sockets = ListenSocket::Open({Address("127.0.0.1:0")}, 1);
    ASSERT_TRUE(sockets.ok());
    address = sockets->front()->address();
    const int client = ConnectTo(address);
    ::close(AcceptOf(*sockets->front()).descriptor);  // TIME_WAIT stays on our side
    ::close(client);
  }
  EXPECT_TRUE(ListenSocket::Open({address}, 1).ok());
}

TEST(ListenSocketTest, AnAddressOfAnotherMachineIsInvalid) {
  const auto sockets = ListenSocket::Open({Address("192.0.2.1:8080")}, 1);
  EXPECT_EQ(sockets.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(sockets.status().message()), HasSubstr("192.0.2.1:8080"));
}

TEST(ListenSocketTest, DualStackTakesBothFamiliesAndTellsIpv4AsSuch) {
  auto sockets = ListenSocket::Open({Address("[::]:0"), true}, 1);
  ASSERT_TRUE(sockets.ok()) << sockets.status();
  const uint16_t port = sockets->front()->address().port;
  const int four = ConnectTo({*base::IpAddress::Parse("127.0.0.1"), port});
  ASSERT_GE(four, 0);
  const ListenSocket::Accepted accepted = AcceptOf(*sockets->front());
  EXPECT_EQ(accepted.peer.ip.ToString(), "127.0.0.1");
  ::close(four);
  ::close(accepted.descriptor);
  const int six = ConnectTo({*base::IpAddress::Parse("::1"), port});
  ASSERT_GE(six, 0);
  const ListenSocket::Accepted of_six = AcceptOf(*sockets->front());
  EXPECT_EQ(of_six.peer.ip.ToString(), "::1");
  ::close(six);
  ::close(of_six.descriptor);
}

TEST(ListenSocketTest, WithoutDualStackIpv4IsRefusedOnIpv6) {
  auto sockets = ListenSocket::Open({Address("[::]:0")}, 1);
  ASSERT_TRUE(sockets.ok()) << sockets.status();
  EXPECT_LT(ConnectTo({*base::IpAddress::Parse("127.0.0.1"), sockets->front()->address().port}), 0);
}

}  // namespace
}  // namespace headgate::proxy::net
