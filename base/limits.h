// The limits that several layers share: defaults of what a user may configure, and bounds of loops and queues.
// Nobody owns it: constants.
// Any thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace headgate::base {

// What a client may send; the defaults of the table in http.md.
inline constexpr size_t kHeadBytesMax = 32 * 1024;   // request line and fields: browsers stay below 16 KiB
inline constexpr size_t kFieldBytesMax = 16 * 1024;  // one name and value: fits a slab, as large cookies need
// In HTTP/2 nghttp2 takes no longer name or value off the wire, and beyond the other a head is a flood.
inline constexpr size_t kHttp2FieldBytesMax = 64 * 1024;
inline constexpr size_t kHttp2HeadBytesMax = 128 * 1024;
inline constexpr size_t kFieldsMax = 100;            // real requests carry 10 to 40; bounds every scan of a head
inline constexpr size_t kLoopMarksMax = 32;          // proxies that a request may have passed; no chain has as many
inline constexpr size_t kTargetBytesMax = 8 * 1024;  // RFC 9110 4.1 asks for at least 8,000 octets
inline constexpr size_t kMethodBytesMax = 32;        // the longest registered one has 17
inline constexpr size_t kChunkExtensionBytesMax = 4 * 1024;  // per body, all extensions; nobody sends them but floods
inline constexpr size_t kChunkSizeDigitsMax = 16;            // 64 bits; more overflows
inline constexpr size_t kTrailersBytesMax = 8 * 1024;        // trailers come after a body, when nobody waits for much
inline constexpr size_t kTrailersMax = 32;                   // gRPC uses 2 to 5
inline constexpr size_t kLeadingEmptyLinesMax = 1;           // RFC 9112 2.2: a CRLF after a body of an old client

// What an upstream may send.
inline constexpr size_t kUpstreamHeadBytesMax = 64 * 1024;  // Set-Cookie and policies make responses the larger heads
inline constexpr size_t kUpstreamFieldsMax = 100;
inline constexpr size_t kInterimResponsesMax = 100;  // 1xx before the answer: a resumable upload has many 104

// What waits in memory.
inline constexpr size_t kStreamBufferBytes = 64 * 1024;     // per stream and direction: four slabs, the reader waits
inline constexpr size_t kReplayBufferBytesMax = 64 * 1024;  // of a request's body, kept while a retry is possible
inline constexpr size_t kGatherMax = 16;       // slices in one writev: 64 KiB are 4 slabs and their framing
inline constexpr size_t kSpareSlabsMax = 256;  // 4 MiB per worker kept for the next taker
inline constexpr size_t kSpareBlockBytesMax = 2 * 1024 * 1024;  // the same for small blocks: 1,000 streams of HTTP/2

// What one turn of a worker's loop may do for one of many, so that the others are not kept waiting.
inline constexpr size_t kAcceptsPerTurn = 64;       // per listener; a handshake is 100 times an accept
inline constexpr size_t kReadsPerTurn = 4;          // per connection: 64 KiB, then the next one's turn
inline constexpr size_t kRequestsPerTurn = 16;      // pipelined on one connection
inline constexpr size_t kReadBytesMax = 16 * 1024;  // one recv while a message is small: a slab
inline constexpr size_t kReadRoomMin = 2 * 1024;    // below this a slab's rest is not worth a read

// Bodies that nobody wants (RFC 9112 9.3): read on so that the connection lives, up to this, then close.
inline constexpr size_t kDrainBytesMax = 64 * 1024;
inline constexpr auto kDrainTimeMax = std::chrono::seconds(1);
// After our last byte the client may still be sending; closing at once would reset what it has not read yet.
// We wait so long for more, in HTTP/1 up to the total while there is more.
inline constexpr auto kLingerTimeMax = std::chrono::seconds(2);
inline constexpr auto kLingerTotalMax = std::chrono::seconds(10);

// Control plane.
inline constexpr size_t kJsonBytesMax = 1024 * 1024;  // one JSON document from outside
inline constexpr size_t kJsonDepthMax = 32;

}  // namespace headgate::base
