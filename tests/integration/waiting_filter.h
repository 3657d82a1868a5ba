// A filter that lets each request wait for a thread of its own, which thinks about it for a while and tells the worker
// by message. Counts what becomes of the waits.
// A Thinker is owned by a test and outlives the proxy; its filter belongs to a chain.
// Think: any worker's thread. Join and the counters: the test's.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "proxy/filters/filter.h"

namespace headgate::integration {

enum class Thought { kContinue, kRefuse, kReply };

class Thinker {
 public:
  explicit Thinker(Thought thought, std::chrono::milliseconds time = std::chrono::milliseconds(100))
      : thought_(thought), time_(time) {}
  ~Thinker() { Join(); }
  // All thoughts are told; the proxy still stands.
  void Join() {
    std::vector<std::thread> threads;
    {
      const std::lock_guard lock(mutex_);
      threads.swap(threads_);
    }
    for (std::thread& thread : threads) thread.join();
  }
  std::unique_ptr<const proxy::Filter> MakeFilter() { return std::make_unique<Waiting>(*this); }

  std::atomic<int> begun{0};
  std::atomic<int> told{0};       // to a request that still waited
  std::atomic<int> abandoned{0};  // the answer falls to the ground
  std::atomic<int> alive{0};      // waits in memory

 private:
  // Who waits for a thought: touched on the worker's thread only.
  struct Asker {
    proxy::FilterEvents* events;  // null: nobody any more
    base::Arena* arena;
  };

  class Wait final : public proxy::FilterWait {
   public:
    Wait(Thinker& thinker, std::shared_ptr<Asker> asker) : thinker_(thinker), asker_(std::move(asker)) {
      ++thinker_.alive;
    }
    ~Wait() override { --thinker_.alive; }
    void Abandon() noexcept override {
      asker_->events = nullptr;
      ++thinker_.abandoned;
    }

   private:
    Thinker& thinker_;
    std::shared_ptr<Asker> asker_;
  };

  class Waiting final : public proxy::Filter {
   public:
    explicit Waiting(Thinker& thinker) : thinker_(thinker) {}
    proxy::FilterResult OnRequest(const proxy::FilterContext& context) const override {
      return thinker_.Think(context);
    }

   private:
    Thinker& thinker_;
  };

  proxy::FilterResult Think(const proxy::FilterContext& context) {
    ++begun;
    auto asker = std::make_shared<Asker>(&context.events, &context.arena);
    auto wait = std::make_unique<Wait>(*this, asker);
    const std::lock_guard lock(mutex_);
    threads_.emplace_back([this, &worker = context.worker, asker = std::move(asker)]() mutable {
      std::this_thread::sleep_for(time_);
      worker.Post([this, asker = std::move(asker)] { Tell(*asker); });
    });
    return proxy::FilterResult::Waiting(std::move(wait));
  }

  void Tell(Asker& asker) {
    if (asker.events == nullptr) return;
    ++told;
    std::exchange(asker.events, nullptr)->OnFilterDone(Result(*asker.arena));
  }

  proxy::FilterResult Result(base::Arena& arena) const {
    using base::Error;
    constexpr Error kRefused{base::ErrorCode::kForbidden, base::Side::kClient, base::Retry::kNever,
                             "on second thought"};
    if (thought_ == Thought::kContinue) return proxy::FilterResult::Continue();
    if (thought_ == Thought::kRefuse) return proxy::FilterResult::Refused(kRefused);
    auto* reply = new (arena.Allocate(sizeof(proxy::Reply), alignof(proxy::Reply))) proxy::Reply(arena);
    reply->head.status = 401;
    reply->head.headers.Add(http::HeaderId::kOther, "www-authenticate", "thinking");
    reply->body = "who are you?";
    reply->grpc = proxy::GrpcStatus::kUnauthenticated;
    return proxy::FilterResult::Replied(*reply, kRefused);
  }

  const Thought thought_;
  const std::chrono::milliseconds time_;
  std::mutex mutex_;
  std::vector<std::thread> threads_;
};

}  // namespace headgate::integration
