#include "http/reason.h"

#include <gtest/gtest.h>

namespace headgate::http {
namespace {

TEST(Reason, IsThatOfTheRegistry) {
  EXPECT_EQ(ReasonPhrase(200), "OK");
  EXPECT_EQ(ReasonPhrase(503), "Service Unavailable");
  EXPECT_EQ(ReasonPhrase(599), "");
  EXPECT_EQ(ReasonPhrase(0), "");
}

}  // namespace
}  // namespace headgate::http
