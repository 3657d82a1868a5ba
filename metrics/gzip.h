// Compresses a stream into the gzip format (RFC 1952) piece by piece.
// Owned by one scrape.
// One thread.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

namespace headgate::metrics {

class GzipStream {
 public:
  using Sink = std::function<void(std::string_view)>;

  explicit GzipStream(const Sink& sink);
  GzipStream(const GzipStream&) = delete;
  GzipStream& operator=(const GzipStream&) = delete;
  ~GzipStream();

  // Calls the sink with what came out so far.
  void Write(std::string_view bytes);
  // The stream's end; nothing may be written behind it.
  void Finish();

 private:
  struct State;
  void Deflate(int flush);

  const Sink& sink_;
  std::unique_ptr<State> state_;
};

}  // namespace headgate::metrics
