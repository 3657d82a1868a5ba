#include "http/media_type.h"

#include <gtest/gtest.h>

namespace headgate::http {
namespace {

TEST(MediaType, IsComparedWithoutCaseAndParameters) {
  for (const char* value : {"text/event-stream", "Text/Event-Stream", "TEXT/EVENT-STREAM;charset=utf-8",
                            "text/event-stream ; charset=utf-8", "text/event-stream\t;a", "text/event-stream;"}) {
    EXPECT_TRUE(IsMediaType(value, "text/event-stream")) << value;
  }
  for (const char* value : {"", ";", "text/event-streams", "text/event-strea", "text/html;text/event-stream",
                            "text/event-stream x", "text/event-stream, text/html"}) {
    EXPECT_FALSE(IsMediaType(value, "text/event-stream")) << value;
  }
}

TEST(MediaType, OfGrpcMayHaveASuffix) {
  for (const char* value : {"application/grpc", "Application/GRPC", "application/grpc+proto",
                            "application/gRPC+json; q=1", "application/grpc;x", "application/grpc ; x"}) {
    EXPECT_TRUE(IsGrpcContentType(value)) << value;
  }
  for (const char* value : {"", "application/grpc-web", "application/grpc-web+proto", "application/grpcx", "text/grpc",
                            "application/json+application/grpc"}) {
    EXPECT_FALSE(IsGrpcContentType(value)) << value;
  }
}

}  // namespace
}  // namespace headgate::http
