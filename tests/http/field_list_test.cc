#include "http/field_list.h"

#include <gtest/gtest.h>

#include "base/slab.h"

namespace headgate::http {
namespace {

class FieldList : public testing::Test {
 protected:
  void Add(std::string_view value) { headers_.Add(HeaderId::kVia, value); }

  base::SlabPool pool_;
  base::Arena arena_{pool_};
  HeaderMap headers_{arena_};
};

TEST_F(FieldList, SeveralLinesAreOneList) {
  EXPECT_EQ(JoinLines(headers_, HeaderId::kVia), "");
  Add("");
  Add("a,b");
  EXPECT_EQ(JoinLines(headers_, HeaderId::kVia).data(), headers_.fields()[1].value.data()) << "nothing to copy";
  headers_.Add(HeaderId::kAccept, "x");
  Add("c");
  EXPECT_EQ(JoinLines(headers_, HeaderId::kVia), "a,b, c");
}

TEST_F(FieldList, TheFirstElementIsThatOfTheFirstLineThatHasOne) {
  EXPECT_EQ(FirstElement(headers_, HeaderId::kVia), "");
  Add("");
  Add(" ,\t");
  EXPECT_EQ(FirstElement(headers_, HeaderId::kVia), "");
  Add(",\ta b , c");
  Add("d");
  EXPECT_EQ(FirstElement(headers_, HeaderId::kVia), "a b");
}

}  // namespace
}  // namespace headgate::http
