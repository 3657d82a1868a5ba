#include "proxy/net/graveyard.h"

#include <gtest/gtest.h>

namespace headgate::proxy::net {
namespace {

class Counted final : public Mortal {
 public:
  Counted(int& freed, Graveyard* next) : freed_(freed), next_(next) {}
  ~Counted() override {
    ++freed_;
    if (next_ != nullptr) next_->Bury(std::make_unique<Counted>(freed_, nullptr));
  }

 private:
  int& freed_;
  Graveyard* next_;
};

TEST(GraveyardTest, EmptyFreesThoseToThatAreBuriedMeanwhile) {
  int freed = 0;
  Graveyard graveyard;
  graveyard.Bury(std::make_unique<Counted>(freed, &graveyard));
  EXPECT_EQ(freed, 0);
  graveyard.Empty();
  EXPECT_EQ(freed, 2);
  EXPECT_TRUE(graveyard.empty());
}

}  // namespace
}  // namespace headgate::proxy::net
