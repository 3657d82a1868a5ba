// Which certificates of a list stand for a server name, in the list's order.
// Owned by a CertificateSet; const once sealed.
// Any thread.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace headgate::proxy::net {

struct CertificateName {
  std::string name;
  int index = 0;
  auto operator<=>(const CertificateName&) const = default;
};

class CertificateNames {
 public:
  // The DNS names of the next certificate, lower case.
  void Add(const std::vector<std::string>& names);
  void Seal();

  // Those with the exact name, then with the wildcard (one label), then the first one with those beside it (RFC 6125
  // 6.4.3). Never empty when there is a certificate.
  std::span<const CertificateName> Of(std::string_view lower_case_name) const noexcept;

  // Each list that Of can return.
  std::vector<std::span<const CertificateName>> Lists() const;

 private:
  std::vector<CertificateName> exact_;     // sorted
  std::vector<CertificateName> wildcard_;  // sorted; without the "*"
  // The first certificate, and those for the same purpose: one of its names is theirs, or neither has any.
  std::vector<CertificateName> without_name_;
  std::vector<std::string> of_first_;
  int count_ = 0;
};

}  // namespace headgate::proxy::net
