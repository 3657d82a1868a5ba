"""Every header compiles alone, with the include paths of its layer.

usage: check_headers.py COMPILE_COMMANDS [-j N]
"""

import argparse
import concurrent.futures
import json
import pathlib
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LAYERS = ["base", "http", "config", "metrics", "routing", "proxy", "control", "app"]
COMPILE = pathlib.Path("routing/compile")  # a layer of its own, within another's folder


def layer_of(path: pathlib.Path) -> str:
    return "compile" if path.is_relative_to(COMPILE) else path.parts[0]


def flags_by_layer(compile_commands: pathlib.Path) -> dict[str, list[str]]:
    """Compiler, includes and definitions of one source of each layer."""
    found = {}
    for entry in json.loads(compile_commands.read_text()):
        words = shlex.split(entry["command"])
        output = pathlib.Path(entry.get("output", words[words.index("-o") + 1]))
        layer = layer_of(output)
        if output.parts[0] not in LAYERS or layer in found:
            continue
        compiler = next(w for w in words if pathlib.Path(w).name.startswith(("clang++", "g++")))
        keep = [w for w in words if w.startswith(("-I", "-D", "-std", "-W"))]
        system = [x for i, w in enumerate(words) if w == "-isystem" for x in words[i : i + 2]]
        found[layer] = [compiler, *keep, *system]
    return found


def compile_alone(flags: list[str], header: pathlib.Path) -> str:
    command = [*flags, "-x", "c++", "-fsyntax-only", "-"]
    source = f'#include "{header}"\n'
    result = subprocess.run(command, input=source, capture_output=True, text=True, check=False, cwd="/")
    return "" if result.returncode == 0 else f"{header} does not compile alone\n{result.stderr}"


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("compile_commands", type=pathlib.Path)
    parser.add_argument("-j", type=int, default=2)
    options = parser.parse_args()
    flags = flags_by_layer(options.compile_commands)
    headers = [path.relative_to(ROOT) for layer in LAYERS for path in sorted((ROOT / layer).rglob("*.h"))]
    with concurrent.futures.ThreadPoolExecutor(options.j) as pool:
        problems = [p for p in pool.map(lambda h: compile_alone(flags[layer_of(h)], h), headers) if p]
    print(*problems, f"{len(headers)} headers, {len(problems)} do not compile alone", sep="\n")
    return 1 if problems or not headers else 0


if __name__ == "__main__":
    sys.exit(main())
