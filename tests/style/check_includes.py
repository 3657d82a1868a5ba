"""Reads every #include and refuses an upward or sibling one, and an external library outside its folder.

usage: check_includes.py ROOT
"""

import pathlib
import re
import sys

from tree import BELOW, LAYERS, Findings, files

# One external library, one folder (docs/architecture.md): what its headers look like, and the path prefixes that may
# include them.
EXTERNAL = [
    (r"llhttp\.h", ["http/h1/"]),
    (r"nghttp2/", ["http/h2/"]),
    (r"openssl/", ["proxy/net/", "base/crypto/"]),
    (r"yaml-cpp/", ["config/"]),
    (r"re2/", ["routing/regex/"]),
    (r"prometheus/", ["metrics/"]),
    (r"boost/json", ["base/json/"]),
    (r"(zlib\.h|brotli/|zstd\.h)", ["proxy/filters/compression/", "metrics/gzip"]),
    (r"hiredis/", ["proxy/redis/"]),
    (r"ares", ["control/dns/"]),
    (r"spdlog/", ["base/log/"]),
    (r"CLI/", ["app/"]),
    (r"boost/asio", ["proxy/net/", "proxy/worker/", "control/", "app/"]),
    (r"boost/beast", ["control/http/"]),
    (r"xxhash\.h", ["base/hash"]),
    (r"sys/epoll\.h", ["proxy/net/"]),
]

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def check_source(path: pathlib.Path, number: int, quote: str, header: str, findings: Findings) -> None:
    layer = path.parts[0]
    first = header.split("/")[0]
    if first in LAYERS and "/" in header:
        if first != layer and first not in BELOW[layer]:
            findings.add("include", path, number, f"{layer} must not include {header}: {first} is not below it")
    elif quote == '"' and header != "llhttp.h" and first != "absl":
        findings.add("include", path, number, f"{header} is not rooted at the repository")
    for pattern, allowed in EXTERNAL:
        if re.match(pattern, header) and not any(str(path).startswith(prefix) for prefix in allowed):
            where = ", ".join(allowed) or "nowhere"
            findings.add("external", path, number, f"{header} belongs to {where}")


def check_test(path: pathlib.Path, number: int, header: str, findings: Findings) -> None:
    layer = path.parts[1] if len(path.parts) > 2 else ""
    first = header.split("/")[0]
    if layer in LAYERS and first in LAYERS and "/" in header and first != layer and first not in BELOW[layer]:
        findings.add("include", path, number, f"tests of {layer} must not include {header}")


def main() -> int:
    root = pathlib.Path(sys.argv[1]).resolve()
    findings = Findings(root)
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
    if seen == 0:
        print(f"no #include found under {root}")
        return 1
    return findings.report()


if __name__ == "__main__":
    sys.exit(main())
