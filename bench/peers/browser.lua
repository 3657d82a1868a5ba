-- A browser's request, about 490 bytes. The request is built once: wrk sends the same bytes each time.
local function header(name, value) wrk.headers[name] = value end
header("Host", "www.example.com")
header("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0")
header("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
header("Accept-Language", "en-US,en;q=0.5")
header("Accept-Encoding", "gzip, deflate, br, zstd")
header("Referer", "https://www.example.com/products/list?page=2")
header("Cookie", "session=0d6b2c1e9f8a47d3a5c4e1b2f3a49587; theme=dark; lang=en")
header("Cache-Control", "no-cache")
header("Sec-Fetch-Mode", "navigate")
header("Priority", "u=0, i")
if os.getenv("BENCH_CLOSE") then header("Connection", "close") end

function done(summary, latency)
  io.write(string.format(
    '\n@@{"requests":%d,"bytes":%d,"duration_us":%d,"p50_us":%d,"p99_us":%d,' ..
    '"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d}\n',
    summary.requests, summary.bytes, summary.duration, latency:percentile(50), latency:percentile(99),
    summary.errors.connect, summary.errors.read, summary.errors.write, summary.errors.status, summary.errors.timeout))
end
