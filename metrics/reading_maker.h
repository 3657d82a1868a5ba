// Sums the shards into a Reading.
// Stateless.
// Under the registry's scrape mutex.
#pragma once

#include "metrics/exporter.h"
#include "metrics/reading.h"
#include "metrics/series_store.h"

namespace headgate::metrics {

Reading MakeReading(const SeriesLists& lists, const Shards& shards);

}  // namespace headgate::metrics
