// What everything that lives on one worker may use of it.
// Owned by the worker; outlives all connections, exchanges and clusters.
// One thread: the worker's.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "base/block_pool.h"
#include "base/clock.h"
#include "base/mailbox.h"
#include "base/rng.h"
#include "base/slab.h"
#include "base/timer_wheel.h"
#include "metrics/registry.h"
#include "metrics/shard.h"
#include "proxy/net/graveyard.h"
#include "proxy/net/reactor.h"
#include "proxy/shared/process_shared.h"

namespace headgate::proxy {

struct WorkerContext {
  uint32_t index = 0;
  net::Reactor& reactor;
  base::Mailbox& mailbox;
  base::SlabPool& slabs;
  base::BlockPool& blocks;
  base::TimerWheel& timers;
  base::Rng& rng;
  net::Graveyard& graveyard;
  metrics::Shard& shard;
  const metrics::ProcessSeries& series;
  ProcessShared& process;
  const base::Clock& clock;  // for what must be more exact than `now`
  base::Instant now{};       // of this turn
  base::WallTime wall_now{};

  // Any thread, as long as the worker exists: runs on the worker's between two turns' events.
  template <class F>
  void Post(F function) {
    if (mailbox.Post(std::make_unique<base::FunctionMessage<F>>(std::move(function)))) reactor.Wake();
  }
};

}  // namespace headgate::proxy
