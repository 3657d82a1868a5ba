// What the request path uses of base allocates nothing once it is warm.
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>

#include "base/arena.h"
#include "base/crypto/random.h"
#include "base/ip.h"
#include "base/json/escape.h"
#include "base/slab.h"
#include "base/timer_wheel.h"
#include "support/allocation/allocation_counter.h"

namespace headgate::base {
namespace {

using support::AllocationsOfProcess;
using support::AllocationsOfThisThread;

template <class F>
uint64_t AllocationsOf(F work) {
  const uint64_t before = AllocationsOfThisThread().allocations;
  work();
  return AllocationsOfThisThread().allocations - before;
}

// Keeps the compiler from leaving out an allocation that nobody looks at.
template <class T>
T* Escape(T* pointer) {
  asm volatile("" : "+r"(pointer) : : "memory");
  return pointer;
}

TEST(AllocationCounter, CountsWhatThisThreadTakesInWhicheverWay) {
  EXPECT_EQ(AllocationsOf([] { std::free(Escape(std::malloc(10))); }), 1U);
  EXPECT_EQ(AllocationsOf([] { std::free(Escape(std::calloc(2, 10))); }), 1U);
#ifndef __SANITIZE_THREAD__  // thread sanitizer of GCC 12 does not report aligned forms
  EXPECT_EQ(AllocationsOf([] { std::free(Escape(std::aligned_alloc(64, 128))); }), 1U);
#endif
  EXPECT_EQ(AllocationsOf([] { delete Escape(new int(1)); }), 1U);
  struct alignas(64) Wide {
    char bytes[64];
  };
  EXPECT_EQ(AllocationsOf([] { delete Escape(new Wide()); }), 1U);
  EXPECT_EQ(AllocationsOf([] {}), 0U);
}

TEST(AllocationCounter, CountsBytesAndKeepsThreadsApart) {
  const auto process_before = AllocationsOfProcess();
  const auto before = AllocationsOfThisThread();
  // The thread's own start allocates here; what it takes itself does not count here.
  uint64_t there = 0;
  std::thread other([&] {
    there = AllocationsOf([] {
      for (int i = 0; i < 1000; ++i) std::free(Escape(std::malloc(100)));
    });
  });
  other.join();
  EXPECT_EQ(there, 1000U);
  EXPECT_LT(AllocationsOfThisThread().allocations - before.allocations, 100U);
  EXPECT_GE(AllocationsOfProcess().allocations - process_before.allocations, 1000U);
  EXPECT_GE(AllocationsOfProcess().bytes - process_before.bytes, 100'000U);
}

TEST(Allocations, WarmSlabsArenasAndChainsTakeNone) {
  SlabPool pool;
  Arena arena(pool);
  Chain chain;
  Chain part;
  const auto turn = [&] {
    for (int i = 0; i < 3; ++i) {
      SlabRef slab = pool.Take();
      const char* data = slab->data();
      chain.Append(Slice(std::move(slab), data, 1000));
    }
    chain.MoveTo(part, 1500);
    part.Clear();
    chain.Consume(1500);
    std::memset(arena.Allocate(4000), 1, 4000);
    std::memset(arena.Allocate(10'000), 1, 10'000);
    arena.Reset();
  };
  turn();
  EXPECT_EQ(AllocationsOf(turn), 0U);
}

TEST(Allocations, TimersIdsAddressesAndJsonTakeNone) {
  const Instant start{std::chrono::hours(1)};
  const auto wheel = std::make_unique<TimerWheel>(start);
  std::array<char, 32> warm{};
  RandomHex(warm);
  EXPECT_EQ(AllocationsOf([&] {
              Timer timer([](void*) {}, nullptr);
              wheel->Arm(timer, start + std::chrono::seconds(5));
              wheel->Advance(start + std::chrono::seconds(6));
              for (int i = 0; i < 1000; ++i) {
                std::array<char, 32> id{};
                RandomHex(id);
              }
              std::array<char, IpAddress::kTextMax> text{};
              const size_t bytes = IpAddress::Parse("2001:db8::1")->Format(text);
              std::array<char, 200> out{};
              json::AppendEscaped(out, {text.data(), bytes});
            }),
            0U);
}

}  // namespace
}  // namespace headgate::base
