#include "routing/compile/path.h"

#include "base/slab.h"
#include "config/text.h"
#include "routing/words.h"

namespace headgate::routing {

std::optional<http::Target> NormalizePath(const config::Located<std::string>& path, base::Arena& arena,
                                          config::DiagnosticList& diagnostics) {
  base::Result<http::Target> target = http::NormalizeTarget(path.value, arena);
  if (!target.ok()) {
    diagnostics.Error(config::Code::kBadPath, path.at,
                      Words("no request has the path ", config::Quoted(path.value), ": ", target.error().detail));
    return std::nullopt;
  }
  if (target.value().has_query) {
    diagnostics.Error(config::Code::kBadPath, path.at, "a path holds no '?': use queryParams to match the query");
    return std::nullopt;
  }
  return target.value();
}

std::string OwnPath(const config::Located<std::string>& path, config::DiagnosticList& diagnostics) {
  base::SlabPool slabs;
  base::Arena arena(slabs);
  const std::optional<http::Target> target = NormalizePath(path, arena, diagnostics);
  return target ? std::string(target->path) : std::string();
}

}  // namespace headgate::routing
