"""README's promises that a script can check: its configuration is valid and does what it says, its length, its links."""

import pathlib
import re
import tempfile
import unittest

from support import run_headgate

ROOT = pathlib.Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()


class Readme(unittest.TestCase):
    def test_its_canary_file_is_twelve_lines_and_valid(self):
        text = re.search(r"```yaml\n(.*?)```", README, re.DOTALL)[1]
        self.assertEqual(len(text.splitlines()), 12)
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "headgate.yaml")
            path.write_text(text)
            result = run_headgate("validate", str(path))
            self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
            result = run_headgate("explain", "--config", str(path), "GET", "http://shop.example.com/")
            self.assertIn("shop-v1 (95 of 100), shop-v2 (5 of 100)", result.stdout)

    def test_it_is_short(self):
        self.assertLess(len(README.split()), 700)

    def test_its_first_screen_has_the_two_commands(self):
        first = "\n".join(README.splitlines()[:40])
        self.assertIn("./dev run", first)
        self.assertIn("./dev test", first)

    def test_links_lead_somewhere(self):
        for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
            for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
                with self.subTest(f"{page.name}: {target}"):
                    self.assertTrue((page.parent / target).exists())


if __name__ == "__main__":
    unittest.main()
