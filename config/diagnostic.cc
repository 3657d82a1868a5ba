#include "config/diagnostic.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <tuple>
#include <utility>

namespace headgate::config {
namespace {

constexpr std::array kCodes = {
    CodeInfo{Code::kSyntax, "not valid YAML"},
    CodeInfo{Code::kDuplicateKey, "a key given twice"},
    CodeInfo{Code::kAlias, "anchors, aliases and merge keys are not supported"},
    CodeInfo{Code::kTag, "tags are not supported"},
    CodeInfo{Code::kDocuments, "more than one document in a file"},
    CodeInfo{Code::kTooLarge, "a file that is too large or nested too deeply"},
    CodeInfo{Code::kCharacters, "not UTF-8, or control characters"},
    CodeInfo{Code::kUnknownKey, "an unknown key"},
    CodeInfo{Code::kNotAvailableYet, "a key or value that is not available yet"},
    CodeInfo{Code::kWrongType, "a value of the wrong kind"},
    CodeInfo{Code::kMissingKey, "a required key is missing"},
    CodeInfo{Code::kMalformedValue, "a value that cannot be read"},
    CodeInfo{Code::kOutOfRange, "a value outside its range"},
    CodeInfo{Code::kUnknownChoice, "not one of the possible values"},
    CodeInfo{Code::kMainFileOnly, "a key that only the main file may hold"},
    CodeInfo{Code::kMainFileMissing, "the main file is missing"},
    CodeInfo{Code::kUnreadable, "a file of the directory that cannot be read"},
    CodeInfo{Code::kUnknownListener, "a listener that nobody defines"},
    CodeInfo{Code::kUnknownUpstream, "an upstream that nobody defines"},
    CodeInfo{Code::kDuplicateName, "a name used twice in one file"},
    CodeInfo{Code::kSameAddress, "two listeners, or two endpoints of an upstream, on one address"},
    CodeInfo{Code::kSameMatches, "two routes with the same listener, hostname and matches"},
    CodeInfo{Code::kNoBackends, "an empty list of backends"},
    CodeInfo{Code::kOneAction, "a route needs exactly one of backends, blueGreen, redirect and respond"},
    CodeInfo{Code::kAllWeightsZero, "all weights are 0"},
    CodeInfo{Code::kBadHostname, "not a hostname"},
    CodeInfo{Code::kBadAddress, "not an address"},
    CodeInfo{Code::kBadCidr, "not an address range"},
    CodeInfo{Code::kBadHeader, "not a header name or value"},
    CodeInfo{Code::kBadPath, "not a path"},
    CodeInfo{Code::kExclusiveKeys, "keys that exclude or need each other"},
    CodeInfo{Code::kBadSticky, "sticky sessions without what they need"},
    CodeInfo{Code::kPathOutside, "a file outside the configuration's folder"},
    CodeInfo{Code::kAdminExposed, "the admin listener is open to the network without a token"},
    CodeInfo{Code::kBadHttpsRedirect, "a redirect to HTTPS that leads nowhere"},
    CodeInfo{Code::kBadBlueGreen, "blue and green are the same"},
    CodeInfo{Code::kBadMethod, "not a method"},
    CodeInfo{Code::kNameTaken, "a name or match that another file holds"},
    CodeInfo{Code::kReservedHeader, "a header that headgate sets itself"},
    CodeInfo{Code::kBadName, "not a name"},
    CodeInfo{Code::kNoEffect, "a key that has no effect here"},
    CodeInfo{Code::kUnsafe, "a setting that takes protection away"},
    CodeInfo{Code::kNoListener, "a configuration without a listener"},
    CodeInfo{Code::kTakenLiterally, "a value that is taken to the letter"},
    CodeInfo{Code::kNotRead, "a file of the directory that is not read"},
    CodeInfo{Code::kBadRegex, "not a regular expression"},
    CodeInfo{Code::kCertificateMissing, "a certificate, key, token or log file that cannot be used"},
    CodeInfo{Code::kCertificateKey, "a key that does not fit its certificate"},
    CodeInfo{Code::kCertificateExpired, "a certificate that is not valid now"},
    CodeInfo{Code::kCertificateWildcard, "a wildcard certificate that covers less than the route"},
    CodeInfo{Code::kCertificateUnused, "a certificate that is never chosen"},
};

}  // namespace

std::span<const CodeInfo> AllCodes() { return kCodes; }

std::string CodeName(Code code) {
  std::array<char, 8> text{};
  std::snprintf(text.data(), text.size(), "HG%03u", static_cast<unsigned>(code) % 1000);
  return text.data();
}

void DiagnosticList::Add(Diagnostic diagnostic) {
  if (diagnostic.severity == Severity::kError) ++errors_;
  if (items_.size() >= kMax) {
    ++dropped_;
    return;
  }
  items_.push_back(std::move(diagnostic));
}

void DiagnosticList::Error(Code code, const Position& at, std::string message, std::string hint,
                           const Position& other) {
  Add({Severity::kError, code, at, std::move(message), std::move(hint), other});
}

void DiagnosticList::Warning(Code code, const Position& at, std::string message, std::string hint,
                             const Position& other) {
  Add({Severity::kWarning, code, at, std::move(message), std::move(hint), other});
}

void DiagnosticList::Append(const DiagnosticList& others) {
  const size_t errors = errors_ + others.errors_;
  for (const Diagnostic& diagnostic : others.items_) Add(diagnostic);
  dropped_ += others.dropped_;
  errors_ = errors;
}

void DiagnosticList::Sort() {
  std::stable_sort(items_.begin(), items_.end(), [](const Diagnostic& a, const Diagnostic& b) {
    return std::tie(a.at.file, a.at.line, a.at.column) < std::tie(b.at.file, b.at.line, b.at.column);
  });
}

}  // namespace headgate::config
