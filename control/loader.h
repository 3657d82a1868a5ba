// From the source's files to compiled data: read, accepted file by file, compiled; what is bad is left at its last good
// content. The one path for run, validate and explain.
// Owned by the pipeline, or by a command.
// One thread: the one that compiles.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "config/units.h"
#include "control/files/file_source.h"
#include "routing/compile/compile.h"

namespace headgate::control {

class Loader {
 public:
  /// `more`: what else each file is judged by, whatever else is wrong with it.
  explicit Loader(FileSource source, config::UnitCheck more = {});

  struct Loaded {
    std::shared_ptr<const routing::Compiled> compiled;  // null: no usable main file
    config::Proposal proposal;
    std::vector<config::SourceFile> in_effect;  // the texts that `compiled` was made from
    std::string hash;                           // of in_effect, SHA-256 in hex; of one file: of its text
    bool HasErrors() const { return compiled == nullptr || proposal.HasErrors(); }
  };

  /// Reads the files. The texts' hash says whether there is anything new.
  absl::StatusOr<FileSource::Content> Read(std::chrono::milliseconds pipe_wait = {}) { return source_.Read(pipe_wait); }
  /// `previous` may be null.
  Loaded Load(FileSource::Content content, const routing::Compiled* previous);
  /// The same files without those that `problems` point into.
  Loaded Reject(const config::DiagnosticList& problems, const routing::Compiled* previous);
  /// What was loaded last is in force.
  void Commit(const Loaded& loaded);

  const FileSource& source() const { return source_; }

 private:
  Loaded Compile(config::Proposal proposal, const routing::Compiled* previous);
  void FillTexts(Loaded& loaded) const;

  FileSource source_;
  config::UnitSet units_;
  FileSource::Content content_;
  std::map<std::string, config::SharedText> in_force_;  // by name
};

std::string HashOf(const std::vector<config::SourceFile>& files);

}  // namespace headgate::control
