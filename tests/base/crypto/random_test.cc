#include "base/crypto/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace headgate::base {
namespace {

TEST(RandomHex, WritesLowerCaseDigitsOnlyAndEveryOneOfThem) {
  std::string text(4001, ' ');
  RandomHex(text);
  EXPECT_EQ(text.find_first_not_of("0123456789abcdef"), std::string::npos);
  const std::set<char> seen(text.begin(), text.end());
  EXPECT_EQ(seen.size(), 16U);
  // An odd length uses the high half of its last byte, which must vary too.
  std::set<char> single;
  for (int i = 0; i < 1000; ++i) {
    std::array<char, 1> digit{};
    RandomHex(digit);
    single.insert(digit[0]);
  }
  EXPECT_EQ(single.size(), 16U);
}

TEST(RandomHex, NeverRepeatsAnIdAcrossBatchesAndThreads) {
  constexpr size_t kEach = 2000;  // eight batches
  std::vector<std::vector<std::string>> ids(3);
  std::vector<std::thread> threads;
  for (auto& mine : ids) {
    threads.emplace_back([&mine] {
      for (size_t i = 0; i < kEach; ++i) RandomHex(mine.emplace_back(32, ' '));
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::set<std::string> all;
  for (const auto& mine : ids) all.insert(mine.begin(), mine.end());
  EXPECT_EQ(all.size(), ids.size() * kEach);
}

TEST(RandomSource, FillsEveryByteOfAnyLength) {
  RandomSource source;
  for (const size_t bytes :
       {size_t{0}, size_t{1}, size_t{16}, size_t{4095}, size_t{4096}, size_t{4097}, size_t{20'000}}) {
    // A byte stays zero in all of four fills once in four billion.
    std::vector<uint8_t> touched(bytes);
    for (int i = 0; i < 4; ++i) {
      std::vector<uint8_t> filled(bytes);
      source.Fill(filled);
      std::transform(filled.begin(), filled.end(), touched.begin(), touched.begin(),
                     [](uint8_t a, uint8_t b) { return static_cast<uint8_t>(a | b); });
    }
    EXPECT_EQ(std::count(touched.begin(), touched.end(), 0), 0) << bytes;
  }
  EXPECT_NE(source.Next64(), source.Next64());
}

TEST(RandomBytes, FillsFromTheThreadsOwnSource) {
  std::array<uint8_t, 32> first{};
  std::array<uint8_t, 32> second{};
  RandomBytes(first);
  RandomBytes(second);
  EXPECT_NE(first, second);
}

}  // namespace
}  // namespace headgate::base
