#include "routing/policy/header_changes.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/routing/request.h"

namespace headgate::routing {
namespace {

HeaderChange Change(std::string name, std::string value = "") {
  return {http::InternHeader(name), std::move(name), std::move(value)};
}

std::string Text(const http::HeaderMap& headers) {
  std::string text;
  for (const http::HeaderField& field : headers.fields()) {
    text += std::string(field.name) + "=" + std::string(field.value) + ";";
  }
  return text;
}

TEST(HeaderChanges, RemovesThenSetsThenAdds) {
  TestRequest request("h", "/");
  request.With("x-a", "1").With("x-b", "1").With("accept", "a").With("x-b", "2").With("server", "s");
  HeaderChanges changes;
  EXPECT_TRUE(changes.empty());
  changes.remove = {Change("server"), Change("x-a")};
  changes.set = {Change("x-b", "3"), Change("x-c", "4")};
  changes.add = {Change("accept", "b"), Change("x-a", "5")};
  EXPECT_FALSE(changes.empty());
  ApplyHeaderChanges(changes, request.head.headers);
  EXPECT_EQ(Text(request.head.headers), "x-b=3;accept=a;x-c=4;accept=b;x-a=5;");
}

TEST(HeaderChanges, LookAlikesOfWhatIsSetAddedOrRemovedGo) {
  TestRequest request("h", "/");
  for (const char* name : {"x-user-id", "x_user_id", "x-user_id", "x_more", "x_gone", "x_raw", "x-raw", "x_other",
                           "x_user_ids", "x_user", "user_agent"}) {
    request.With(name, "c");
  }
  HeaderChanges changes;
  changes.set = {Change("x-user-id", "u"), Change("x_raw", "r")};
  changes.add = {Change("x-more", "m")};
  changes.remove = {Change("x-gone"), Change("user-agent")};
  RemoveLookAlikes(changes, request.head.headers);
  EXPECT_EQ(Text(request.head.headers), "x-user-id=c;x_raw=c;x-raw=c;x_other=c;x_user_ids=c;x_user=c;");
}

}  // namespace
}  // namespace headgate::routing
