#include "config/fields/fields.h"

#include <string>

namespace headgate::config {

std::string FormatQuantity(FieldType type, uint64_t value) {
  if (type == FieldType::kDuration) {
    constexpr uint64_t kMs = 1'000'000;
    if (value % (3'600'000 * kMs) == 0) return std::to_string(value / (3'600'000 * kMs)) + "h";
    if (value % (60'000 * kMs) == 0) return std::to_string(value / (60'000 * kMs)) + "m";
    if (value % (1'000 * kMs) == 0) return std::to_string(value / (1'000 * kMs)) + "s";
    return std::to_string(value / kMs) + "ms";
  }
  if (type == FieldType::kSize && value > 0) {
    if (value % (1U << 30U) == 0) return std::to_string(value >> 30U) + "GiB";
    if (value % (1U << 20U) == 0) return std::to_string(value >> 20U) + "MiB";
    if (value % (1U << 10U) == 0) return std::to_string(value >> 10U) + "KiB";
  }
  return std::to_string(value);
}

}  // namespace headgate::config
