// Every id of the catalogue has a line that counts with it: a family that nobody writes is always 0, and looks well.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace headgate::metrics {
namespace {

namespace fs = std::filesystem;

std::string TextOf(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

bool IsWord(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// The members of series.h's structs whose type is an id or an array of ids.
std::vector<std::string> Ids(const std::string& header) {
  std::vector<std::string> names;
  for (size_t at = 0; at < header.size();) {
    const size_t end = std::min(header.find('\n', at), header.size());
    const std::string_view line = std::string_view(header).substr(at, end - at);
    at = end + 1;
    if (!line.starts_with("  ") || line.find("Id") == std::string_view::npos || line.starts_with("  //")) continue;
    const size_t stop = line.find_first_of(";{");
    if (stop == std::string_view::npos) continue;
    size_t first = stop;
    while (first > 0 && IsWord(line[first - 1])) --first;
    names.emplace_back(line.substr(first, stop - first));
  }
  return names;
}

// What counts: everything but the files that make, sum and write series.
std::string Counting() {
  std::string text;
  for (const char* folder : {"metrics", "proxy", "control", "app"}) {
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      const std::string name = entry.path().filename();
      if (!name.ends_with(".cc") && !name.ends_with(".h")) continue;
      if (name.starts_with("exporter") || name.starts_with("series") || name.starts_with("reading")) continue;
      text += TextOf(entry.path());
    }
  }
  return text;
}

bool IsUsed(const std::string& text, const std::string& member) {
  const std::string access = "." + member;
  for (const std::string& way : {access, "->" + member}) {
    for (size_t at = text.find(way); at != std::string::npos; at = text.find(way, at + 1)) {
      if (!IsWord(text[at + way.size()])) return true;
    }
  }
  return false;
}

TEST(WrittenTest, EveryIdIsCountedWithSomewhere) {
  const std::vector<std::string> ids = Ids(TextOf("metrics/series.h"));
  const std::string counting = Counting();
  ASSERT_GT(ids.size(), 20U);
  ASSERT_GT(counting.size(), 100'000U);
  for (const std::string& id : ids) EXPECT_TRUE(IsUsed(counting, id)) << id;
}

}  // namespace
}  // namespace headgate::metrics
