// The lists that a pool keeps its connections in.
// Tags only.
// One thread: the worker's.
#pragma once

namespace headgate::proxy {

struct AllTag {};   // every connection of a pool
struct IdleTag {};  // the idle ones of an endpoint, the last used first
struct AgeTag {};   // connecting or idle ones of a pool, the longest first; granted ones in the order of their grants

}  // namespace headgate::proxy
