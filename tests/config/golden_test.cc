// One golden file per code: tests/golden/config/HGnnn.yaml (or a folder HGnnn/) and what is printed, HGnnn.txt.
// HEADGATE_UPDATE_GOLDEN=1 writes the latter anew.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "config/diagnostic.h"
#include "config/render.h"
#include "config/units.h"

namespace headgate::config {
namespace {

namespace fs = std::filesystem;

const fs::path kGolden = "tests/golden/config";

// Found where files are read, regular expressions are compiled and certificates are loaded.
const std::set<Code> kFoundLater = {Code::kUnreadable,          Code::kNotRead,          Code::kBadRegex,
                                    Code::kCertificateMissing,  Code::kCertificateKey,   Code::kCertificateExpired,
                                    Code::kCertificateWildcard, Code::kCertificateUnused};

std::string ReadFile(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::string Render(const Proposal& proposal) {
  std::string out;
  for (const UnitReport& report : proposal.units) out += RenderText(report.diagnostics, proposal.offered);
  return out;
}

std::string RenderFolder(const fs::path& folder) {
  std::vector<Unit> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    files.push_back({name, ReadFile(entry.path()), name == "headgate.yaml" ? UnitKind::kMain : UnitKind::kRoutes});
  }
  UnitSet set({.main_name = "headgate.yaml", .directory = "/etc/headgate", .confined = true});
  return Render(set.Propose(files));
}

std::string RenderFile(const fs::path& path) {
  const LoadedFile loaded = LoadFile(path.filename().string(), ReadFile(path), "/etc/headgate");
  return RenderText(loaded.diagnostics, loaded.sources);
}

TEST(GoldenDiagnostics, EveryCodeIsPrintedAsItsGoldenFileSays) {
  for (const CodeInfo& info : AllCodes()) {
    if (kFoundLater.contains(info.code)) continue;
    const std::string name = CodeName(info.code);
    SCOPED_TRACE(name);
    const fs::path folder = kGolden / name;
    const fs::path file = kGolden / (name + ".yaml");
    ASSERT_TRUE(fs::exists(folder) || fs::exists(file)) << "no example of this code";
    const std::string printed = fs::exists(folder) ? RenderFolder(folder) : RenderFile(file);
    EXPECT_NE(printed.find(" " + name + ": "), std::string::npos) << printed;
    const fs::path golden = kGolden / (name + ".txt");
    if (std::getenv("HEADGATE_UPDATE_GOLDEN") != nullptr) std::ofstream(golden, std::ios::binary) << printed;
    EXPECT_EQ(printed, ReadFile(golden));
  }
}

// tests/golden/config/newcomer: what somebody writes who comes from another proxy. Each message leads to what is meant.
TEST(GoldenDiagnostics, WhatANewcomerWritesIsAnsweredAsItsGoldenFileSays) {
  int files = 0;
  for (const auto& entry : fs::directory_iterator(kGolden / "newcomer")) {
    if (entry.path().extension() != ".yaml") continue;
    SCOPED_TRACE(entry.path().string());
    ++files;
    const std::string printed = RenderFile(entry.path());
    fs::path golden = entry.path();
    golden.replace_extension(".txt");
    if (std::getenv("HEADGATE_UPDATE_GOLDEN") != nullptr) std::ofstream(golden, std::ios::binary) << printed;
    EXPECT_EQ(printed, ReadFile(golden));
  }
  EXPECT_GE(files, 30);
}

TEST(GoldenDiagnostics, EveryCodeIsDocumented) {
  const std::string docs = ReadFile("docs/diagnostics.md");
  for (const CodeInfo& info : AllCodes()) {
    EXPECT_NE(docs.find("### " + CodeName(info.code)), std::string::npos) << CodeName(info.code);
  }
}

// Column 20, counted from 1 as compilers do; the rest is the contract's example to the letter.
TEST(GoldenDiagnostics, TheContractsExampleHasTheContractsForm) {
  const std::string text = ReadFile(kGolden / "HG021.yaml");
  const LoadedFile loaded = LoadFile("routes.yaml", text);
  EXPECT_EQ(RenderText(loaded.diagnostics, loaded.sources),
            "routes.yaml:14:20: error HG021: route 'shop-api' sends to an unknown upstream 'shop-v3'\n"
            "   14 |       - {upstream: shop-v3, weight: 5}\n"
            "      |                    ^^^^^^^ did you mean 'shop-v2'?\n");
}

TEST(GoldenDiagnostics, JsonCarriesTheSameFacts) {
  const LoadedFile loaded = LoadFile("routes.yaml", "via: \"\\\"\"\n");
  EXPECT_EQ(RenderJson(loaded.diagnostics, loaded.sources),
            "[\n  {\"file\": \"routes.yaml\", \"line\": 1, \"column\": 6, \"length\": 4, \"severity\": \"error\", "
            "\"code\": \"HG014\", \"message\": \"'\\\"' in 'via': expected true or false\", \"hint\": \"\"}\n]\n");
}

}  // namespace
}  // namespace headgate::config
