"""What the system may do to the process: too few threads, a file size limit, signals, closed descriptors."""

import os
import resource
import signal
import subprocess
import tempfile
import time
import unittest

from support import HEADGATE, PATIENCE, SANITIZED, Headgate, free_port, request, wait_until

CONFIG = """
listeners: [{name: web, address: "127.0.0.1:{port:web}"}]
routes: [{name: fine, respond: {status: 200, body: fine}}]
"""
NOBODY = 61_234  # a user with no other process: the limit counts a user's processes
FILE_LIMIT = 64 * 1024
# A sanitizer's search for leaks takes a process of its own.
QUIET = {**os.environ, "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}


class TooFewThreads(unittest.TestCase):
    @unittest.skipUnless(os.geteuid() == 0, "needs root to become a user without other processes")
    def test_end_the_start_at_once_and_are_named(self):
        with tempfile.TemporaryDirectory(prefix="hg-threads-") as folder:
            os.chmod(folder, 0o755)
            path = f"{folder}/headgate.yaml"
            with open(path, "w", encoding="utf-8") as file:
                file.write(f'workers: 4\nmetrics: none\nadmin: none\naccessLog: {{to: "off"}}\n'
                           f'listeners: [{{name: web, address: "127.0.0.1:{free_port()}"}}]\n')
            for allowed in range(1, 8):  # none to all but one of the eight
                with self.subTest(allowed=allowed):
                    self.ends(path, allowed)

    def ends(self, path: str, allowed: int) -> None:
        def limit() -> None:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            resource.setrlimit(resource.RLIMIT_NPROC, (allowed, allowed))

        with open(HEADGATE, "rb") as binary:  # the folder that it lies in may be closed to that user
            began = time.monotonic()
            child = subprocess.Popen([f"/proc/self/fd/{binary.fileno()}", "run", "--config", path],
                                     pass_fds=[binary.fileno()], preexec_fn=limit, env=QUIET,
                                     stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            try:
                _, text = child.communicate(timeout=10)
            except subprocess.TimeoutExpired:
                child.kill()
                child.communicate()
                self.fail("it hangs")
        self.assertEqual(child.returncode, 1, text)
        self.assertIn("a thread cannot be made", text)
        self.assertIn("8 threads are needed (workers: 4", text)
        self.assertIn(f"(ulimit -u) is {allowed}", text)
        self.assertLess(time.monotonic() - began, 1 if not SANITIZED else 10)


class TooFewDescriptors(unittest.TestCase):
    def test_end_the_start_with_a_sentence(self):
        with tempfile.TemporaryDirectory(prefix="hg-files-") as folder:
            path = f"{folder}/headgate.yaml"
            with open(path, "w", encoding="utf-8") as file:
                file.write(f'workers: 4\nmetrics: none\nadmin: none\naccessLog: {{to: "off"}}\n'
                           f'listeners: [{{name: web, address: "127.0.0.1:{free_port()}"}}]\n')
            codes = set()
            for allowed in range(8, 36, 2):
                limit = lambda allowed=allowed: resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, allowed))
                result = subprocess.run([HEADGATE, "run", "--config", path], preexec_fn=limit, capture_output=True,
                                        env=QUIET, text=True, timeout=PATIENCE, check=False)
                # The sanitizer's look at an object needs descriptors of its own, and without them it takes it for a bad one.
                if SANITIZED and "memory cannot be printed" in result.stderr:
                    continue
                codes.add(result.returncode)
                self.assertIn("Too many open files", result.stderr, allowed)
            self.assertLessEqual(codes, {1, 3})


class AFileSizeLimit(unittest.TestCase):
    def test_ends_nothing_and_breaks_no_line_when_the_access_log_reaches_it(self):
        with Headgate(CONFIG) as headgate:
            resource.prlimit(headgate.pid, resource.RLIMIT_FSIZE, (FILE_LIMIT, resource.RLIM_INFINITY))
            wait_until(lambda: [request(headgate.port(), f"/{number}") for number in range(100)]
                       and headgate.metric("headgate_access_log_dropped_total") > 0, "lines that are dropped")
            self.assertEqual(request(headgate.port()).text, "fine")
            wait_until(lambda: "access log: cannot be written (File too large)" in headgate.logs(), "a word in the log")
            text = headgate.access_log.read_text()
            self.assertEqual(len(text), FILE_LIMIT)
            resource.prlimit(headgate.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            wait_until(lambda: request(headgate.port(), "/again") and "access log: is written again" in headgate.logs(), "a word of its end")
            # Lines are dropped until the ring has room again.
            wait_until(lambda: request(headgate.port(), "/room") and headgate.access_lines()[-1]["path"] == "/room", "room for a line")
            self.assertEqual(headgate.stop(), 0)
            self.assertEqual(headgate.access_lines()[-1]["path"], "/room")  # and each line before it is whole

    def test_stops_in_time_and_the_next_process_begins_on_a_line_of_its_own(self):
        with Headgate(CONFIG) as headgate:
            resource.prlimit(headgate.pid, resource.RLIMIT_FSIZE, (FILE_LIMIT, FILE_LIMIT))
            wait_until(lambda: [request(headgate.port(), f"/{number}") for number in range(100)]
                       and headgate.metric("headgate_access_log_dropped_total") > 0, "lines that are dropped")
            began = time.monotonic()
            self.assertEqual(headgate.stop(), 0)
            self.assertLess(time.monotonic() - began, 5)
            with Headgate(CONFIG + f"accessLog: {{to: {headgate.access_log}}}\n") as successor:
                request(successor.port(), "/next")
                self.assertEqual(successor.stop(), 0)
            self.assertEqual(headgate.access_log.read_bytes()[FILE_LIMIT:FILE_LIMIT + 2], b"\n{")

    def test_ends_nothing_when_the_log_reaches_it(self):
        with Headgate(CONFIG) as headgate:
            size = headgate.child.log.stat().st_size
            resource.prlimit(headgate.pid, resource.RLIMIT_FSIZE, (size + 10, size + 10))
            for _ in range(3):
                headgate.reload()
            self.assertEqual(headgate.child.log.stat().st_size, size + 10)
            self.assertEqual(request(headgate.port()).text, "fine")
            self.assertEqual(headgate.stop(), 0)


class Signals(unittest.TestCase):
    def test_sigquit_drains(self):
        with Headgate(CONFIG) as headgate:
            self.assertEqual(headgate.stop(signal.SIGQUIT), 0)
            self.assertIn("draining", headgate.logs())

    def test_sigusr2_is_ignored_and_told(self):
        with Headgate(CONFIG) as headgate:
            headgate.send_signal(signal.SIGUSR2)
            wait_until(lambda: "SIGUSR2 is ignored" in headgate.logs(), "a line about the signal")
            self.assertEqual(request(headgate.port()).text, "fine")
            self.assertEqual(headgate.stop(), 0)


class ClosedDescriptors(unittest.TestCase):
    def test_become_dev_null(self):
        with tempfile.TemporaryDirectory(prefix="hg-closed-") as folder:
            port = free_port()
            path = f"{folder}/headgate.yaml"
            with open(path, "w", encoding="utf-8") as file:
                file.write(f'metrics: none\nadmin: none\nlisteners: [{{name: web, address: "127.0.0.1:{port}"}}]\n'
                           'routes: [{name: fine, respond: {status: 200, body: fine}}]\n')

            def close() -> None:
                for descriptor in (0, 1, 2):
                    os.close(descriptor)

            child = subprocess.Popen([HEADGATE, "run", "--config", path], preexec_fn=close)
            try:
                wait_until(lambda: request(port).text == "fine", "an answer")
                for descriptor in (0, 1, 2):
                    self.assertEqual(os.readlink(f"/proc/{child.pid}/fd/{descriptor}"), "/dev/null")
            finally:
                child.terminate()
                self.assertEqual(child.wait(PATIENCE), 0)


if __name__ == "__main__":
    unittest.main()
