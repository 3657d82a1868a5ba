#include "proxy/net/reactor.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <new>
#include <system_error>
#include <vector>

#include "base/check.h"

namespace headgate::proxy::net {

namespace {

namespace asio = boost::asio;

// The concrete executor: the type-erased one would cost an indirect call per wait.
using Descriptor = asio::posix::basic_stream_descriptor<asio::io_context::executor_type>;

constexpr int kBatch = 256;                         // events of one epoll_wait
constexpr int kInnerTurns = 64;                     // turns before Asio gets one
constexpr int kDeferredPasses = 4;                  // of a turn; what is deferred after them waits for the next
constexpr auto kWaitMax = std::chrono::seconds(1);  // an idle loop turns once a second, which its owner may watch

uint32_t Translate(uint32_t from_kernel) noexcept {
  uint32_t events = 0;
  if ((from_kernel & (EPOLLIN | EPOLLPRI)) != 0) events |= IoHandler::kReadable;
  if ((from_kernel & EPOLLOUT) != 0) events |= IoHandler::kWritable;
  if ((from_kernel & (EPOLLRDHUP | EPOLLHUP)) != 0) events |= IoHandler::kHangup;
  if ((from_kernel & EPOLLERR) != 0) events |= IoHandler::kFailed;
  return events;
}

// An event carries its descriptor and the registration's number, so that one of a batch which belongs to a descriptor
// closed meanwhile, perhaps opened anew, is recognised.
uint64_t Pack(int descriptor, uint32_t registration) noexcept {
  return static_cast<uint64_t>(registration) << 32 | static_cast<uint32_t>(descriptor);
}

// Asio keeps one wait at a time; its memory is here, so that going to sleep takes nothing from the heap.
struct WaitMemory {
  alignas(std::max_align_t) std::array<std::byte, 256> bytes;
  bool taken = false;
};

template <class T>
struct WaitAllocator {
  using value_type = T;
  explicit WaitAllocator(WaitMemory& wait_memory) noexcept : memory(&wait_memory) {}
  template <class U>
  explicit WaitAllocator(const WaitAllocator<U>& other) noexcept : memory(other.memory) {}
  T* allocate(size_t count) {
    HG_CHECK(!memory->taken && count * sizeof(T) <= memory->bytes.size());
    memory->taken = true;
    return reinterpret_cast<T*>(memory->bytes.data());
  }
  void deallocate(T* /*block*/, size_t /*count*/) noexcept { memory->taken = false; }
  template <class U>
  bool operator==(const WaitAllocator<U>& other) const noexcept {
    return memory == other.memory;
  }
  WaitMemory* memory;
};

}  // namespace

struct Reactor::Impl {
  struct Entry {
    IoHandler* handler = nullptr;
    uint32_t registration = 0;
  };

  Impl(const base::Clock& clock_in, TurnHooks& hooks_in);
  ~Impl();
  bool Register(int descriptor, IoHandler& handler, uint32_t events) noexcept;
  bool Turn();
  void Dispatch(int count);
  void RunDeferred();
  void Wait(base::Instant now, base::Duration longest);
  base::Duration UntilDue(base::Instant now) const;

  const base::Clock& clock;
  TurnHooks& hooks;
  int epoll = -1;
  int wake = -1;
  WaitMemory wait_memory;  // before the context, which frees into it
  asio::io_context context{BOOST_ASIO_CONCURRENCY_HINT_UNSAFE};
  asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
  Descriptor watched{context.get_executor()};
  base::Instant expected = clock.Now();  // when the next turn should begin
  bool armed = false;                    // Asio has been asked to wait for our set
  bool stopped = false;
  std::vector<Entry> entries;  // by descriptor
  base::IntrusiveList<IoHandler, DeferredTag> deferred;
  std::array<epoll_event, kBatch> batch;
};

Reactor::Impl::Impl(const base::Clock& clock_in, TurnHooks& hooks_in) : clock(clock_in), hooks(hooks_in) {
  epoll = ::epoll_create1(EPOLL_CLOEXEC);
  wake = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (epoll < 0 || wake < 0) throw std::system_error(errno, std::generic_category(), "a worker's loop");
  entries.resize(static_cast<size_t>(wake) + 1);
  // Edge-triggered: each write to it is an event, and nobody needs to read it.
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  event.data.u64 = Pack(wake, 0);
  HG_CHECK(::epoll_ctl(epoll, EPOLL_CTL_ADD, wake, &event) == 0);
  watched.assign(epoll);
}

Reactor::Impl::~Impl() {
  watched.close();
  ::close(wake);
}

bool Reactor::Impl::Register(int descriptor, IoHandler& handler, uint32_t events) noexcept {
  try {
    if (entries.size() <= static_cast<size_t>(descriptor)) entries.resize(static_cast<size_t>(descriptor) * 2);
  } catch (const std::bad_alloc&) {
    return false;
  }
  Entry& entry = entries[static_cast<size_t>(descriptor)];
  epoll_event event{};
  event.events = events;
  event.data.u64 = Pack(descriptor, ++entry.registration);
  if (::epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) != 0) return false;
  entry.handler = &handler;
  return true;
}

void Reactor::Impl::Dispatch(int count) {
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = batch[static_cast<size_t>(i)];
    const Entry entry = entries[static_cast<uint32_t>(event.data.u64)];
    if (entry.handler == nullptr || entry.registration != event.data.u64 >> 32) continue;
    entry.handler->OnReady(Translate(event.events));
  }
}

void Reactor::Impl::RunDeferred() {
  for (int pass = 0; pass < kDeferredPasses && !deferred.empty(); ++pass) {
    // Those deferred while a pass runs are appended, and wait for the next one.
    size_t count = 0;
    deferred.ForEach([&count](IoHandler&) { ++count; });
    for (; count > 0 && !deferred.empty(); --count) deferred.PopFront()->OnReady(IoHandler::kDeferred);
  }
}

// One turn without waiting. Whether it had anything to do.
bool Reactor::Impl::Turn() {
  const int count = ::epoll_wait(epoll, batch.data(), kBatch, 0);
  const base::Instant now = clock.Now();
  hooks.BeginTurn(now, std::max(now - expected, base::Duration::zero()));
  expected = now;
  Dispatch(count);
  RunDeferred();
  hooks.EndTurn();
  return count > 0 || !deferred.empty();
}

base::Duration Reactor::Impl::UntilDue(base::Instant now) const {
  if (!deferred.empty()) return base::Duration::zero();
  const base::Instant due = hooks.NextDue();
  if (due <= now) return base::Duration::zero();
  return due == base::Instant::max() ? base::Duration(kWaitMax) : std::min<base::Duration>(due - now, kWaitMax);
}

// Lets Asio wait for our set to have an event. It passes the time on to its epoll_wait, rounded up to milliseconds:
// a timer of Asio's would cost a timerfd_settime for each change.
void Reactor::Impl::Wait(base::Instant now, base::Duration longest) {
  if (!armed) {
    armed = true;
    watched.async_wait(Descriptor::wait_read,
                       asio::bind_allocator(WaitAllocator<std::byte>(wait_memory),
                                            [this](const boost::system::error_code&) { armed = false; }));
  }
  if (longest <= base::Duration::zero()) {
    context.poll_one();
  } else {
    const auto rounded = std::chrono::ceil<std::chrono::milliseconds>(longest);
    expected = now + rounded;
    context.run_one_for(rounded);
  }
}

Reactor::Reactor(const base::Clock& clock, TurnHooks& hooks) : impl_(std::make_unique<Impl>(clock, hooks)) {}

Reactor::~Reactor() = default;

bool Reactor::Add(int descriptor, IoHandler& handler) noexcept {
  return impl_->Register(descriptor, handler, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
}

bool Reactor::AddLevelTriggered(int descriptor, IoHandler& handler) noexcept {
  return impl_->Register(descriptor, handler, EPOLLIN);
}

void Reactor::Remove(int descriptor) noexcept {
  Forget(descriptor);
  ::epoll_ctl(impl_->epoll, EPOLL_CTL_DEL, descriptor, nullptr);
}

void Reactor::Forget(int descriptor) noexcept {
  const auto index = static_cast<size_t>(descriptor);
  if (descriptor >= 0 && index < impl_->entries.size()) impl_->entries[index].handler = nullptr;
}

void Reactor::Defer(IoHandler& handler) noexcept {
  if (!handler.linked()) impl_->deferred.PushBack(handler);
}

void Reactor::Wake() noexcept {
  const uint64_t one = 1;
  // Fails only when the counter is full, and then the loop is awake.
  [[maybe_unused]] const ssize_t written = ::write(impl_->wake, &one, sizeof(one));
}

void Reactor::Run() {
  while (!impl_->stopped) {
    const base::Instant now = impl_->clock.Now();
    impl_->Wait(now, impl_->UntilDue(now));
    for (int turn = 0; turn < kInnerTurns && !impl_->stopped; ++turn) {
      if (!impl_->Turn()) break;
    }
  }
  impl_->stopped = false;
}

void Reactor::Stop() noexcept { impl_->stopped = true; }

void Reactor::Turn(base::Duration wait_max) {
  const base::Instant now = impl_->clock.Now();
  const base::Duration wait = std::min(wait_max, impl_->UntilDue(now));
  if (wait > base::Duration::zero()) impl_->Wait(now, wait);
  impl_->Turn();
}

}  // namespace headgate::proxy::net
