"""tools/ci_report.py: what it counts and what it fails on."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

REPORT = pathlib.Path(__file__).resolve().parents[2] / "tools/ci_report.py"


def case(name: str, status: str, output: str = "") -> str:
    return f'<testcase name="{name}" status="{status}"><system-out>{output}</system-out></testcase>'


class CiReport(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.folder = pathlib.Path(holder.name)
        (self.folder / "allowed").write_text("e2e.Browser.*: not everywhere\n")

    def write(self, name: str, *cases: str) -> None:
        (self.folder / name).write_text(f"<testsuite>{''.join(cases)}</testsuite>")

    def report(self, *names: str) -> tuple[int, list[str]]:
        result = subprocess.run([sys.executable, "-B", REPORT, self.folder / "allowed", *(self.folder / name for name in names)],
                                capture_output=True, text=True, check=False)
        return result.returncode, result.stdout.splitlines()

    def test_all_passed(self):
        self.write("dev.xml", case("a", "run"), case("b", "run"))
        self.write("asan.xml", case("a", "run"))
        self.assertEqual(self.report("dev.xml", "asan.xml"), (0, ["3 passed, 0 failed, 0 skipped"]))

    def test_a_failure_fails(self):
        self.write("dev.xml", case("a", "run"), case("b", "fail"))
        self.assertEqual(self.report("dev.xml"), (1, ["FAILED  dev: b", "1 passed, 1 failed, 0 skipped"]))

    def test_what_passed_when_run_again_is_named_and_counts(self):
        self.write("dev.xml", case("a", "fail"), case("b", "fail"), case("c", "run"))
        self.write("dev.again.xml", case("a", "run"), case("b", "fail"))
        code, lines = self.report("dev.xml")
        self.assertEqual(code, 1)
        self.assertEqual(lines, ["again   dev: a failed, and passed when it was run again by itself", "FAILED  dev: b",
                                 "2 passed, 1 failed, 0 skipped"])

    def test_a_missing_or_empty_result_fails(self):
        self.write("empty.xml")
        code, lines = self.report("empty.xml", "missing.xml")
        self.assertEqual((code, lines[-1]), (1, "0 passed, 2 failed, 0 skipped"))

    def test_a_skip_needs_a_reason(self):
        self.write("dev.xml", case("e2e", "run", "SKIPPED e2e.Browser.one: no browser"), case("x", "notrun"))
        code, lines = self.report("dev.xml")
        self.assertEqual(code, 1)
        self.assertEqual(lines[-1], "1 passed, 1 failed, 2 skipped")


if __name__ == "__main__":
    unittest.main()
