"""Counts the tests of several ctest runs and judges the skipped ones.

usage: ci_report.py ALLOWED_SKIPS RESULT.xml...

Prints one line for each failure, each missing result, each skip and each test that failed beside others and passed when
it was run again by itself (RESULT.again.xml); the last line is "N passed, N failed, N skipped".
Exit code 1 on a failure, a missing result, or a skip that ALLOWED_SKIPS doesn't give a reason for.
"""

import fnmatch
import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree

# What tests/end_to_end/run.py prints for a case of a script that was skipped.
SKIPPED_CASE = re.compile(r"^SKIPPED (\S+): (.*)$", re.MULTILINE)


def allowed_skips(path: pathlib.Path) -> list[str]:
    """The patterns of the file; a line without a reason is an error."""
    patterns = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = re.fullmatch(r"(\S+): (\S.*)", line)
        if not match:
            raise SystemExit(f"{path}:{number}: not of the form 'name: reason'")
        patterns.append(match[1])
    return patterns


class Report:
    def __init__(self, allowed: list[str]):
        self._allowed = allowed
        self.passed = 0
        self.failed = 0
        self.skipped = 0

    def fail(self, what: str) -> None:
        self.failed += 1
        print(f"FAILED  {what}")

    def skip(self, run: str, name: str, reason: str) -> None:
        self.skipped += 1
        print(f"skipped {run}: {name}: {reason}")
        if not any(fnmatch.fnmatch(name, pattern) for pattern in self._allowed):
            self.fail(f"{run}: {name} was skipped, and tests/allowed-skips gives no reason for it")

    def case(self, run: str, case: ElementTree.Element, again: set[str]) -> None:
        name = case.get("name", "?")
        status = case.get("status", "?")
        output = case.findtext("system-out") or ""
        skipped_cases = SKIPPED_CASE.findall(output)
        if status == "fail" and name in again:
            self.passed += 1
            print(f"again   {run}: {name} failed, and passed when it was run again by itself")
        elif status == "fail":
            self.fail(f"{run}: {name}")
        elif status == "run":
            self.passed += 1
            for skipped, reason in skipped_cases:
                self.skip(run, skipped, reason)
        elif skipped_cases:
            for skipped, reason in skipped_cases:
                self.skip(run, skipped, reason)
        else:
            self.skip(run, name, why(output, status))

    def run(self, path: pathlib.Path) -> None:
        if not path.exists():
            self.fail(f"{path.stem}: no result; it did not build, or did not start")
            return
        cases = cases_of(path)
        if not cases:
            self.fail(f"{path.stem}: no test ran")
        second = path.with_suffix(".again.xml")
        again = {case.get("name", "?") for case in cases_of(second) if case.get("status") == "run"} if second.exists() else set()
        for case in cases:
            self.case(path.stem, case, again)


def cases_of(path: pathlib.Path) -> list[ElementTree.Element]:
    return list(ElementTree.parse(path).getroot().iter("testcase"))


def why(output: str, status: str) -> str:
    """The reason that a googletest case gave: the line after the place where it was skipped."""
    lines = output.splitlines()
    for number, line in enumerate(lines):
        if line.endswith(": Skipped") and number + 1 < len(lines):
            return lines[number + 1].strip()
    return status


def main() -> int:
    report = Report(allowed_skips(pathlib.Path(sys.argv[1])))
    for path in sys.argv[2:]:
        report.run(pathlib.Path(path))
    print(f"{report.passed} passed, {report.failed} failed, {report.skipped} skipped")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
