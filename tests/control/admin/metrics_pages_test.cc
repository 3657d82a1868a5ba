#include "control/admin/metrics_pages.h"

#include <gtest/gtest.h>

namespace headgate::control {
namespace {

TEST(MetricsPages, GzipIsTakenWhereItIsAcceptedOnly) {
  for (const char* field : {"gzip", "deflate, gzip", "gzip;q=0.5", "br, GZIP ; q=1"})
    EXPECT_TRUE(AcceptsGzip(field)) << field;
  for (const char* field : {"", "identity", "gzip;q=0", "x-gzip", "br, gzip; q=0.000"})
    EXPECT_FALSE(AcceptsGzip(field)) << field;
}

}  // namespace
}  // namespace headgate::control
