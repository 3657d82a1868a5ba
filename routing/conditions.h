// Whether a request's header, cookie or query parameter fulfils a condition.
// Pure functions; a long value is decoded in the arena of the head.
// Any thread.
#pragma once

#include <string_view>

#include "http/message.h"
#include "routing/policy/route.h"

namespace headgate::routing {

// By whole segments: /api/v2 is under /api, under /api/ and under "", /apiary is not.
bool IsPathUnder(std::string_view prefix, std::string_view path) noexcept;
// Any field of that name will do. `host` is the authority as the client sent it.
bool HeaderFulfils(const ValueCondition& condition, const http::RequestHead& head) noexcept;
// The first parameter of that name counts; names and values are compared decoded (%xx and '+').
bool QueryFulfils(const ValueCondition& condition, const http::RequestHead& head) noexcept;
// The first cookie of that name counts, as it came.
bool CookieFulfils(const ValueCondition& condition, const http::RequestHead& head) noexcept;
bool Fulfils(const ForceCondition& force, const http::RequestHead& head) noexcept;

// Whether `encoded`, decoded as a query's component, is `plain`.
bool DecodesTo(std::string_view encoded, std::string_view plain) noexcept;

}  // namespace headgate::routing
