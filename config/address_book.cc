#include "config/address_book.h"

namespace headgate::config {
namespace {

bool Takes(const base::IpAddress& all, const base::IpAddress& one) {
  return all == base::IpAddress() || (all == base::IpAddress::V4(0) && one.is_v4());
}

bool Overlap(const HostPort& a, const HostPort& b) {
  return a.port == b.port && (Takes(a.ip, b.ip) || Takes(b.ip, a.ip));
}

}  // namespace

void AddressBook::TakePage(const HostPort& address, const Position& at, const std::string& owner,
                           DiagnosticList& diagnostics) {
  if (IsFree(address, at, owner, diagnostics)) Take(address, at, owner);
  pages_.push_back({owner, at, address});
}

bool AddressBook::IsFree(const HostPort& address, const Position& at, const std::string& owner,
                         DiagnosticList& diagnostics) const {
  if (address.port == 0) return true;
  const std::string wanted = address.ToString();
  const auto found = taken_.find(wanted);
  const Owner* holder = found != taken_.end() ? &found->second : nullptr;
  for (size_t i = 0; holder == nullptr && i < pages_.size(); ++i) {
    if (Overlap(pages_[i].address, address)) holder = &pages_[i];
  }
  if (holder == nullptr) return true;
  const std::string held = holder->address.ToString();
  diagnostics.Error(Code::kSameAddress, at,
                    wanted == held ? owner + " listens on " + wanted + ", which " + holder->name + " has"
                                   : owner + " on " + wanted + " and " + holder->name + " on " + held + " overlap",
                    holder->at.IsWritten() ? "the other is at" : "its default", holder->at);
  return false;
}

void AddressBook::Take(const HostPort& address, const Position& at, const std::string& owner) {
  if (address.port != 0) taken_.emplace(address.ToString(), Owner{owner, at, address});
}

}  // namespace headgate::config
