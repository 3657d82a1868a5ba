#include "control/dns/refusals.h"

#include <gtest/gtest.h>

namespace headgate::control::dns {
namespace {

using std::string_literals::operator""s;

// Header (RFC 1035 4.1.1) with this code, and one question.
std::string Question(char code, const std::string& labels, char type) {
  return "\x12\x34\x81"s + code + "\0\1\0\0\0\0\0\0"s + labels + "\0\0"s + type + "\0\1"s;
}

TEST(Refusals, AreTakenOnceByNameAndType) {
  Refusals refusals;
  refusals.Note(Question(5, "\4Shop\4test", 1));
  refusals.Note(Question(2, "\4shop\4test", 28));
  refusals.Note(Question(3, "\2no\4test", 1));
  EXPECT_EQ(refusals.Take("shop.test", 1), "REFUSED");
  EXPECT_EQ(refusals.Take("shop.test", 1), "");
  EXPECT_EQ(refusals.Take("shop.test", 28), "SERVFAIL");
  EXPECT_EQ(refusals.Take("no.test", 1), "") << "NXDOMAIN is an answer";
}

TEST(Refusals, NoPacketIsReadBeyondItsEnd) {
  const std::string whole = Question(5, "\4shop\4test", 1);
  for (size_t size = 0; size < whole.size(); ++size) {
    Refusals refusals;
    refusals.Note(std::string(whole, 0, size));
    EXPECT_EQ(refusals.Take("shop.test", 1), size + 2 < whole.size() ? "" : "REFUSED") << size;
  }
  Refusals refusals;
  refusals.Note(Question(5, "\xc0\x0c\xff", 1));
}

TEST(Refusals, ThatNobodyTakesAreForgotten) {
  Refusals refusals;
  refusals.Note(Question(5, "\1a", 1));
  for (char first = 'a'; first <= 'z'; ++first) {
    for (int second = 0; second < 64; ++second)
      refusals.Note(Question(5, "\2"s + first + static_cast<char>('!' + second), 1));
  }
  EXPECT_EQ(refusals.Take("a", 1), "");
}

}  // namespace
}  // namespace headgate::control::dns
