#include "metrics/access_log_writer.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/json/json.h"

namespace headgate::metrics {
namespace {

constexpr size_t kRingBytes = size_t{256} * 1024;

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

size_t CountLines(const std::string& text) { return static_cast<size_t>(std::count(text.begin(), text.end(), '\n')); }

// Every line must be whole JSON; returns how many there are.
size_t CheckedLines(const std::string& text) {
  size_t lines = 0;
  for (size_t at = 0; at < text.size(); ++lines) {
    const size_t end = text.find('\n', at);
    if (end == std::string::npos || !base::json::Parse(text.substr(at, end - at)).ok()) {
      ADD_FAILURE() << "not a whole line: " << text.substr(at, end - at);
      return lines;
    }
    at = end + 1;
  }
  return lines;
}

class AccessLogWriterTest : public testing::Test {
 protected:
  AccessLogWriterTest() {
    char path[] = "/tmp/headgate_access_log_XXXXXX";
    folder_ = mkdtemp(path);
    record_.path = "/shoes";
  }
  ~AccessLogWriterTest() override { std::filesystem::remove_all(folder_); }

  std::unique_ptr<AccessLogRing> MakeRing() {
    return std::make_unique<AccessLogRing>(kRingBytes, settings_, *worker_shard_, CounterId{200});
  }
  void WriteLines(AccessLogRing& ring, int count) const {
    for (int i = 0; i < count; ++i) ring.Write(record_);
  }
  uint64_t dropped() const { return worker_shard_->Read(200) + writer_shard_->Read(200); }
  std::string File(const char* name) const { return folder_ + "/" + name; }

  std::string folder_;
  AccessRecord record_;
  AccessLogSettings settings_;
  std::unique_ptr<Shard> worker_shard_ = std::make_unique<Shard>();
  std::unique_ptr<Shard> writer_shard_ = std::make_unique<Shard>();
  std::unique_ptr<AccessLogRing> ring_ = MakeRing();
  AccessLogWriter writer_{*writer_shard_, CounterId{200}};
};

TEST_F(AccessLogWriterTest, StopWritesWhatIsThere) {
  ASSERT_TRUE(writer_.SetTarget(AccessLogTarget::kFile, File("log")));
  writer_.AddRing(*ring_);
  writer_.Start();
  WriteLines(*ring_, 100);
  writer_.Stop();
  EXPECT_EQ(CheckedLines(ReadFile(File("log"))), 100U);
  EXPECT_EQ(dropped(), 0U);
  struct stat status{};
  ASSERT_EQ(stat(File("log").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0007U, 0U) << "not for everybody to read";
}

TEST_F(AccessLogWriterTest, AFileIsAppendedToAndARemovedRingIsWrittenFirst) {
  std::ofstream(File("log")) << "{}\n";
  ASSERT_TRUE(writer_.SetTarget(AccessLogTarget::kFile, File("log")));
  writer_.AddRing(*ring_);
  WriteLines(*ring_, 3);
  writer_.RemoveRing(*ring_);
  ring_.reset();
  EXPECT_EQ(CheckedLines(ReadFile(File("log"))), 4U);
}

TEST_F(AccessLogWriterTest, ReopenGoesOnInANewFileAfterRotation) {
  ASSERT_TRUE(writer_.SetTarget(AccessLogTarget::kFile, File("log")));
  writer_.AddRing(*ring_);
  writer_.Start();
  WriteLines(*ring_, 5);
  std::filesystem::rename(File("log"), File("log.1"));
  ASSERT_TRUE(writer_.Reopen());
  WriteLines(*ring_, 7);
  writer_.Stop();
  EXPECT_EQ(CheckedLines(ReadFile(File("log.1"))), 5U);
  EXPECT_EQ(CheckedLines(ReadFile(File("log"))), 7U);
}

TEST_F(AccessLogWriterTest, ATargetThatCannotBeOpenedChangesNothing) {
  ASSERT_TRUE(writer_.SetTarget(AccessLogTarget::kFile, File("log")));
  EXPECT_FALSE(writer_.SetTarget(AccessLogTarget::kFile, File("no/such/folder")));
  writer_.AddRing(*ring_);
  WriteLines(*ring_, 2);
  writer_.RemoveRing(*ring_);
  EXPECT_EQ(CheckedLines(ReadFile(File("log"))), 2U);
}

TEST_F(AccessLogWriterTest, WithoutATargetRingsAreEmptiedAndNothingCounts) {
  writer_.AddRing(*ring_);
  WriteLines(*ring_, 2);
  writer_.RemoveRing(*ring_);
  EXPECT_EQ(ring_->size(), 0U);
  EXPECT_EQ(dropped(), 0U);
}

TEST_F(AccessLogWriterTest, AFullDeviceCostsLinesThatAreCounted) {
  ASSERT_TRUE(writer_.SetTarget(AccessLogTarget::kFile, "/dev/full"));
  writer_.AddRing(*ring_);
  WriteLines(*ring_, 10);
  writer_.RemoveRing(*ring_);
  EXPECT_EQ(dropped(), 10U);
}

TEST_F(AccessLogWriterTest, APipeWithoutReaderCostsLinesAndNoSignal) {
  ASSERT_EQ(mkfifo(File("pipe").c_str(), 0600), 0);
  const int reader = open(File("pipe").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  ASSERT_TRUE(writer_.SetTarget(AccessLogTarget::kFile, File("pipe")));
  close(reader);
  writer_.AddRing(*ring_);
  writer_.Start();
  WriteLines(*ring_, 10);
  while (dropped() < 10) std::this_thread::yield();
  writer_.Stop();
  EXPECT_EQ(dropped(), 10U);
}

TEST_F(AccessLogWriterTest, AReaderThatStopsReadingNeitherBlocksNorBreaksALine) {
  ASSERT_EQ(mkfifo(File("pipe").c_str(), 0600), 0);
  const int reader = open(File("pipe").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  ASSERT_TRUE(writer_.SetTarget(AccessLogTarget::kFile, File("pipe")));
  writer_.AddRing(*ring_);
  writer_.Start();
  constexpr int kLines = 3000;
  WriteLines(*ring_, kLines);  // more than ring and pipe hold together
  const auto before = std::chrono::steady_clock::now();
  writer_.Stop();
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(5));
  EXPECT_EQ(ring_->size(), 0U);

  std::string text(size_t{4} * 1024 * 1024, '\0');
  const ssize_t got = read(reader, text.data(), text.size());
  close(reader);
  ASSERT_GT(got, 0);
  text.resize(static_cast<size_t>(got));
  text.resize(text.rfind('\n') + 1);  // the line that the pipe had no room for
  EXPECT_EQ(CheckedLines(text) + dropped(), static_cast<uint64_t>(kLines));
}

TEST_F(AccessLogWriterTest, ALineThatAReaderGotHalfOfGoesOnBeforeTheNext) {
  ASSERT_EQ(mkfifo(File("pipe").c_str(), 0600), 0);
  const int reader = open(File("pipe").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  ASSERT_TRUE(writer_.SetTarget(AccessLogTarget::kFile, File("pipe")));
  writer_.AddRing(*ring_);
  WriteLines(*ring_, 600);  // more than the pipe holds: the flush gives up within a line and counts the others
  auto other = MakeRing();
  writer_.AddRing(*other);
  writer_.RemoveRing(*other);
  ASSERT_GT(dropped(), 0U);
  const auto read_all = [reader] {
    std::string text(size_t{1024} * 1024, '\0');
    text.resize(static_cast<size_t>(std::max<ssize_t>(read(reader, text.data(), text.size()), 0)));
    return text;
  };
  const std::string first = read_all();
  ASSERT_NE(first.back(), '\n');
  EXPECT_TRUE(writer_.Reopen()) << "it is the same pipe";
  WriteLines(*ring_, 2);
  writer_.RemoveRing(*ring_);
  EXPECT_EQ(CheckedLines(first + read_all()) + dropped(), 602U);
  close(reader);
}

// A disk that has room for kBytes of a file.
class FullDisk {
 public:
  static constexpr rlim_t kBytes = 1000;

  FullDisk() {
    signal(SIGXFSZ, SIG_IGN);
    EXPECT_EQ(getrlimit(RLIMIT_FSIZE, &before_), 0);
    const rlimit full{.rlim_cur = kBytes, .rlim_max = before_.rlim_max};
    EXPECT_EQ(setrlimit(RLIMIT_FSIZE, &full), 0);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;
  ~FullDisk() { EXPECT_EQ(setrlimit(RLIMIT_FSIZE, &before_), 0); }

 private:
  rlimit before_{};
};

TEST_F(AccessLogWriterTest, ALineThatADiskHadHalfOfGoesOnWhenThereIsRoom) {
  ASSERT_TRUE(writer_.SetTarget(AccessLogTarget::kFile, File("log")));
  writer_.AddRing(*ring_);
  {
    const FullDisk full;
    WriteLines(*ring_, 20);
    EXPECT_TRUE(writer_.Reopen());  // flushes first
    WriteLines(*ring_, 20);
    EXPECT_TRUE(writer_.Reopen());
  }
  const std::string first = ReadFile(File("log"));
  ASSERT_EQ(first.size(), FullDisk::kBytes);
  ASSERT_NE(first.back(), '\n');
  EXPECT_EQ(CountLines(first) + 1 + dropped(), 40U) << "the line that is not whole yet is not lost";
  EXPECT_TRUE(writer_.Reopen());
  WriteLines(*ring_, 2);
  writer_.RemoveRing(*ring_);
  EXPECT_EQ(CheckedLines(ReadFile(File("log"))) + dropped(), 42U);
}

TEST_F(AccessLogWriterTest, AFileThatIsEmptiedToHaveRoomBeginsWithALine) {
  ASSERT_TRUE(writer_.SetTarget(AccessLogTarget::kFile, File("log")));
  writer_.AddRing(*ring_);
  {
    const FullDisk full;
    WriteLines(*ring_, 20);
    EXPECT_TRUE(writer_.Reopen());
  }
  const uint64_t before = dropped();
  std::filesystem::resize_file(File("log"), 0);
  WriteLines(*ring_, 2);
  writer_.RemoveRing(*ring_);
  EXPECT_EQ(CheckedLines(ReadFile(File("log"))), 2U);
  EXPECT_EQ(dropped(), before + 1) << "the line of which the other half is gone";
}

TEST_F(AccessLogWriterTest, AfterAStopOnAFullDiskTheNextProcessGoesOnOnALineOfItsOwn) {
  ASSERT_TRUE(writer_.SetTarget(AccessLogTarget::kFile, File("log")));
  writer_.AddRing(*ring_);
  {
    const FullDisk full;
    writer_.Start();
    WriteLines(*ring_, 20);
    writer_.Stop();
  }
  const std::string first = ReadFile(File("log"));
  ASSERT_EQ(first.size(), FullDisk::kBytes);
  ASSERT_NE(first.back(), '\n');
  EXPECT_EQ(CountLines(first) + dropped(), 20U);
  AccessLogWriter next(*writer_shard_, CounterId{200});
  ASSERT_TRUE(next.SetTarget(AccessLogTarget::kFile, File("log")));
  next.AddRing(*ring_);
  WriteLines(*ring_, 2);
  next.RemoveRing(*ring_);
  const std::string text = ReadFile(File("log"));
  ASSERT_EQ(text[FullDisk::kBytes], '\n');
  EXPECT_EQ(CheckedLines(text.substr(FullDisk::kBytes + 1)), 2U);
}

TEST_F(AccessLogWriterTest, ManyWorkersWriteWhileTargetsChangeAndNoLineIsTorn) {
  constexpr int kWorkers = 3;
  constexpr int kLines = 5000;
  ASSERT_TRUE(writer_.SetTarget(AccessLogTarget::kFile, File("log")));
  writer_.Start();
  std::vector<std::unique_ptr<Shard>> shards;
  std::vector<std::unique_ptr<AccessLogRing>> rings;
  std::vector<std::thread> workers;
  for (int w = 0; w < kWorkers; ++w) {
    shards.push_back(std::make_unique<Shard>());
    // Small rings wrap often: that is where a line could be torn.
    rings.push_back(std::make_unique<AccessLogRing>(size_t{64} * 1024, settings_, *shards.back(), CounterId{200}));
    writer_.AddRing(*rings.back());
    workers.emplace_back([this, &ring = *rings.back()] { WriteLines(ring, kLines); });
  }
  for (int i = 0; i < 20; ++i) {
    settings_.Set(1'000'000, i % 2 == 0);
    ASSERT_TRUE(writer_.Reopen());
    ASSERT_TRUE(writer_.SetTarget(AccessLogTarget::kFile, File(i % 2 == 0 ? "other" : "log")));
  }
  for (std::thread& worker : workers) worker.join();
  for (const auto& ring : rings) writer_.RemoveRing(*ring);
  writer_.Stop();
  uint64_t lost = dropped();
  for (const auto& shard : shards) lost += shard->Read(200);
  EXPECT_EQ(CheckedLines(ReadFile(File("log"))) + CheckedLines(ReadFile(File("other"))) + lost,
            static_cast<uint64_t>(kWorkers) * kLines);
}

TEST_F(AccessLogWriterTest, ASleepingThreadIsWokenByALine) {
  ASSERT_TRUE(writer_.SetTarget(AccessLogTarget::kFile, File("log")));
  writer_.AddRing(*ring_);
  writer_.Start();
  WriteLines(*ring_, 1);
  while (ring_->size() != 0) std::this_thread::yield();
  WriteLines(*ring_, 1);
  while (ring_->size() != 0) std::this_thread::yield();
  writer_.Stop();
  EXPECT_EQ(CheckedLines(ReadFile(File("log"))), 2U);
}

TEST(AccessLogWakerTest, AWakeEndsAWaitThatIsAboutToBegin) {
  AccessLogWaker waker;
  waker.WakeForSure();
  const auto before = std::chrono::steady_clock::now();
  waker.Wait(AccessLogWaker::State::kAsleep, 60'000);
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(30));
}

TEST(AccessLogWakerTest, AFullRingEndsANapAndAnyLineASleep) {
  for (const bool asleep : {false, true}) {
    AccessLogWaker waker;
    std::atomic<bool> woken = false;
    std::thread sleeper([&] {
      waker.Wait(asleep ? AccessLogWaker::State::kAsleep : AccessLogWaker::State::kNap, 60'000);
      woken = true;
    });
    while (!woken) waker.LineWritten(!asleep);
    sleeper.join();
  }
}

}  // namespace
}  // namespace headgate::metrics
