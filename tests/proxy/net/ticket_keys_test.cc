#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "proxy/net/tls_context.h"

namespace headgate::proxy::net {
namespace {

TEST(TicketKeysTest, ANewKeyHasAnotherNameAndTheOldOneIsFound) {
  TicketKeys keys;
  const TicketKeys::Key first = keys.Newest();
  keys.Rotate();
  const TicketKeys::Key second = keys.Newest();
  EXPECT_NE(first.name, second.name);
  EXPECT_NE(first.cipher_key, second.cipher_key);
  TicketKeys::Key found;
  bool newest = true;
  ASSERT_TRUE(keys.Find(first.name, found, newest));
  EXPECT_FALSE(newest);
  EXPECT_EQ(found.cipher_key, first.cipher_key);
  EXPECT_EQ(found.mac_key, first.mac_key);
  ASSERT_TRUE(keys.Find(second.name, found, newest));
  EXPECT_TRUE(newest);
}

TEST(TicketKeysTest, AKeyThatWasNeverMadeIsNotFound) {
  TicketKeys keys;
  TicketKeys::Key found;
  bool newest = false;
  const std::array<uint8_t, 16> zeros{};
  EXPECT_FALSE(keys.Find(zeros, found, newest)) << "slots that are still empty hold no key";
}

TEST(TicketKeysTest, ReadersSeeWholeKeysWhileTheWriterRotates) {
  TicketKeys keys;
  std::atomic<bool> stop{false};
  std::atomic<int> torn{0};
  std::atomic<long> reads{0};
  std::thread reader([&] {
    while (!stop.load(std::memory_order_relaxed)) {
      const TicketKeys::Key key = keys.Newest();
      TicketKeys::Key found;
      bool newest = false;
      // Under the same name only the same key may be found.
      if (keys.Find(key.name, found, newest) && (found.cipher_key != key.cipher_key || found.mac_key != key.mac_key)) {
        ++torn;
      }
      ++reads;
    }
  });
  for (int i = 0; i < 20'000 || reads.load() < 100; ++i) keys.Rotate();
  stop = true;
  reader.join();
  EXPECT_EQ(torn.load(), 0);
}

}  // namespace
}  // namespace headgate::proxy::net
