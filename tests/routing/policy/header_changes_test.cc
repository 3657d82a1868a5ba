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

}  // namespace
}  // namespace headgate::routing
