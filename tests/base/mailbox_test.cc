#include "base/mailbox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <thread>
#include <vector>

namespace headgate::base {
namespace {

using testing::ElementsAre;

template <class F>
std::unique_ptr<Message> Do(F function) {
  return std::make_unique<FunctionMessage<F>>(std::move(function));
}

TEST(Mailbox, RunsMessagesInTheOrderOfTheirPosting) {
  Mailbox mailbox;
  std::vector<int> ran;
  for (int i = 0; i < 4; ++i) mailbox.Post(Do([&ran, i] { ran.push_back(i); }));
  EXPECT_FALSE(mailbox.empty());
  EXPECT_EQ(mailbox.Drain(), 4U);
  EXPECT_THAT(ran, ElementsAre(0, 1, 2, 3));
  EXPECT_TRUE(mailbox.empty());
  EXPECT_EQ(mailbox.Drain(), 0U);
}

TEST(Mailbox, AsksForAWakeUpOnlyWhenItWasEmpty) {
  Mailbox mailbox;
  EXPECT_TRUE(mailbox.Post(Do([] {})));
  EXPECT_FALSE(mailbox.Post(Do([] {})));
  mailbox.Drain();
  EXPECT_TRUE(mailbox.Post(Do([] {})));
}

TEST(Mailbox, WhatAMessagePostsRunsWithTheNextDrain) {
  Mailbox mailbox;
  int ran = 0;
  mailbox.Post(Do([&] { EXPECT_TRUE(mailbox.Post(Do([&ran] { ++ran; }))); }));
  EXPECT_EQ(mailbox.Drain(), 1U);
  EXPECT_EQ(ran, 0);
  EXPECT_EQ(mailbox.Drain(), 1U);
  EXPECT_EQ(ran, 1);
}

TEST(Mailbox, AMessageThatNeverRanDiesWithTheMailbox) {
  auto alive = std::make_shared<int>(0);
  {
    Mailbox mailbox;
    mailbox.Post(Do([alive] { ++*alive; }));
    mailbox.Post(Do([alive] { ++*alive; }));
    EXPECT_EQ(alive.use_count(), 3);
  }
  EXPECT_EQ(alive.use_count(), 1);
  EXPECT_EQ(*alive, 0);
}

TEST(Mailbox, LosesAndReordersNothingUnderManyPosters) {
  constexpr size_t kPosters = 4;
  constexpr uint64_t kEach = 20'000;
  Mailbox mailbox;
  std::array<uint64_t, kPosters> next{};  // the receiver's alone: unsynchronised on purpose
  std::atomic<uint64_t> wakes{0};
  std::vector<std::thread> posters;
  for (size_t poster = 0; poster < kPosters; ++poster) {
    posters.emplace_back([&, poster] {
      for (uint64_t i = 0; i < kEach; ++i) {
        const bool wake = mailbox.Post(Do([&next, poster, i] {
          EXPECT_EQ(next[poster], i);
          next[poster] = i + 1;
        }));
        if (wake) wakes.fetch_add(1);
      }
    });
  }
  uint64_t ran = 0;
  uint64_t drains = 0;
  while (ran < kPosters * kEach) {
    const size_t count = mailbox.Drain();
    ran += count;
    if (count > 0) ++drains;
    if (count == 0) std::this_thread::yield();
  }
  for (std::thread& poster : posters) poster.join();
  EXPECT_EQ(ran, kPosters * kEach);
  EXPECT_EQ(wakes.load(), drains);
  EXPECT_TRUE(mailbox.empty());
}

}  // namespace
}  // namespace headgate::base
