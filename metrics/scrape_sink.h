// Where an exposition goes.
// Owned by who asks for it.
// Called on the thread that scrapes.
#pragma once

#include <functional>
#include <string_view>

namespace headgate::metrics {

// Receives the exposition piece by piece, 64 KiB at most each.
using ScrapeSink = std::function<void(std::string_view)>;

}  // namespace headgate::metrics
