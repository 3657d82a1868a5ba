// Rules over listeners and the process as a whole.
#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "config/address_book.h"
#include "config/defaults.h"
#include "config/fields/fields.h"
#include "config/parse.h"
#include "config/text.h"
#include "config/validate.h"

namespace headgate::config {
namespace {

std::vector<std::string_view> ListenerNames(const Model& unit) {
  std::vector<std::string_view> names;
  for (const Listener& listener : unit.listeners) names.push_back(listener.name.value);
  return names;
}

void CheckNames(const Model& unit, DiagnosticList& diagnostics) {
  std::unordered_map<std::string_view, Position> seen;
  for (const Listener& listener : unit.listeners) {
    if (listener.name.value.empty()) continue;
    const auto [first, added] = seen.emplace(listener.name.value, listener.name.at);
    if (added) continue;
    diagnostics.Error(Code::kDuplicateName, listener.name.at,
                      "a second listener is named " + Quoted(listener.name.value), "the first is at", first->second);
  }
}

// Listeners, admin and metrics share the machine's addresses.
void CheckAddresses(const Model& unit, DiagnosticList& diagnostics) {
  AddressBook book;
  TakePages(unit, book, diagnostics);
  for (const Listener& listener : unit.listeners) {
    const auto& [address, at] = listener.address;
    const std::string owner = "listener " + Quoted(listener.name.value);
    if (book.IsFree(address, at, owner, diagnostics)) book.Take(address, at, owner);
  }
}

void CheckHttpsRedirect(const Model& unit, const Listener& listener, DiagnosticList& diagnostics) {
  const HttpsRedirect& redirect = *listener.https_redirect;
  if (listener.tls) {
    diagnostics.Error(Code::kBadHttpsRedirect, redirect.at,
                      "listener " + Quoted(listener.name.value) + " has tls: its requests are https already");
  }
  if (!redirect.listener) {
    for (const Listener& other : unit.listeners) {
      if (other.tls) return;
    }
    diagnostics.Error(Code::kBadHttpsRedirect, redirect.at, "no listener has tls");
    return;
  }
  for (const Listener& other : unit.listeners) {
    if (other.name.value != redirect.listener->value) continue;
    if (other.tls) return;
    diagnostics.Error(Code::kBadHttpsRedirect, redirect.listener->at,
                      "listener " + Quoted(other.name.value) + " has no tls");
    return;
  }
  diagnostics.Error(Code::kUnknownListener, redirect.listener->at,
                    "listener " + Quoted(listener.name.value) + " redirects to an unknown listener " +
                        Quoted(redirect.listener->value),
                    DidYouMean(redirect.listener->value, ListenerNames(unit)));
}

// One process has one memory.
void CheckOwnLimits(const Limits& limits, DiagnosticList& diagnostics) {
  if (limits.max_memory.IsAbsent()) return;
  diagnostics.Error(Code::kOutOfRange, limits.max_memory.at(), "maxMemory is the process's, not a listener's",
                    "write it in the main file's limits");
}

void CheckLimits(const Limits& limits, DiagnosticList& diagnostics) {
  const uint64_t head = limits.request_head.ValueOr(defaults::kRequestHeadBytes, defaults::kUnlimited);
  const auto check = [&](const Setting<uint64_t>& part, const char* key) {
    if (!part.HasValue() || *part <= head) return;
    diagnostics.Warning(
        Code::kNoEffect, part.at(),
        std::string(key) + " beyond requestHead (" + FormatQuantity(FieldType::kSize, head) + ") has no effect");
  };
  check(limits.field_size, "fieldSize");
  check(limits.target, "target");
  const uint64_t held = limits.h2_connection.ValueOr(defaults::kH2ConnectionBytes, defaults::kUnlimited);
  if (!limits.h2_window.HasValue() || *limits.h2_window <= held) return;
  diagnostics.Warning(Code::kNoEffect, limits.h2_window.at(),
                      "h2Window beyond h2Connection (" + FormatQuantity(FieldType::kSize, held) + ") has no effect");
}

// The HTTP/2 library keeps no larger field or head, whatever a limit says.
void WarnBeyondH2(const Setting<uint64_t>& limit, const char* key, uint64_t most, const std::string& owner,
                  DiagnosticList& diagnostics) {
  if (!limit.HasValue() || *limit <= most) return;
  diagnostics.Warning(Code::kNoEffect, limit.at(),
                      std::string(key) + " beyond " + FormatQuantity(FieldType::kSize, most) +
                          " has no effect on HTTP/2, which " + owner + " speaks");
}

bool SpeaksH2(const Listener& listener) {
  if (listener.protocols.empty()) return listener.tls.has_value();
  return std::any_of(listener.protocols.begin(), listener.protocols.end(),
                     [](const auto& protocol) { return protocol.value == Protocol::kH2; });
}

void CheckH2Limits(const Model& unit, DiagnosticList& diagnostics) {
  const auto check = [&](const Limits& limits, const Listener& listener) {
    const std::string owner = "listener " + Quoted(listener.name.value);
    WarnBeyondH2(limits.request_head, "requestHead", base::kHttp2HeadBytesMax, owner, diagnostics);
    WarnBeyondH2(limits.field_size, "fieldSize", base::kHttp2FieldBytesMax, owner, diagnostics);
    WarnBeyondH2(limits.target, "target", base::kHttp2FieldBytesMax, owner, diagnostics);
  };
  bool of_process = false;
  for (const Listener& listener : unit.listeners) {
    if (!SpeaksH2(listener)) continue;
    if (listener.limits) check(*listener.limits, listener);
    if (!std::exchange(of_process, true)) check(unit.limits, listener);
  }
  for (const auto& upstream : unit.upstreams) {
    if (!upstream->protocol || upstream->protocol->value == Protocol::kHttp11) continue;
    WarnBeyondH2(unit.limits.upstream_head, "upstreamHead", base::kHttp2HeadBytesMax,
                 "upstream " + Quoted(upstream->name.value), diagnostics);
    break;
  }
}

void CheckDrain(const Drain& drain, DiagnosticList& diagnostics) {
  const Duration timeout = drain.timeout ? drain.timeout->value : defaults::kDrainTimeout;
  if (!drain.lame_duck || drain.lame_duck->value <= timeout) return;
  diagnostics.Warning(Code::kNoEffect, drain.lame_duck->at,
                      "lameDuck beyond drain's timeout (" +
                          FormatQuantity(FieldType::kDuration, static_cast<uint64_t>(timeout.count())) +
                          ") has no effect: what is left is reset then");
}

void CheckProtocols(const Listener& listener, DiagnosticList& diagnostics) {
  for (size_t i = 0; i < listener.protocols.size(); ++i) {
    for (size_t before = 0; before < i; ++before) {
      if (listener.protocols[before].value != listener.protocols[i].value) continue;
      diagnostics.Warning(Code::kNoEffect, listener.protocols[i].at, "a protocol given twice has no effect",
                          "first given at", listener.protocols[before].at);
      break;
    }
  }
}

void CheckAdmin(const Model& unit, DiagnosticList& diagnostics) {
  if (!unit.admin.HasValue() || !unit.admin->address || unit.admin->token_file) return;
  if (unit.admin->address->value.IsLoopback()) return;
  diagnostics.Error(Code::kAdminExposed, unit.admin->address->at,
                    "admin listens beyond loopback and needs 'tokenFile'");
}

}  // namespace

void TakePages(const Model& process, AddressBook& book, DiagnosticList& diagnostics) {
  const auto take = [&](const auto& setting, std::string_view fallback, const char* owner) {
    if (setting.IsNone()) return;
    if (setting.HasValue() && setting->address) {
      book.TakePage(setting->address->value, setting->address->at, owner, diagnostics);
    } else if (const auto address = ParseHostPort(fallback)) {
      book.TakePage(*address, {}, owner, diagnostics);
    }
  };
  take(process.admin, defaults::kAdminAddress, "admin");
  take(process.metrics, defaults::kMetricsAddress, "metrics");
}

void ValidateProcess(const Model& unit, DiagnosticList& diagnostics) {
  CheckNames(unit, diagnostics);
  CheckAddresses(unit, diagnostics);
  CheckAdmin(unit, diagnostics);
  CheckLimits(unit.limits, diagnostics);
  CheckH2Limits(unit, diagnostics);
  if (unit.drain) CheckDrain(*unit.drain, diagnostics);
  for (const Listener& listener : unit.listeners) {
    if (listener.https_redirect) CheckHttpsRedirect(unit, listener, diagnostics);
    if (listener.limits) {
      CheckLimits(*listener.limits, diagnostics);
      CheckOwnLimits(*listener.limits, diagnostics);
    }
    CheckProtocols(listener, diagnostics);
  }
  for (const auto& range : unit.trusted_proxies) {
    const std::string text = range.value.ToString();
    if (!text.ends_with("/0")) continue;
    diagnostics.Warning(Code::kUnsafe, range.at, "every client is trusted to say who it is");
  }
}

}  // namespace headgate::config
