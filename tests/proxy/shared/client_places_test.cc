#include "proxy/shared/client_places.h"

#include <gtest/gtest.h>

#include <optional>
#include <thread>
#include <vector>

namespace headgate::proxy {
namespace {

base::IpAddress Ip(std::string_view text) { return *base::IpAddress::Parse(text); }

TEST(ClientPlacesTest, AClientHasAsManyAsTheLimitAndGetsAPlaceBack) {
  ClientPlaces places;
  std::vector<ClientPlaces::Place> held(3);
  for (ClientPlaces::Place& place : held) EXPECT_TRUE(places.Take(Ip("192.0.2.1"), 3, place));
  ClientPlaces::Place more;
  EXPECT_FALSE(places.Take(Ip("192.0.2.1"), 3, more));
  EXPECT_TRUE(places.Take(Ip("192.0.2.2"), 3, more)) << "another client";
  held.pop_back();
  ClientPlaces::Place again;
  EXPECT_TRUE(places.Take(Ip("192.0.2.1"), 3, again));
  ClientPlaces::Place beyond;
  EXPECT_FALSE(places.Take(Ip("192.0.2.1"), 3, beyond));
}

TEST(ClientPlacesTest, AnIpv6ClientIsItsNetwork) {
  ClientPlaces places;
  ClientPlaces::Place one, other;
  EXPECT_TRUE(places.Take(Ip("2001:db8:0:1::1"), 1, one));
  EXPECT_FALSE(places.Take(Ip("2001:db8:0:1:ffff::2"), 1, other));
  EXPECT_TRUE(places.Take(Ip("2001:db8:0:2::1"), 1, other));
}

TEST(ClientPlacesTest, IPv4ClientsAreNotOneNetwork) {
  ClientPlaces places;
  ClientPlaces::Place one, other;
  EXPECT_TRUE(places.Take(Ip("10.0.0.1"), 1, one));
  EXPECT_TRUE(places.Take(Ip("10.0.0.2"), 1, other));
}

TEST(ClientPlacesTest, MovingAPlaceCountsItOnce) {
  ClientPlaces places;
  ClientPlaces::Place outer;
  {
    ClientPlaces::Place inner;
    ASSERT_TRUE(places.Take(Ip("192.0.2.1"), 1, inner));
    outer = std::move(inner);
  }
  ClientPlaces::Place next;
  EXPECT_FALSE(places.Take(Ip("192.0.2.1"), 1, next));
  outer = {};
  EXPECT_TRUE(places.Take(Ip("192.0.2.1"), 1, next));
}

// More addresses than there is room for: nobody is refused who has no connection.
TEST(ClientPlacesTest, AFullTableRefusesNobody) {
  ClientPlaces places;
  std::vector<ClientPlaces::Place> held(3 * ClientPlaces::kSlots);
  for (size_t i = 0; i < held.size(); ++i) {
    ASSERT_TRUE(places.Take(base::IpAddress::V4(static_cast<uint32_t>(i)), 1, held[i])) << i;
  }
  held.clear();
  ClientPlaces::Place one, two;
  EXPECT_TRUE(places.Take(Ip("192.0.2.1"), 1, one));
  EXPECT_FALSE(places.Take(Ip("192.0.2.1"), 1, two)) << "the room came back";
}

// Workers that accept from one client at one time.
TEST(ClientPlacesTest, HoldsOverThreads) {
  ClientPlaces places;
  constexpr int kThreads = 4, kRounds = 2000;
  constexpr uint64_t kLimit = 6;
  std::atomic<uint64_t> held{0}, most{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < kRounds; ++round) {
        ClientPlaces::Place mine[3];
        uint64_t got = 0;
        for (ClientPlaces::Place& place : mine) got += places.Take(Ip("192.0.2.7"), kLimit, place) ? 1 : 0;
        const uint64_t now = held.fetch_add(got) + got;
        uint64_t before = most.load();
        while (before < now && !most.compare_exchange_weak(before, now)) {
        }
        held.fetch_sub(got);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(most.load(), kLimit);
  EXPECT_GE(most.load(), 3u);
  std::vector<ClientPlaces::Place> all(kLimit);
  for (ClientPlaces::Place& place : all) EXPECT_TRUE(places.Take(Ip("192.0.2.7"), kLimit, place));
}

}  // namespace
}  // namespace headgate::proxy
