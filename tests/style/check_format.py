"""clang-format has nothing to say about any source. Exit code 77 (skipped) where clang-format-19 is not installed.

usage: check_format.py ROOT
"""

import pathlib
import shutil
import subprocess
import sys

from tree import LAYERS, files


def main() -> int:
    root = pathlib.Path(sys.argv[1]).resolve()
    formatter = shutil.which("clang-format-19")
    if formatter is None:
        print("SKIPPED style.format: clang-format-19 is not installed")
        return 77
    sources = [str(path) for path in files(root, LAYERS + ["tests", "bench"], (".h", ".cc"))]
    result = subprocess.run([formatter, "--dry-run", "--Werror", *sources], cwd=root, capture_output=True, text=True,
                            check=False)
    wrong = sorted({line.split(":")[0] for line in result.stderr.splitlines() if "clang-format-violations" in line})
    for path in wrong:
        print(f"{path}: not formatted; ./dev format does it")
    if result.returncode != 0 and not wrong:
        print(result.stderr)
    return 1 if result.returncode != 0 else 0


if __name__ == "__main__":
    sys.exit(main())
