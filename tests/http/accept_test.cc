#include "http/accept.h"

#include <gtest/gtest.h>

#include "base/slab.h"

namespace headgate::http {
namespace {

class Accept : public testing::Test {
 protected:
  base::SlabPool pool_;
  base::Arena arena_{pool_};
  HeaderMap headers_{arena_};
};

TEST_F(Accept, PrefersJsonWhereItIsWantedMore) {
  struct Case {
    const char* accept;
    bool json;
  };
  for (const Case& c : {Case{"*/*", false}, Case{"application/json", true}, Case{"text/plain", false},
                        Case{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", false},
                        Case{"application/json, text/plain, */*", true}, Case{"text/plain, application/json", false},
                        Case{"text/plain;q=0.5, application/json", true}, Case{"Application/*", true},
                        Case{"application/json;q=0", false}, Case{"application/json;q=0.4, */*;q=0.5", false},
                        Case{"application/json;q=bad", false}, Case{"", false}}) {
    headers_.Clear();
    headers_.Add(HeaderId::kAccept, c.accept);
    EXPECT_EQ(PrefersJson(headers_), c.json) << c.accept;
  }
}

}  // namespace
}  // namespace headgate::http
