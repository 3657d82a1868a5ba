// Who listens on which address of the machine: listeners, and the process's own pages.
// Owned by the one check that fills it.
// Control thread.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "config/diagnostic.h"
#include "config/values.h"

namespace headgate::config {

class AddressBook {
 public:
  /// False when somebody has the address: an error says who. Port 0 is always free.
  bool IsFree(const HostPort& address, const Position& at, const std::string& owner, DiagnosticList& diagnostics) const;
  /// Only of a free one.
  void Take(const HostPort& address, const Position& at, const std::string& owner);
  /// Admin or metrics: a listener may stand on one address beside another on all of them, but not over these.
  void TakePage(const HostPort& address, const Position& at, const std::string& owner, DiagnosticList& diagnostics);

 private:
  struct Owner {
    std::string name;
    Position at;
    HostPort address;
  };
  std::unordered_map<std::string, Owner> taken_;  // by address as text
  std::vector<Owner> pages_;
};

}  // namespace headgate::config
