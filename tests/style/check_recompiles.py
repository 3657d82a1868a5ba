"""What a new configuration key compiles again: the compilations that read config/model.h. They are few, and none of them
is on the request path.

usage: check_recompiles.py ROOT COMPILE_COMMANDS
"""

import json
import pathlib
import re
import sys

from tree import LAYERS, layer_of

HEADER = "config/model.h"
MOST = 6
NEVER = ["base", "http", "metrics", "routing", "proxy"]

INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)


class Tree:
    def __init__(self, root: pathlib.Path):
        self._root = root
        self._includes: dict[str, list[str]] = {}

    def includes(self, path: str) -> list[str]:
        if path not in self._includes:
            file = self._root / path
            self._includes[path] = INCLUDE.findall(file.read_text()) if file.is_file() else []
        return self._includes[path]

    def reach(self, path: str) -> set[str]:
        seen = {path}
        waiting = [path]
        while waiting:
            for header in self.includes(waiting.pop()):
                if header not in seen:
                    seen.add(header)
                    waiting.append(header)
        return seen


def compilations(root: pathlib.Path, commands: pathlib.Path) -> list[str]:
    """Sources of the layers' own compilations; tests may read what they like."""
    of_layer = re.compile(rf" -o ({'|'.join(LAYERS)})/(compile/)?CMakeFiles/")
    return [entry["file"] for entry in json.loads(commands.read_text()) if of_layer.search(entry["command"])]


def main() -> int:
    root = pathlib.Path(sys.argv[1]).resolve()
    tree = Tree(root)
    sources = compilations(root, pathlib.Path(sys.argv[2]))
    if not sources:
        print(f"no compilation of a layer in {sys.argv[2]}")
        return 1
    problems = []
    readers = [source for source in sources if HEADER in tree.reach(source)]
    if not readers or len(readers) > MOST:
        problems.append(f"{len(readers)} of {len(sources)} compilations read {HEADER}, {MOST} at most:")
        problems += [f"  {pathlib.Path(source).name}" for source in readers]
    for layer in NEVER:
        for path in sorted((root / layer).rglob("*.cc")):
            name = str(path.relative_to(root))
            if layer_of(name) == layer and any(header.startswith("config/") for header in tree.reach(name)):
                problems.append(f"{name} reads the configuration's headers")
    print(*problems, f"{len(readers)} of {len(sources)} compilations read {HEADER}", sep="\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
