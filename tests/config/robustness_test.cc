// Random mutations of valid files: nothing crashes, a model exists exactly if there is no error, every position points
// into the file; and reading many routes takes a bounded time.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "config/model.h"
#include "config/text.h"
#include "config/units.h"
#include "support/sanitized.h"
#include "tests/config/main_unit.h"

namespace headgate::config {
namespace {

constexpr std::chrono::seconds kOneLineMax{support::kSanitized ? 60 : 10};

std::vector<std::string> Corpus() {
  std::vector<std::string> texts;
  const std::filesystem::path folder = "tests/fuzz/corpus/config";
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::ifstream file(entry.path(), std::ios::binary);
    texts.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  std::sort(texts.begin(), texts.end());
  return texts;
}

void Mutate(std::string& text, std::mt19937& random) {
  static constexpr std::string_view kBytes = "{}[]:,-#&*!|>'\"%@ \n\t\\0a\xff";
  const auto below = [&](size_t n) { return std::uniform_int_distribution<size_t>(0, n - 1)(random); };
  for (size_t i = 1 + below(4); i > 0 && !text.empty(); --i) {
    const size_t at = below(text.size());
    const size_t length = std::min(below(20) + 1, text.size() - at);
    switch (below(4)) {
      case 0:
        text[at] = kBytes[below(kBytes.size())];
        break;
      case 1:
        text.erase(at, length);
        break;
      case 2:
        text.insert(at, text.substr(below(text.size()), length));
        break;
      default:
        text.insert(at, 1, kBytes[below(kBytes.size())]);
    }
  }
}

TEST(Robustness, MutatedFilesGiveAModelOrErrorsWithPlaces) {
  const char* fixed = std::getenv("HEADGATE_TEST_SEED");
  const unsigned seed = fixed != nullptr ? static_cast<unsigned>(std::atoi(fixed)) : std::random_device{}();
  std::cout << "seed " << seed << " (HEADGATE_TEST_SEED)\n";
  std::mt19937 random(seed);
  const std::vector<std::string> corpus = Corpus();
  ASSERT_GT(corpus.size(), 30U);
  int good = 0;
  for (int i = 0; i < support::Rounds(3000); ++i) {
    std::string text = corpus[i % corpus.size()];
    if (i >= static_cast<int>(corpus.size())) Mutate(text, random);
    const LoadedFile loaded = LoadFile("f.yaml", text);
    ASSERT_EQ(loaded.model == nullptr, loaded.diagnostics.HasErrors()) << text;
    good += loaded.model != nullptr ? 1 : 0;
    const size_t lines = LineStarts(text).size();
    for (const Diagnostic& diagnostic : loaded.diagnostics.items()) ASSERT_LE(diagnostic.at.line, lines) << text;
    RenderText(loaded.diagnostics, loaded.sources);
  }
  EXPECT_GT(good, 0);
}

std::string ManyRoutes(int count) {
  std::string text = "upstreams: {u1: {address: a:80}, u2: {address: b:80}}\nroutes:\n";
  for (int i = 0; i < count; ++i) {
    const std::string n = std::to_string(i);
    text += "  - {name: r" + n + ", hostnames: [h" + n + ".example.com], matches: [{path: {prefix: /p" + n +
            "}}], backends: [{upstream: u1, weight: 95}, {upstream: u2, weight: 5}]}\n";
  }
  return text;
}

// A generous bound, for sanitizers and busy machines: what it must catch is quadratic time.
TEST(Performance, TenThousandRoutesLoadInBoundedTime) {
  const std::string text = ManyRoutes(10'000);
  const auto start = std::chrono::steady_clock::now();
  const LoadedFile loaded = LoadFile("f.yaml", text);
  const auto took = std::chrono::steady_clock::now() - start;
  ASSERT_NE(loaded.model, nullptr);
  EXPECT_EQ(loaded.model->routes.size(), 10'000U);
  EXPECT_LT(took, std::chrono::seconds(20));
  RecordProperty("milliseconds", static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(took).count()));
}

// As a program writes JSON; the escape leaves it to yaml-cpp, the letter makes columns differ from bytes.
TEST(Performance, ALineOfTwoThousandRoutesLoadsInBoundedTime) {
  for (const char* body : {"ok", "\\u00e9 \xc3\xa9"}) {
    std::string text = R"({"routes": [)";
    for (int i = 0; i < 2000; ++i) {
      const std::string n = std::to_string(i);
      text += (i == 0 ? R"({"name": "r)" : R"(, {"name": "r)") + n + R"(", "hostnames": ["h)" + n +
              R"(.example"], "matches": [{"path": {"prefix": "/api"}}], "respond": {"status": 200, "body": ")" + body +
              R"("}})";
    }
    text += "]}\n";
    const auto start = std::chrono::steady_clock::now();
    const LoadedFile loaded = LoadFile("f.yaml", text);
    const auto took = std::chrono::steady_clock::now() - start;
    ASSERT_NE(loaded.model, nullptr);
    EXPECT_EQ(loaded.model->routes.size(), 2000U);
    EXPECT_LT(took, kOneLineMax) << body;
  }
}

TEST(Performance, TenThousandBadReferencesAreReportedInBoundedTime) {
  std::string text = ManyRoutes(10'000);
  for (size_t at = text.find("upstream: u2"); at != std::string::npos; at = text.find("upstream: u2", at + 1)) {
    text.replace(at, 12, "upstream: ux");
  }
  const auto start = std::chrono::steady_clock::now();
  const LoadedFile loaded = LoadFile("f.yaml", text);
  EXPECT_EQ(loaded.diagnostics.errors(), 10'000U);
  EXPECT_EQ(loaded.diagnostics.items().size(), DiagnosticList::kMax);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}

TEST(Performance, OneOfAThousandFilesIsDecodedAlone) {
  int decoded = 0;
  UnitSet set({.main_name = "headgate.yaml"}, [&](const Model&, DiagnosticList&) { ++decoded; });
  std::vector<Unit> files = {Main("listeners: [{name: web, address: '0.0.0.0:8080'}]")};
  for (int i = 0; i < 1000; ++i) {
    const std::string n = std::to_string(i);
    files.push_back(
        {n + ".yaml", "routes: [{name: r" + n + ", hostnames: [h" + n + ".example], respond: {status: 200}}]"});
  }
  ASSERT_NE(set.Propose(files).model, nullptr);
  set.Commit();
  decoded = 0;
  files[500].text = files[500].text.value() + "\n";
  ASSERT_NE(set.Propose(files).model, nullptr);
  EXPECT_EQ(decoded, 1);
}

}  // namespace
}  // namespace headgate::config
