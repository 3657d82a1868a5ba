"""The rules of style that a script can check. Exceptions, each with its reason, are in tests/style/exceptions.

usage: check_style.py ROOT
"""

import pathlib
import re
import subprocess
import sys

from tree import LAYERS, Findings, files

MAX_LINES = 400
MAX_TEST_LINES = 600  # tables of cases are long and simple

# rule, what must not appear, where (path prefixes), why.
FORBIDDEN = [
    ("using-namespace", r"\busing\s+namespace\b", LAYERS + ["tests", "bench"], "spell the namespace"),
    ("todo", r"\b(TODO|FIXME|XXX|HACK)\b", LAYERS + ["tests", "bench", "tools", "cmake"], "do it or open an issue"),
    ("words", r"(?i)\b(whitelist|blacklist|blacklisted|whitelisted)\b", LAYERS, "say allow and deny"),
    ("kubernetes", r"(?i)\b(kubernetes|k8s|kubelet|configmap|endpointslice)\b",
     ["base", "http", "config", "metrics", "routing", "proxy"], "no Kubernetes word below control"),
    ("request-path", r"\bstd::(function|map|unordered_map|list|mutex|shared_mutex|recursive_mutex|regex)\b",
     ["http", "proxy/downstream", "proxy/exchange", "proxy/filters", "proxy/reply", "proxy/upstream", "proxy/net", "proxy/shared"],
     "not on the request path"),
    ("request-path", r"\bany_io_executor\b", ["proxy"], "name the concrete executor"),
    ("request-path", r"\benable_shared_from_this\b", LAYERS, "one owner; count the operations instead"),
    ("rand", r"\b(srand|rand|random|drand48)\(", LAYERS, "use base/rng.h or base/crypto/random.h"),
    ("sleep", r"\b(sleep_for|sleep_until|usleep|nanosleep)\s*\(", [f"tests/{layer}" for layer in LAYERS],
     "a unit test turns a fake clock"),
]


def check_header(path: pathlib.Path, lines: list[str], findings: Findings) -> None:
    opening = lines[:3]
    if len(opening) < 3 or not all(line.startswith("//") for line in opening):
        findings.add("header", path, 1, "a header opens with three comment lines: what it is, who owns it, which thread")
    if lines.count("#pragma once") != 1:
        findings.add("header", path, 1, "#pragma once is missing")


def strip_strings(line: str) -> str:
    """The line without the text of its string literals: a rule about code does not judge a message."""
    return re.sub(r'"(?:[^"\\]|\\.)*"', '""', line)


def check_lines(path: pathlib.Path, lines: list[str], findings: Findings) -> None:
    rules = [r for r in FORBIDDEN if any(str(path).startswith(prefix + "/") for prefix in r[2])]
    for number, line in enumerate(lines, 1):
        code = strip_strings(line)
        for rule, pattern, _, why in rules:
            # Comments may name what the code must not use; words and promises count everywhere.
            text = code if rule in ("todo", "words", "kubernetes") else code.split("//")[0]
            found = re.search(pattern, text)
            if found:
                findings.add(rule, path, number, f"{found[0]}: {why}")
        if line.rstrip() != line:
            findings.add("whitespace", path, number, "blanks at the end of the line")


def check_mirror(root: pathlib.Path, path: pathlib.Path, findings: Findings) -> None:
    """tests/base/slab_test.cc tests base/slab.*; one test may cover several sources that begin with the same word."""
    folder = root / pathlib.Path(*path.parts[1:-1])
    stem = path.stem.removesuffix("_test")
    sources = {entry.stem for entry in folder.glob("*") if entry.suffix in (".h", ".cc") or entry.is_dir()}
    first = stem.split("_")[0]
    named = any(f"_{source}_" in f"_{stem}_" for source in sources)
    related = any(source.split("_")[0] == first or (len(first) > 3 and source.startswith(first)) for source in sources)
    if not (named or related):
        findings.add("mirror", path, 1, f"no source {folder.relative_to(root)}/{stem}.{{h,cc}} that this tests")


def check_shell(root: pathlib.Path, findings: Findings) -> None:
    scripts = [root / "dev", root / ".ci/run"] + sorted((root / "tools").glob("*.sh"))
    for script in scripts:
        if not script.exists():
            findings.add("shell", script.relative_to(root), 1, "missing")
            continue
        result = subprocess.run(["bash", "-n", script], capture_output=True, text=True, check=False)
        if result.returncode != 0:
            findings.add("shell", script.relative_to(root), 1, result.stderr.strip())
        if not script.stat().st_mode & 0o111:
            findings.add("shell", script.relative_to(root), 1, "not executable")


def main() -> int:
    root = pathlib.Path(sys.argv[1]).resolve()
    findings = Findings(root)
    seen = 0
    for path in files(root, LAYERS + ["tests", "bench", "tools", "cmake"], (".h", ".cc", ".py", ".sh", ".cmake")):
        if path.parts[:2] == ("tests", "style"):
            continue
        seen += 1
        lines = (root / path).read_text().splitlines()
        if path.suffix == ".h":
            check_header(path, lines, findings)
        most = MAX_TEST_LINES if path.parts[0] == "tests" else MAX_LINES
        if path.suffix in (".h", ".cc") and len(lines) > most:
            findings.add("size", path, len(lines), f"{len(lines)} lines; a file is one idea, {most} at most")
        check_lines(path, lines, findings)
        if path.name.endswith("_test.cc") and path.parts[0] == "tests" and path.parts[1] in LAYERS:
            check_mirror(root, path, findings)
    check_shell(root, findings)
    if seen == 0:
        print(f"no source found under {root}")
        return 1
    return findings.report()


if __name__ == "__main__":
    sys.exit(main())
