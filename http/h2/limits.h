// What one HTTP/2 connection may cost us: each limit with its reason. Those that a user may set are in routing/policy.
// Nobody owns it: constants.
// Any thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "base/limits.h"

namespace headgate::http::h2 {

// Heads. A head over the configured limits is answered (431, 414); beyond these the connection ends.
inline constexpr size_t kDecodedHeadBytesMax =
    base::kHttp2HeadBytesMax;                        // of one head: HPACK makes 4 KiB out of one byte
inline constexpr size_t kContinuationFramesMax = 8;  // of one head: 128 KiB in frames of 16 KiB (CVE-2024-28182)
inline constexpr size_t kCookiePiecesMax = 256;      // clients split cookies for HPACK (RFC 9113 8.2.3)
// Bytes of decoded heads kept for requests under way: this for each kStreamsPerHeadBase streams that limits.h2Streams
// allows, and kHeadBytesPerWireByte for each byte that was received. HPACK makes a repeated head of 300 bytes out
// of 40.
inline constexpr size_t kHeadBytesBase = 64 * 1024;
inline constexpr uint32_t kStreamsPerHeadBase = 100;
inline constexpr size_t kHeadBytesPerWireByte = 4;

// Flow control (RFC 9113 5.2).
inline constexpr uint32_t kStreamWindowBytes = 64 * 1024;       // where a stream starts (limits.h2Window)
inline constexpr uint32_t kStreamWindowBytesMax = 1024 * 1024;  // where a stream that flows ends
inline constexpr uint32_t kConnectionWindowBytes = 1024 * 1024;
inline constexpr uint32_t kHeldBytesMax = 4 * 1024 * 1024;  // per connection, both directions (limits.h2Connection)
// Text of a request's head from here on is shared with HPACK's table and not copied: a client repeats what is long.
inline constexpr size_t kShareTextBytes = 64;
// A DATA frame's piece below this is copied together with its neighbours: a slice would pin a slab of 16 KiB.
inline constexpr size_t kCopyBelowBytes = 1024;
// Frames wait for the socket up to this; then nothing more is made, and nothing is read that would need an answer.
inline constexpr size_t kOutputBytesMax = 64 * 1024;
inline constexpr size_t kOutputFramesMax = 1024;  // control frames that nghttp2 holds for us

// Floods: a bucket of `burst` events that refills with `per_second`; see abuse_guard.h for what each one counts.
struct FloodLimit {
  uint32_t burst;
  uint32_t per_second;
};
// Requests cancelled before they were answered. A page that is left cancels what it had open (100 streams at most), a
// wall of photos 30 at each scroll.
inline constexpr FloodLimit kResets{200, 60};
// Resets that we were made to send, by malformed frames and heads (CVE-2025-8671): a sane client causes none.
inline constexpr FloodLimit kProvokedResets{50, 5};
inline constexpr FloodLimit kSettings{20, 1};  // clients send one, some a second after the first page
inline constexpr FloodLimit kPings{100, 10};   // keep-alive is one in seconds
// gRPC probes the bandwidth with a PING a round trip while it receives, and some clients give credit for each frame:
// a frame of a message that we send forgives so many PINGs and small WINDOW_UPDATEs.
inline constexpr uint32_t kForgivenPerFrame = 2;
// PRIORITY and PRIORITY_UPDATE. Firefox and Chromium send a few for each request: its HEADERS forgive so many.
inline constexpr FloodLimit kPriority{400, 50};
inline constexpr uint32_t kPrioritiesPerRequest = 4;
// DATA without a byte and without an end, HEADERS frames without a field, and the like (CVE-2019-9518).
inline constexpr FloodLimit kEmptyFrames{100, 10};
// Streams refused because the heads under way take too much: sane clients send a refused request again, later.
inline constexpr FloodLimit kHeaderBombs{100, 10};
// WINDOW_UPDATE of less than 256 bytes; a sane client waits for half a window.
inline constexpr FloodLimit kSmallWindowUpdates{200, 20};
inline constexpr uint32_t kSmallWindowUpdateBytes = 256;
// A client's DATA of less than 16 bytes without an end, except for gRPC and WebSocket: their messages may be small.
inline constexpr FloodLimit kSmallData{20'000, 5'000};
inline constexpr uint32_t kSmallDataBytes = 16;

// A stream whose window stays closed although we have bytes for it is reset.
inline constexpr auto kStalledStreamMax = std::chrono::seconds(30);

}  // namespace headgate::http::h2
