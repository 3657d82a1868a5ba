#include "proxy/net/certificate_names.h"

#include <algorithm>

namespace headgate::proxy::net {

namespace {

void Sort(std::vector<CertificateName>& names) {
  std::ranges::sort(names);
  names.erase(std::ranges::unique(names).begin(), names.end());
}

std::span<const CertificateName> Find(std::span<const CertificateName> names, std::string_view name) noexcept {
  const auto [first, last] = std::ranges::equal_range(
      names, name, {}, [](const CertificateName& entry) { return std::string_view(entry.name); });
  return {first, last};
}

}  // namespace

void CertificateNames::Add(const std::vector<std::string>& names) {
  const int index = count_++;
  if (index == 0) of_first_ = names;
  const auto of_first = [&](const std::string& name) { return std::ranges::find(of_first_, name) != of_first_.end(); };
  const bool beside = names.empty() ? of_first_.empty() : std::ranges::any_of(names, of_first);
  if (beside) without_name_.push_back({"", index});
  for (const std::string& name : names) {
    if (name.starts_with("*.")) {
      wildcard_.push_back({name.substr(1), index});
    } else {
      exact_.push_back({name, index});
    }
  }
}

void CertificateNames::Seal() {
  Sort(exact_);
  Sort(wildcard_);
}

std::span<const CertificateName> CertificateNames::Of(std::string_view lower_case_name) const noexcept {
  std::span<const CertificateName> found = Find(exact_, lower_case_name);
  const size_t dot = lower_case_name.find('.');
  const bool has_label = dot != std::string_view::npos && dot > 0;
  if (found.empty() && has_label) found = Find(wildcard_, lower_case_name.substr(dot));
  return found.empty() ? std::span<const CertificateName>(without_name_) : found;
}

std::vector<std::span<const CertificateName>> CertificateNames::Lists() const {
  std::vector<std::span<const CertificateName>> lists = {without_name_};
  for (const auto* names : {&exact_, &wildcard_}) {
    std::span<const CertificateName> rest = *names;
    while (!rest.empty()) {
      lists.push_back(Find(rest, rest.front().name));
      rest = rest.subspan(lists.back().size());
    }
  }
  return lists;
}

}  // namespace headgate::proxy::net
