"""Proves that an include that points up, or at a sibling, does not compile.

For every layer: with exactly the include paths of its CMake target, a source that includes a header of a layer that is
not below it must fail for that very header (or, where a layer lies within another's folder, for one that the header
includes and the layer may not see), and a source that includes one header of each layer below must find it.

usage: check_walls.py ROOT COMPILER INCLUDES_FOLDER   (INCLUDES_FOLDER/<layer> lists a target's include paths)
"""

import pathlib
import re
import subprocess
import sys

from tree import BELOW, INNER, LAYERS, layer_of


def preprocess(compiler: str, includes: list[str], source: str) -> subprocess.CompletedProcess:
    command = [compiler, "-std=c++20", "-x", "c++", "-fsyntax-only", *[f"-I{path}" for path in includes], "-"]
    return subprocess.run(command, input=source, capture_output=True, text=True, check=False, cwd="/")


FOLDERS = {**{layer: layer for layer in LAYERS}, **{layer: folder for folder, layer in INNER.items()}}
NOT_FOUND = re.compile(r"'?([\w/]+\.h)'?(?:: No such file or directory| file not found)")


def a_header(root: pathlib.Path, layer: str) -> str | None:
    found = [p.relative_to(root) for p in sorted((root / FOLDERS[layer]).rglob("*.h"))]
    return next((str(header) for header in found if layer_of(header) == layer), None)


def check(compiler: str, layer: str, other: str, header: str, includes: list[str]) -> str | None:
    """What is wrong with the wall between layer and other, or None."""
    if other == layer or other in BELOW[layer]:
        result = preprocess(compiler, includes, f'#if !__has_include("{header}")\n#error hidden\n#endif\n')
        return None if result.returncode == 0 else f"{layer} cannot see {header} below it: {result.stderr}"
    result = preprocess(compiler, includes, f'#include "{header}"\n')
    if result.returncode == 0:
        return f"{layer} includes {header} and compiles"
    missing = NOT_FOUND.search(result.stderr)
    hidden = missing and (missing[1] == header or other in INNER.values() and layer_of(missing[1]) not in BELOW[layer])
    if not hidden:
        return f"{layer} includes {header} and fails for another reason: {result.stderr}"
    return None


def main() -> int:
    root = pathlib.Path(sys.argv[1]).resolve()
    compiler = sys.argv[2]
    problems = []
    walls = 0
    for layer in FOLDERS:
        includes = [p for p in (pathlib.Path(sys.argv[3]) / layer).read_text().strip().split(";") if p]
        if str(root) in includes:
            problems.append(f"{layer} has the repository's root as an include path")
        for other in FOLDERS:
            header = a_header(root, other)
            if header is None:
                continue
            walls += 1
            problem = check(compiler, layer, other, header, includes)
            if problem:
                problems.append(problem)
    print(*problems, f"{walls} pairs of layers tried, {len(problems)} wrong", sep="\n")
    return 1 if problems or walls == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
