// What every TCP connection of ours is set to, accepted or made.
// Stateless.
// Any thread.
#pragma once

namespace headgate::proxy::net {

// Before connect, or of a listening socket, whose connections inherit it. False: errno says why.
bool SetStreamOptions(int descriptor) noexcept;

}  // namespace headgate::proxy::net
