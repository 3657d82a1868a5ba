#include "base/intrusive_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace headgate::base {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct ByAge {};
struct ByName {};
struct Item : ListNode<ByAge>, ListNode<ByName> {
  explicit Item(int n) : number(n) {}
  int number;
};
using Ages = IntrusiveList<Item, ByAge>;
using Names = IntrusiveList<Item, ByName>;

template <class List>
std::vector<int> Numbers(List& list) {
  std::vector<int> numbers;
  list.ForEach([&](Item& item) { numbers.push_back(item.number); });
  return numbers;
}

TEST(IntrusiveList, KeepsTheOrderOfItsEnds) {
  Item one(1);
  Item two(2);
  Item three(3);
  Ages list;
  EXPECT_EQ(list.front(), nullptr);
  EXPECT_EQ(list.back(), nullptr);
  EXPECT_EQ(list.PopFront(), nullptr);
  list.PushBack(two);
  list.PushBack(three);
  list.PushFront(one);
  EXPECT_THAT(Numbers(list), ElementsAre(1, 2, 3));
  EXPECT_EQ(list.front(), &one);
  EXPECT_EQ(list.back(), &three);
  EXPECT_EQ(list.PopFront(), &one);
  EXPECT_FALSE(one.ListNode<ByAge>::linked());
  EXPECT_THAT(Numbers(list), ElementsAre(2, 3));
}

TEST(IntrusiveList, AnElementMovesFromListToListAndWithinOne) {
  Item one(1);
  Item two(2);
  Ages a;
  Ages b;
  a.PushBack(one);
  a.PushBack(two);
  a.PushBack(one);
  EXPECT_THAT(Numbers(a), ElementsAre(2, 1));
  b.PushBack(two);
  EXPECT_THAT(Numbers(a), ElementsAre(1));
  EXPECT_THAT(Numbers(b), ElementsAre(2));
}

TEST(IntrusiveList, PushingTheElementThatIsAtThatEndAlreadyChangesNothing) {
  Item one(1);
  Item two(2);
  Ages list;
  list.PushBack(one);
  list.PushBack(one);
  EXPECT_THAT(Numbers(list), ElementsAre(1));
  list.PushFront(one);
  EXPECT_THAT(Numbers(list), ElementsAre(1));
  list.PushBack(two);
  list.PushBack(two);
  list.PushFront(one);
  EXPECT_THAT(Numbers(list), ElementsAre(1, 2));
}

TEST(IntrusiveList, AnElementIsInOneListPerTag) {
  Item one(1);
  Ages ages;
  Names names;
  ages.PushBack(one);
  names.PushBack(one);
  one.ListNode<ByAge>::Unlink();
  EXPECT_TRUE(ages.empty());
  EXPECT_THAT(Numbers(names), ElementsAre(1));
}

TEST(IntrusiveList, AnElementLeavesWhenItDies) {
  Ages list;
  Item first(1);
  list.PushBack(first);
  {
    Item second(2);
    list.PushBack(second);
  }
  EXPECT_THAT(Numbers(list), ElementsAre(1));
}

TEST(IntrusiveList, AListThatDiesLeavesItsElementsUnlinked) {
  Item one(1);
  {
    Ages list;
    list.PushBack(one);
  }
  EXPECT_FALSE(one.ListNode<ByAge>::linked());
  Ages other;
  other.PushBack(one);
  EXPECT_THAT(Numbers(other), ElementsAre(1));
}

TEST(IntrusiveList, AVisitMayDestroyTheElementItIsGiven) {
  std::vector<std::unique_ptr<Item>> items;
  Ages list;
  for (int i = 0; i < 5; ++i) {
    items.push_back(std::make_unique<Item>(i));
    list.PushBack(*items.back());
  }
  list.ForEach([&](Item& item) {
    if (item.number % 2 == 0) items[static_cast<size_t>(item.number)].reset();
  });
  EXPECT_THAT(Numbers(list), ElementsAre(1, 3));
  items.clear();
  EXPECT_THAT(Numbers(list), IsEmpty());
}

}  // namespace
}  // namespace headgate::base
