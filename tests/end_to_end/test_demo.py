"""The demo, as someone who never saw headgate would follow it: the three commands that it prints, run as printed."""

import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import unittest

from support import HEADGATE, PATIENCE, Child, free_port, request, run_headgate, wait_until


class Demo(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="hg-demo-test-")
        self.addCleanup(holder.cleanup)
        self.folder = pathlib.Path(holder.name)
        self.ports = {name: free_port() for name in ("http", "https", "metrics", "admin")}
        options = [text for name, port in self.ports.items() for text in (f"--{name}", str(port))]
        self.child = Child([HEADGATE, "demo", *options], self.folder / "out.log", {"TMPDIR": str(self.folder)})
        self.addCleanup(self.child.kill)
        wait_until(lambda: "Ctrl-C" in self.child.log.read_text(), "the demo to say what to try")
        self.output = self.child.log.read_text()
        self.commands = [line.strip() for line in self.output.splitlines() if re.match(r"   (for|curl|sed) ", line)]

    def run_command(self, index: int) -> str:
        result = subprocess.run(["bash", "-c", self.commands[index]], capture_output=True, text=True, check=False, timeout=5 * PATIENCE)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def split(self) -> dict[str, int]:
        return {version: int(count) for count, version in re.findall(r'(\d+) "version":"(v.)"', self.run_command(0))}

    def test_the_three_commands_do_what_they_promise(self):
        self.assertEqual(len(self.commands), 3, self.output)
        before = self.split()
        self.assertEqual(sum(before.values()), 100)
        self.assertLess(abs(before["v2"] - 10), 6)
        self.assertIn('"version":"v2"', self.run_command(1))
        config = pathlib.Path(self.commands[2].split()[-1])
        generation = request(self.ports["admin"], "/config").json()["generation"]
        self.run_command(2)
        wait_until(lambda: request(self.ports["admin"], "/config").json()["generation"] > generation, "the change to be seen")
        after = self.split()
        self.assertLess(abs(after["v2"] - 50), 6)
        self.assertIn('"route":"shop"', (config.parent / "access.log").read_text())
        self.assertNotIn('"route":', self.child.log.read_text())
        self.assertEqual(self.child.stop(signal.SIGINT), 0)
        self.assertTrue(self.child.log.read_text().endswith("bye\n"))
        self.assertFalse(config.parent.exists())

    def test_its_configuration_explains_itself_and_is_valid(self):
        config = self.commands[2].split()[-1]
        result = run_headgate("validate", config)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertGreater(pathlib.Path(config).read_text().count("#"), 5)


class APortIsTaken(unittest.TestCase):
    def test_is_3_and_says_which_and_what_to_do(self):
        with socket.create_server(("127.0.0.1", 0)) as taken, tempfile.TemporaryDirectory() as folder:
            port = taken.getsockname()[1]
            result = run_headgate("demo", "--http", str(port), "--https", str(free_port()), "--metrics", str(free_port()),
                                  "--admin", str(free_port()), env={"TMPDIR": folder})
            self.assertEqual(result.returncode, 3)
            self.assertIn(f"127.0.0.1:{port}", result.stderr)
            self.assertIn("--http", result.stderr)
            self.assertEqual(os.listdir(folder), [])


if __name__ == "__main__":
    unittest.main()
