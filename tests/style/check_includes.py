"""Reads every #include and refuses an upward or sibling one, a loop between the folders of a layer, and an external
library outside its folder.

usage: check_includes.py ROOT
"""

import pathlib
import re
import sys

from tree import BELOW, LAYERS, Findings, files, layer_of

# One external library, one folder (docs/architecture.md): what its headers look like, and the path prefixes that may
# include them.
EXTERNAL = [
    (r"llhttp\.h", ["http/h1/"]),
    (r"nghttp2/", ["http/h2/"]),
    (r"openssl/", ["proxy/net/", "base/crypto/"]),
    (r"yaml-cpp/", ["config/"]),
    (r"idn2\.h", ["config/"]),
    (r"re2/", ["routing/regex/"]),
    (r"prometheus/", ["metrics/"]),
    (r"boost/json", ["base/json/"]),
    (r"(zlib\.h|brotli/|zstd\.h)", ["proxy/filters/compression/", "metrics/gzip"]),
    (r"hiredis/", ["proxy/redis/"]),
    (r"ares", ["control/dns/"]),
    (r"spdlog/", ["base/log/"]),
    (r"CLI/", ["app/"]),
    (r"boost/asio", ["proxy/net/", "proxy/worker/", "control/", "app/"]),
    (r"boost/beast", ["control/pages/"]),
    (r"xxhash\.h", ["base/hash"]),
    (r"sys/epoll\.h", ["proxy/net/"]),
]

# Tests that write their configuration as text, which the layer itself never sees.
WRITES_TEXT = {"routing": ["config", "compile"], "proxy": ["config", "compile"]}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def check_source(path: pathlib.Path, number: int, quote: str, header: str, findings: Findings) -> None:
    layer = layer_of(path)
    other = layer_of(header)
    if other:
        if other != layer and other not in BELOW[layer]:
            findings.add("include", path, number, f"{layer} must not include {header}: {other} is not below it")
    elif quote == '"' and header != "llhttp.h" and not header.startswith("absl/"):
        findings.add("include", path, number, f"{header} is not rooted at the repository")
    for pattern, allowed in EXTERNAL:
        if re.match(pattern, header) and not any(str(path).startswith(prefix) for prefix in allowed):
            where = ", ".join(allowed) or "nowhere"
            findings.add("external", path, number, f"{header} belongs to {where}")


def check_test(path: pathlib.Path, number: int, header: str, findings: Findings) -> None:
    layer = layer_of(path.relative_to("tests"))
    other = layer_of(header)
    if layer and other and other != layer and other not in BELOW[layer] + WRITES_TEXT.get(layer, []):
        findings.add("include", path, number, f"tests of {layer} must not include {header}")


class Folders:
    """Which folder of a layer includes which, with an example of each."""

    def __init__(self):
        self._arrows: dict[str, dict[str, tuple[pathlib.Path, int, str]]] = {}

    def note(self, path: pathlib.Path, number: int, header: str) -> None:
        source, target = str(path.parent), str(pathlib.PurePosixPath(header).parent)
        # A layer's own top level stands above and below its folders.
        if source == target or "/" not in source or "/" not in target or layer_of(path) != layer_of(header):
            return
        self._arrows.setdefault(source, {}).setdefault(target, (path, number, header))

    def reaches(self, source: str, target: str) -> bool:
        seen = {source}
        waiting = [source]
        while waiting:
            for after in self._arrows.get(waiting.pop(), {}):
                if after == target:
                    return True
                if after not in seen:
                    seen.add(after)
                    waiting.append(after)
        return False

    def report(self, findings: Findings) -> None:
        for source, targets in sorted(self._arrows.items()):
            for target, (path, number, header) in sorted(targets.items()):
                if self.reaches(target, source):
                    findings.add("loop", path, number, f"{header}: {target} includes {source}, which includes {target}")


def main() -> int:
    root = pathlib.Path(sys.argv[1]).resolve()
    findings = Findings(root)
    folders = Folders()
    seen = 0
    for path in files(root, LAYERS + ["tests"], (".h", ".cc")):
        for number, line in enumerate((root / path).read_text().splitlines(), 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            seen += 1
            if path.parts[0] == "tests":
                check_test(path, number, match[2], findings)
            else:
                check_source(path, number, match[1], match[2], findings)
                folders.note(path, number, match[2])
    folders.report(findings)
    if seen == 0:
        print(f"no #include found under {root}")
        return 1
    return findings.report()


if __name__ == "__main__":
    sys.exit(main())
