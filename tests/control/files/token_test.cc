#include "control/files/token.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/control/temporary_directory.h"

namespace headgate::control {
namespace {

using ::testing::HasSubstr;

std::string ProblemOf(const std::string& path) { return std::string(ReadToken(path).status().message()); }

TEST(Token, IsTheFilesTextWithoutWhiteSpaceAroundIt) {
  const TemporaryDirectory directory;
  directory.Write("token", "\n secret of mine \n");
  EXPECT_EQ(*ReadToken(directory.File("token")), "secret of mine");
}

TEST(Token, AFileWithoutOneIsAnError) {
  const TemporaryDirectory directory;
  directory.Write("token", " \n");
  EXPECT_THAT(ProblemOf(directory.File("token")), HasSubstr("token: there is no token in it"));
  EXPECT_THAT(ProblemOf(directory.File("nowhere")), HasSubstr("No such file"));
}

}  // namespace
}  // namespace headgate::control
