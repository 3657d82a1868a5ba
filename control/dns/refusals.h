// With which code name servers refused a question. c-ares asks the next server then, and says in the end only that it
// reached none: an operator must know that one was reached, and what it said. It reads what c-ares receives.
// Owned by a Lookup, with the channel that it is attached to.
// One thread: the one that runs its io_context.
#pragma once

#include <ares.h>

#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace headgate::control::dns {

class Refusals {
 public:
  Refusals() = default;
  Refusals(const Refusals&) = delete;
  Refusals& operator=(const Refusals&) = delete;

  /// Outlives the channel.
  void Attach(ares_channel channel);
  /// "SERVFAIL", "NOTIMP" or "REFUSED", once; empty: no server refused. `name` is lower case; of `type` 1 (A), 28
  /// (AAAA).
  std::string_view Take(std::string_view name, int type);
  /// What a server sent.
  void Note(std::string_view packet);

 private:
  std::map<std::pair<std::string, int>, std::string_view> codes_;
};

}  // namespace headgate::control::dns
