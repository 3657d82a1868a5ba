// One problem of a configuration: a stable code, where it is, a sentence, and a hint that goes behind the caret.
// Owned by the list that it was added to.
// Control thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/located.h"

namespace headgate::config {

enum class Severity : uint8_t { kError, kWarning };

/// Stable: a number is never given a new meaning. docs/diagnostics.md says what each means and how to mend it.
enum class Code : uint16_t {
  kSyntax = 1,
  kDuplicateKey = 2,
  kAlias = 3,
  kTag = 4,
  kDocuments = 5,
  kTooLarge = 6,
  kCharacters = 7,
  kUnknownKey = 10,
  kNotAvailableYet = 11,
  kWrongType = 12,
  kMissingKey = 13,
  kMalformedValue = 14,
  kOutOfRange = 15,
  kUnknownChoice = 16,
  kMainFileOnly = 17,
  kMainFileMissing = 18,
  kUnreadable = 19,  // added where files are read
  kUnknownListener = 20,
  kUnknownUpstream = 21,
  kDuplicateName = 22,
  kSameAddress = 23,
  kSameMatches = 24,
  kNoBackends = 25,
  kOneAction = 26,
  kAllWeightsZero = 27,
  kBadHostname = 28,
  kBadAddress = 29,
  kBadCidr = 30,
  kBadHeader = 31,
  kBadPath = 32,
  kExclusiveKeys = 33,
  kBadSticky = 34,
  kPathOutside = 35,
  kAdminExposed = 36,
  kBadHttpsRedirect = 37,
  kBadBlueGreen = 38,
  kBadMethod = 39,
  kNameTaken = 40,
  kReservedHeader = 41,
  kBadName = 42,
  kNoEffect = 43,
  kUnsafe = 44,
  kNoListener = 45,
  kTakenLiterally = 46,
  kNotRead = 47,             // added where files are read
  kBadRegex = 50,            // added by the compile step
  kCertificateMissing = 60,  // 60 to 64: added where certificates are loaded
  kCertificateKey = 61,
  kCertificateExpired = 62,
  kCertificateWildcard = 63,
  kCertificateUnused = 64,
};

struct CodeInfo {
  Code code;
  std::string_view summary;
};

/// Every code, in order.
std::span<const CodeInfo> AllCodes();

/// "HG021".
std::string CodeName(Code code);

struct Diagnostic {
  Severity severity = Severity::kError;
  Code code = Code::kSyntax;
  Position at;          // line 0: the file as a whole
  std::string message;  // one sentence, no full stop
  std::string hint;     // behind the caret; may be empty
  Position other;       // a second place; its file:line:column is put behind the hint
};

/// What a step found, in the order it was found. Bounded: past kMax problems only the number is kept.
class DiagnosticList {
 public:
  static constexpr size_t kMax = 1000;

  void Add(Diagnostic diagnostic);
  void Error(Code code, const Position& at, std::string message, std::string hint = {}, const Position& other = {});
  void Warning(Code code, const Position& at, std::string message, std::string hint = {}, const Position& other = {});
  void Append(const DiagnosticList& others);

  bool HasErrors() const { return errors_ > 0; }
  size_t errors() const { return errors_; }
  size_t dropped() const { return dropped_; }
  const std::vector<Diagnostic>& items() const { return items_; }

  /// By file, line and column; stable.
  void Sort();

 private:
  std::vector<Diagnostic> items_;
  size_t errors_ = 0;
  size_t dropped_ = 0;
};

}  // namespace headgate::config
