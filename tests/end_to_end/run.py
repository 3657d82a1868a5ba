"""Runs one end-to-end script's unittest cases. Exit code: 0 passed, 1 failed, 77 when every case was skipped.

Each skipped case is printed as a line "SKIPPED <script>.<class>.<case>: <reason>", which .ci/run counts and judges.
"""

import pathlib
import sys
import unittest


def main() -> int:
    script = pathlib.Path(sys.argv[1]).resolve()
    sys.path.insert(0, str(script.parent))
    suite = unittest.defaultTestLoader.loadTestsFromName(script.stem)
    result = unittest.TextTestRunner(verbosity=2, failfast=False).run(suite)
    for case, reason in result.skipped:
        print(f"SKIPPED {case.id()}: {reason}", flush=True)
    if not result.wasSuccessful() or result.testsRun == 0:
        return 1
    return 77 if len(result.skipped) == result.testsRun else 0


if __name__ == "__main__":
    sys.exit(main())
