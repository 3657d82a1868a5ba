"""Runs one end-to-end script's unittest cases. Exit code: 0 passed, 1 failed, 77 when every case was skipped.

Each skipped case is printed as a line "SKIPPED <script>.<class>.<case>: <reason>", which .ci/run counts and judges. Cases
that took longer than a second are listed at the end.
"""

import pathlib
import sys
import time
import unittest


class TimedResult(unittest.TextTestResult):
    """Knows how long each case took, in seconds."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.times: list[tuple[float, str]] = []

    def startTest(self, test):  # noqa: N802 (unittest's name)
        self._began = time.monotonic()
        super().startTest(test)

    def stopTest(self, test):  # noqa: N802
        super().stopTest(test)
        self.times.append((time.monotonic() - self._began, test.id()))


def main() -> int:
    script = pathlib.Path(sys.argv[1]).resolve()
    sys.path.insert(0, str(script.parent))
    suite = unittest.defaultTestLoader.loadTestsFromName(script.stem)
    result = unittest.TextTestRunner(verbosity=2, failfast=False, resultclass=TimedResult).run(suite)
    for seconds, case in sorted(result.times, reverse=True):
        if seconds >= 1:
            print(f"{seconds:7.1f} s  {case}", flush=True)
    for case, reason in result.skipped:
        print(f"SKIPPED {case.id()}: {reason}", flush=True)
    if not result.wasSuccessful() or result.testsRun == 0:
        return 1
    return 77 if len(result.skipped) == result.testsRun else 0


if __name__ == "__main__":
    sys.exit(main())
