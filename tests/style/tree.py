"""What the style checks share: the repository's files, and exceptions with a reason."""

import fnmatch
import pathlib
import re

LAYERS = ["base", "http", "config", "metrics", "routing", "proxy", "control", "app"]

# A layer within another's folder.
INNER = {"routing/compile": "compile"}

# What each layer may include besides itself. An include only ever points down; siblings never meet.
BELOW = {
    "base": [],
    "http": ["base"],
    "config": ["base"],
    "metrics": ["base"],
    "routing": ["base", "http"],
    "compile": ["base", "http", "config", "routing"],
    "proxy": ["base", "http", "metrics", "routing"],
    "control": ["base", "http", "config", "metrics", "routing", "compile", "proxy"],
    "app": ["base", "http", "config", "metrics", "routing", "compile", "proxy", "control"],
}


def layer_of(path: pathlib.PurePath | str) -> str:
    """The layer of a source or of an include, "" for what is none of ours."""
    path = str(path)
    for folder, layer in INNER.items():
        if path.startswith(folder + "/"):
            return layer
    first = path.split("/")[0]
    return first if first in LAYERS and "/" in path else ""


def files(root: pathlib.Path, folders: list[str], suffixes: tuple[str, ...]):
    """Every file with one of the suffixes under the folders, as paths relative to the root, sorted."""
    for folder in folders:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in suffixes and path.is_file():
                yield path.relative_to(root)


def exceptions(root: pathlib.Path) -> list[tuple[str, str]]:
    """(rule, path pattern) of every line "rule path: reason" in tests/style/exceptions."""
    found = []
    source = root / "tests/style/exceptions"
    for number, line in enumerate(source.read_text().splitlines() if source.exists() else [], 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = re.fullmatch(r"(\S+) (\S+): (\S.*)", line)
        if not match:
            raise SystemExit(f"{source}:{number}: not of the form 'rule path: reason'")
        found.append((match[1], match[2]))
    return found


class Findings:
    """Problems found, less the excepted ones."""

    def __init__(self, root: pathlib.Path):
        self._excepted = exceptions(root)
        self._lines: list[str] = []

    def add(self, rule: str, path: pathlib.Path, line: int, text: str) -> None:
        if any(rule == r and fnmatch.fnmatch(str(path), p) for r, p in self._excepted):
            return
        self._lines.append(f"{path}:{line}: [{rule}] {text}")

    def report(self) -> int:
        """Prints all problems; the exit code of the check."""
        for line in self._lines:
            print(line)
        print(f"{len(self._lines)} problems" if self._lines else "no problems")
        return 1 if self._lines else 0
