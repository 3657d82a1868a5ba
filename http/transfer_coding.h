// What a Transfer-Encoding value means to us (RFC 9112 6.1): exactly one `chunked`, or a reason to refuse.
// Stateless.
// Any thread.
#pragma once

#include <cstdint>
#include <string_view>

namespace headgate::http {

enum class TransferCoding : uint8_t {
  kChunked,    // `chunked` alone, any case, white space around it
  kUnknown,    // well-formed, with a coding that we don't do: 501
  kMalformed,  // chunked twice, not last, with parameters, or no list of tokens: 400
};
TransferCoding ClassifyTransferCoding(std::string_view value) noexcept;

}  // namespace headgate::http
