// The configuration as a set of files, each accepted, or kept at its last good content, by itself.
// Owned by the control pipeline, which reads the files and hands their text over.
// Control thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "config/diagnostic.h"
#include "config/render.h"
#include "config/shared_text.h"

namespace headgate::config {

struct Model;
struct Upstream;

/// A further check of one file's content, run once for each content. Hook for the compile step, which knows regular
/// expressions; an error refuses that file alone.
using UnitCheck = std::function<void(const Model& unit, DiagnosticList& diagnostics)>;

struct SourceFile {
  std::string name;  // as diagnostics print it; within one set a name is a file's identity
  SharedText text;
  std::string problem = {};  // not empty: the file is there but cannot be read, and this says why; no text then
};

struct UnitSetOptions {
  std::string main_name = {};  // SourceFile::name of the main file (headgate.yaml, or the single file given)
  std::string directory = {};  // the folder that relative paths start from; absolute is best
  bool confined = false;       // a directory of files: paths to files stay inside it or below fileRoots
  bool fragment = false;       // the main file is a piece of one, as in documentation: it needs no listener
};

/// What became of a file.
enum class UnitStatus : uint8_t {
  kAccepted,  // its present content is part of the proposal
  kKept,      // its present content is bad, the last good one is part of the proposal
  kLeftOut,   // its present content is bad and there is no other
};

struct FileReport {
  std::string name;
  UnitStatus status = UnitStatus::kAccepted;
  bool changed = false;  // not the content that is in force
  DiagnosticList diagnostics;
};

struct Proposal {
  /// Null if there is no main file, or it is bad and has no last good content.
  std::shared_ptr<const Model> model;
  std::vector<FileReport> files;  // the main file first, the others in alphabetical order
  Sources offered;                // what files[].diagnostics point into
  Sources chosen;                 // what the model's positions point into: for later steps that find problems
  bool HasErrors() const;
};

/// Propose() -> model -> build; then Commit(), or Reject() what the build found and build again. Nothing but Commit()
/// changes what is in force.
class UnitSet {
 public:
  explicit UnitSet(UnitSetOptions options, UnitCheck check = {});
  ~UnitSet();
  UnitSet(const UnitSet&) = delete;
  UnitSet& operator=(const UnitSet&) = delete;

  /// All files as they are now. A file that is missing here is gone. Only files whose text changed are decoded.
  /// `passed_over`: what lies beside them and looks like configuration, but is not read; folders end with '/'.
  Proposal Propose(const std::vector<SourceFile>& files, const std::vector<std::string>& passed_over = {});

  /// The same files once more, without the ones that `problems` (errors only) point into by Position::file.
  Proposal Reject(const DiagnosticList& problems);

  /// The last proposal is in force. Only if its model is not null.
  void Commit();

 private:
  struct Unit;
  struct Names;

  uint32_t FileId(const std::string& name);
  void FreeIds();
  void Offer(const SourceFile& file);
  void OfferUnread(const SourceFile& file);
  void OfferMain(bool present);
  void WarnOfPassedOver(const std::vector<std::string>& names);
  std::vector<Unit*> Present();
  Proposal Link();
  bool Settle(const std::vector<Unit*>& units);
  std::shared_ptr<const Model> Merge(const std::vector<Unit*>& units);

  UnitSetOptions options_;
  UnitCheck check_;
  std::vector<std::string> file_names_;  // by id
  std::vector<uint32_t> free_ids_;
  std::vector<uint32_t> gone_ids_;  // of units that are gone and may still be pointed into
  std::map<std::string, std::unique_ptr<Unit>, std::less<>> units_;
  std::shared_ptr<const Model> proposed_;
  // What upstreams' names mean, in force and as proposed: a file that is kept keeps the upstreams that it knew.
  using Upstreams = std::unordered_map<std::string_view, std::shared_ptr<const Upstream>>;
  Upstreams upstreams_;
  Upstreams proposed_upstreams_;
};

/// One file, or a piece of one without listeners, by itself. `diagnostics` are complete and sorted.
struct LoadedFile {
  std::shared_ptr<const Model> model;  // null if there is an error
  DiagnosticList diagnostics;
  Sources sources;
};
LoadedFile LoadFile(std::string_view name, std::string_view text, std::string_view directory = {});

}  // namespace headgate::config
