// What decoding, judging and encoding a message's head costs. `perf stat -e instructions:u` or callgrind counts
// exactly.
#include <benchmark/benchmark.h>

#include <cstring>
#include <string>

#include "base/arena.h"
#include "base/slab.h"
#include "http/h1/decoder.h"
#include "http/h1/encoder.h"

namespace headgate::http::h1 {
namespace {

constexpr std::string_view kBrowser =
    "GET /assets/app.js?v=3 HTTP/1.1\r\n"
    "Host: shop.example.com\r\n"
    "Connection: keep-alive\r\n"
    "sec-ch-ua-platform: \"Linux\"\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n"
    "Accept-Encoding: gzip, deflate, br, zstd\r\n"
    "Accept-Language: en-US,en;q=0.9\r\n"
    "Referer: https://shop.example.com/\r\n"
    "Cookie: session=0123456789abcdef; theme=dark\r\n"
    "If-None-Match: \"5f3c-1a2b\"\r\n"
    "\r\n";
constexpr std::string_view kUpstream =
    "HTTP/1.1 200 OK\r\n"
    "Server: nginx/1.22.1\r\n"
    "Date: Mon, 01 Jan 2024 00:00:00 GMT\r\n"
    "Content-Type: text/html\r\n"
    "Content-Length: 612\r\n"
    "Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT\r\n"
    "Connection: keep-alive\r\n"
    "ETag: \"659200c0-264\"\r\n"
    "Accept-Ranges: bytes\r\n"
    "\r\n";

void ScanHead(benchmark::State& state) {
  for (auto _ : state) {
    HeadScanner scanner;
    benchmark::DoNotOptimize(scanner.Scan(kBrowser));
  }
}
BENCHMARK(ScanHead);

void DecodeRequest(benchmark::State& state) {
  base::SlabPool pool;
  base::Arena arena(pool);
  std::string bytes(kBrowser);
  for (auto _ : state) {
    std::memcpy(bytes.data(), kBrowser.data(), kBrowser.size());
    arena.Reset();
    RequestHead head(arena);
    if (!DecodeRequestHead(bytes, {}, Scheme::kHttp, arena, head).ok()) state.SkipWithError("not decoded");
    benchmark::DoNotOptimize(head);
  }
}
BENCHMARK(DecodeRequest);

void DecodeResponse(benchmark::State& state) {
  base::SlabPool pool;
  base::Arena arena(pool);
  std::string bytes(kUpstream);
  for (auto _ : state) {
    std::memcpy(bytes.data(), kUpstream.data(), kUpstream.size());
    arena.Reset();
    ResponseHead head(arena);
    if (!DecodeResponseHead(bytes, {}, Method::kGet, arena, head).ok()) state.SkipWithError("not decoded");
    benchmark::DoNotOptimize(head);
  }
}
BENCHMARK(DecodeResponse);

void EncodeRequest(benchmark::State& state) {
  base::SlabPool pool;
  base::Arena arena(pool);
  std::string bytes(kBrowser);
  RequestHead head(arena);
  if (!DecodeRequestHead(bytes, {}, Scheme::kHttp, arena, head).ok()) state.SkipWithError("not decoded");
  std::string out(4096, '\0');
  for (auto _ : state) benchmark::DoNotOptimize(EncodeRequestHead(head, false, out));
}
BENCHMARK(EncodeRequest);

void EncodeResponse(benchmark::State& state) {
  base::SlabPool pool;
  base::Arena arena(pool);
  std::string bytes(kUpstream);
  ResponseHead head(arena);
  if (!DecodeResponseHead(bytes, {}, Method::kGet, arena, head).ok()) state.SkipWithError("not decoded");
  std::string out(4096, '\0');
  for (auto _ : state) benchmark::DoNotOptimize(EncodeResponseHead(head, {}, out));
}
BENCHMARK(EncodeResponse);

}  // namespace
}  // namespace headgate::http::h1
