"""Traffic through the binary with real clients and a real nginx behind: routing, splits, large bodies, failures, limits."""

import collections
import hashlib
import os
import pathlib
import re
import signal
import socket
import subprocess
import threading
import time
import unittest

from support import (PATIENCE, SANITIZED, Headgate, Nginx, RawServer, RawSocket, Wrk, curl, need, raw, request, wait_until)

VERSIONS = {"v1": 'location / { return 200 "v1\\n"; }', "v2": 'location / { return 200 "v2\\n"; }'}

CANARY = """
listeners: [{name: web, address: "127.0.0.1:{port:web}"}]
workers: 1
upstreams:
  v1: {endpoints: ["V1"]}
  v2: {endpoints: ["V2"]}
routes:
  - name: shop
    hostnames: [shop.example.com, "*.shop.example.com"]
    backends:
      - {upstream: v1, weight: 90}
      - {upstream: v2, weight: 10, force: [{header: {name: x-canary, exact: always}}]}
  - name: sticky
    hostnames: [sticky.example.com]
    backends: [{upstream: v1, weight: 50}, {upstream: v2, weight: 50}]
    sticky: {by: cookie, name: hg_shop, ttl: 1h}
  - name: colours
    hostnames: [colours.example.com]
    blueGreen: {active: blue, blue: v1, green: v2, preview: {header: {name: x-preview, exact: "1"}}}
  - name: old
    hostnames: [www.example.com]
    redirect: {hostname: shop.example.com, scheme: https, status: 301}
  - name: private
    hostnames: [private.example.com]
    access: {deny: [127.0.0.0/8]}
    backends: [{upstream: v1}]
"""


class Splits(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.nginx = Nginx(VERSIONS)
        cls.headgate = Headgate(CANARY.replace("V1", cls.nginx.address("v1")).replace("V2", cls.nginx.address("v2")))

    @classmethod
    def tearDownClass(cls):
        cls.headgate.close()
        cls.nginx.close()

    def ask(self, host: str, **headers: str):
        return request(self.headgate.port(), "/", headers={"Host": host, **{k.replace("_", "-"): v for k, v in headers.items()}})

    def test_weights_are_a_smooth_sequence(self):
        counts = collections.Counter()
        with RawSocket(self.headgate.port()) as connection:
            for _ in range(1000):
                connection.send(b"GET / HTTP/1.1\r\nHost: a.shop.example.com\r\n\r\n")
                counts[connection.response().text.strip()] += 1
        self.assertAlmostEqual(counts["v2"], 100, delta=2)

    def test_a_forced_request_goes_where_it_was_told(self):
        self.assertEqual({self.ask("shop.example.com", x_canary="always").text for _ in range(20)}, {"v2\n"})

    def test_a_user_keeps_the_version(self):
        first = self.ask("sticky.example.com")
        cookie = first.headers["set-cookie"]
        self.assertRegex(cookie, r"^hg_shop=[^;]+; .*HttpOnly")
        value = cookie.split(";")[0]
        for _ in range(20):
            again = self.ask("sticky.example.com", Cookie=value)
            self.assertEqual(again.text, first.text)
            self.assertNotIn("set-cookie", again.headers)

    def test_blue_green_and_its_preview(self):
        self.assertEqual({self.ask("colours.example.com").text for _ in range(10)}, {"v1\n"})
        self.assertEqual(self.ask("colours.example.com", x_preview="1").text, "v2\n")

    def test_a_redirect_is_absolute(self):
        answer = request(self.headgate.port(), "/a?b=c", headers={"Host": "www.example.com"})
        self.assertEqual((answer.status, answer.headers["location"]), (301, "https://shop.example.com/a?b=c"))

    def test_the_access_list_refuses(self):
        self.assertEqual(self.ask("private.example.com").status, 403)

    def test_another_host_is_404_and_explained(self):
        answer = self.ask("nobody.example.com")
        self.assertEqual(answer.status, 404)
        self.assertIn("request id: ", answer.text)


class Bodies(unittest.TestCase):
    """A long body in both directions; the process stays small. With HEADGATE_SOAK=1 it is 10 GiB."""

    SIZE = (10 << 30) if os.environ.get("HEADGATE_SOAK") else (256 << 20)

    def test_a_long_upload_and_download_stay_within_64_mib(self):
        size = self.SIZE
        block = b"x" * (1 << 20)
        received = []

        def serve(connection: socket.socket) -> None:
            head = b""
            while b"\r\n\r\n" not in head:
                head += connection.recv(65536)
            head, _, rest = head.partition(b"\r\n\r\n")
            if head.startswith(b"GET"):
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
                for _ in range(size // len(block)):
                    connection.sendall(block)
                return
            count = len(rest)
            while count < size:
                piece = connection.recv(1 << 20)
                if not piece:
                    break
                count += len(piece)
            received.append(count)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

        config = """
listeners: [{name: web, address: "127.0.0.1:{port:web}"}]
upstreams: {up: {endpoints: ["UP"]}}
routes: [{name: all, backends: [{upstream: up}]}]
"""
        with RawServer(serve) as server, Headgate(config.replace("UP", server.address)) as headgate:
            with RawSocket(headgate.port()) as client:
                client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                client.until(b"\r\n\r\n")
                got = 0
                while got < size:
                    piece = client.socket.recv(1 << 20)
                    self.assertTrue(piece)
                    got += len(piece)
                self.assertEqual(got, size)
            with RawSocket(headgate.port()) as client:
                client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size)
                for _ in range(size // len(block)):
                    client.socket.sendall(block)
                self.assertEqual(client.response().text, "ok")
            self.assertEqual(received, [size])
            peak = int(re.search(r"VmHWM:\s+(\d+) kB", pathlib.Path(f"/proc/{headgate.pid}/status").read_text())[1])
            if not SANITIZED:
                self.assertLess(peak, 64 * 1024)

    def test_files_of_nginx_arrive_whole_through_curl(self):
        content = os.urandom(3 << 20)
        config = """
listeners: [{name: web, address: "127.0.0.1:{port:web}"}]
upstreams: {up: {endpoints: ["UP"]}}
routes: [{name: all, backends: [{upstream: up}]}]
"""
        with Nginx({"files": "location / { }"}, files={"big.bin": content}) as nginx:
            with Headgate(config.replace("UP", nginx.address("files"))) as headgate:
                answer = curl(f"http://127.0.0.1:{headgate.port()}/big.bin")
                self.assertEqual(hashlib.sha256(answer.body).digest(), hashlib.sha256(content).digest())
                part = curl("-r", "1000-1999", f"http://127.0.0.1:{headgate.port()}/big.bin")
                self.assertEqual((part.status, part.body), (206, content[1000:2000]))
                cached = curl("-H", f"If-None-Match: {answer.headers['etag']}", f"http://127.0.0.1:{headgate.port()}/big.bin")
                self.assertEqual((cached.status, cached.body), (304, b""))
                head = curl("-I", f"http://127.0.0.1:{headgate.port()}/big.bin")
                self.assertEqual(head.headers["content-length"], str(len(content)))


class Failures(unittest.TestCase):
    CONFIG = """
listeners: [{name: web, address: "127.0.0.1:{port:web}"}]
upstreams: {up: {endpoints: ["A", "B"]}}
routes:
  - name: all
    retry: {attempts: 2, on: [connectFailure, reset], budget: 100%}
    backends: [{upstream: up}]
"""

    def test_an_upstream_killed_under_load_costs_no_get(self):
        with Nginx({"a": VERSIONS["v1"]}) as first, Nginx({"b": VERSIONS["v2"]}) as second:
            config = self.CONFIG.replace("A", first.address("a")).replace("B", second.address("b"))
            with Headgate(config) as headgate, Wrk(f"http://127.0.0.1:{headgate.port()}/", 4) as load:
                time.sleep(1)
                master = first.child.process.pid
                workers = pathlib.Path(f"/proc/{master}/task/{master}/children").read_text().split()
                for process in (master, *map(int, workers)):
                    os.kill(process, signal.SIGKILL)
                result = load.result()
                self.assertGreater(result.requests, 100)
                self.assertEqual(result.failures, 0, result.output)
                self.assertEqual(request(headgate.port(), "/").text, "v2\n")

    def test_nobody_there_is_503_with_a_name_that_does_not_resolve(self):
        config = """
listeners: [{name: web, address: "127.0.0.1:{port:web}"}]
upstreams: {up: {address: "does-not-exist.invalid:80"}}
routes: [{name: all, backends: [{upstream: up}]}]
"""
        with Headgate(config) as headgate:
            answer = request(headgate.port(), "/")
            self.assertEqual(answer.status, 503)
            self.assertIn("retry-after", answer.headers)

    def test_a_name_is_resolved_and_used(self):
        with Nginx(VERSIONS) as nginx:
            config = """
listeners: [{name: web, address: "127.0.0.1:{port:web}"}]
upstreams: {up: {address: "localhost:PORT"}}
routes: [{name: all, backends: [{upstream: up}]}]
""".replace("PORT", str(nginx.port("v1")))
            with Headgate(config) as headgate:
                wait_until(lambda: request(headgate.port(), "/").text == "v1\n", "localhost to be resolved")


class Limits(unittest.TestCase):
    def test_max_connections_holds_and_who_waits_is_served_later(self):
        config = """
listeners: [{name: web, address: "127.0.0.1:{port:web}"}]
limits: {maxConnections: 5}
routes: [{name: all, respond: {status: 200, body: hi}}]
"""
        with Headgate(config) as headgate:
            first = [RawSocket(headgate.port()) for _ in range(5)]
            for connection in first:
                connection.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                self.assertEqual(connection.response().text, "hi")
            with RawSocket(headgate.port()) as sixth:
                sixth.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                sixth.socket.settimeout(0.5)
                with self.assertRaises(TimeoutError):
                    sixth.socket.recv(1)
                first.pop().__exit__()
                sixth.socket.settimeout(PATIENCE)
                self.assertEqual(sixth.response().text, "hi")
            for connection in first:
                connection.__exit__()

    def test_a_client_has_as_many_connections_as_its_limit(self):
        config = """
listeners: [{name: web, address: "127.0.0.1:{port:web}"}]
limits: {maxConnectionsPerClient: 3}
routes: [{name: all, respond: {status: 200, body: hi}}]
"""
        ask = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"

        def served(source: str) -> RawSocket | None:
            try:
                connection = RawSocket(headgate.port(), source=source)  # the reset may come as early as that
            except ConnectionError:
                return None
            try:
                connection.send(ask)
                self.assertEqual(connection.response().text, "hi")
                return connection
            except (ConnectionError, AssertionError, IndexError, ValueError):
                connection.__exit__()
                return None

        with Headgate(config) as headgate:
            held = [served("127.0.0.5") for _ in range(3)]
            self.assertNotIn(None, held)
            self.assertIsNone(served("127.0.0.5"))
            held.append(served("127.0.0.6"))
            self.assertIsNotNone(held[-1], "another client")
            self.assertEqual(headgate.metric("headgate_connections_refused_total", listener="web"), 1)
            self.assertIn("a connection of 127.0.0.5 is refused", headgate.logs())
            held.pop(0).__exit__()
            held.append(wait_until(lambda: served("127.0.0.5"), "a place that is free again"))
            headgate.apply("trustedProxies: [127.0.0.5]\n" + config)
            more = [served("127.0.0.5") for _ in range(5)]
            self.assertNotIn(None, more, "a trusted proxy speaks for many")
            for connection in held + more:
                connection.__exit__()

    def test_beyond_max_memory_new_requests_are_refused_until_it_is_lifted(self):
        config = """
listeners: [{name: web, address: "127.0.0.1:{port:web}"}]
limits: {maxMemory: LIMIT}
routes: [{name: all, respond: {status: 200, body: hi}}]
"""
        with Headgate(config.replace("LIMIT", "none")) as headgate:
            resident = int(pathlib.Path(f"/proc/{headgate.pid}/statm").read_text().split()[1]) * 4096
            self.assertEqual(request(headgate.port(), "/").status, 200)
            headgate.apply(config.replace("LIMIT", str(max(resident // 2, 16 * 2**20))))
            if resident > 16 * 2**20:
                refused = wait_until(lambda: (got := request(headgate.port(), "/")).status == 503 and got, "a refusal")
                self.assertIn("retry-after", refused.headers)
                self.assertIn("limits.maxMemory is reached", headgate.logs())
                line = wait_until(lambda: [each for each in headgate.access_lines() if each["reason"]][-1:], "the log line")[0]
                self.assertEqual((line["reason"], line["detail"]), ("overload", "limits.maxMemory is reached"))
                self.assertEqual(request(headgate.metrics, "/readyz").status, 200, "it is no reason to restart")
            headgate.apply(config.replace("LIMIT", "1GiB"))
            wait_until(lambda: request(headgate.port(), "/").status == 200, "requests to be served again")
            self.assertEqual(headgate.metric("headgate_memory_limit_bytes"), 2**30)

    def test_connections_to_an_upstream_are_limited_and_the_rest_waits_or_is_refused(self):
        inside = threading.Semaphore(0)
        most = [0, 0]
        lock = threading.Lock()

        def serve(connection: socket.socket) -> None:
            data = b""
            while b"\r\n\r\n" not in data:
                data += connection.recv(65536)
            with lock:
                most[0] += 1
                most[1] = max(most)
            inside.acquire(timeout=PATIENCE)
            with lock:
                most[0] -= 1
            connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")

        config = """
listeners: [{name: web, address: "127.0.0.1:{port:web}"}]
upstreams: {up: {endpoints: ["UP"], connections: {max: 2, maxPending: 3}}}
routes: [{name: all, backends: [{upstream: up}]}]
"""
        with RawServer(serve) as server, Headgate(config.replace("UP", server.address)) as headgate:
            statuses = []
            threads = [threading.Thread(target=lambda: statuses.append(request(headgate.port(), "/").status)) for _ in range(8)]
            for thread in threads:
                thread.start()
            wait_until(lambda: statuses.count(503) == 3, "three requests to be refused")
            for _ in range(5):
                inside.release()
            for thread in threads:
                thread.join()
            self.assertEqual(sorted(statuses), [200] * 5 + [503] * 3)
            self.assertLessEqual(most[1], 2)


class AccessLog(unittest.TestCase):
    def test_a_line_says_what_happened_and_no_secret(self):
        with Nginx(VERSIONS) as nginx:
            config = CANARY.replace("V1", nginx.address("v1")).replace("V2", nginx.address("v2"))
            with Headgate(config) as headgate:
                request(headgate.port(), "/a?token=secret", headers={"Host": "shop.example.com", "User-Agent": "te\"st",
                                                                    "Authorization": "Bearer secret", "x-canary": "always"})
                wait_until(lambda: headgate.access_lines(), "a line")
                line = headgate.access_lines()[0]
                self.assertEqual((line["method"], line["host"], line["path"], line["route"], line["upstream"], line["code"]),
                                 ("GET", "shop.example.com", "/a", "shop", "v2", 200))
                self.assertEqual(line["endpoint"], nginx.address("v2"))
                self.assertEqual(line["user_agent"], 'te"st')
                self.assertEqual(line["attempts"], 1)
                self.assertNotIn("secret", headgate.access_log.read_text())
                self.assertEqual(headgate.metric("headgate_requests_total", route="shop", upstream="v2", method="GET", code="200"), 1)


    def test_a_trace_id_is_that_of_a_sound_traceparent(self):
        config = 'listeners: [{name: web, address: "127.0.0.1:{port:web}"}]'
        trace, parent = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
        wanted = {f"00-{trace}-{parent}-01": trace, f"cc-{trace}-{parent}-01-more": trace,
                  f"00-{'0' * 32}-{parent}-01": None, f"00-{trace}-{'0' * 16}-01": None, f"ff-{trace}-{parent}-01": None,
                  f"00-{trace.upper()}-{parent}-01": None, f"00-{trace}-{parent}-01-more": None, f"00-{trace}": None}
        with Headgate(config) as headgate:
            for i, field in enumerate(wanted):
                request(headgate.port(), f"/{i}", headers={"traceparent": field})
            wait_until(lambda: len(headgate.access_lines()) == len(wanted), "the lines")
            lines = sorted(headgate.access_lines(), key=lambda line: line["path"])
            self.assertEqual([line["trace_id"] for line in lines], list(wanted.values()))

    def test_an_answer_within_one_turn_has_a_duration(self):
        config = """
listeners: [{name: web, address: "127.0.0.1:{port:web}"}]
routes: [{name: all, respond: {status: 200, body: hi}}]
"""
        with Headgate(config) as headgate:
            request(headgate.port(), "/")
            line = wait_until(lambda: headgate.access_lines(), "a line")[0]
            self.assertGreater(line["duration_ms"], 0)


class WebSockets(unittest.TestCase):
    def test_a_real_client_and_server_talk_through(self):
        need_websockets()
        script = pathlib.Path(__file__).with_name("websocket_echo.py")
        with subprocess.Popen([PYTHON, str(script), "serve"], stdout=subprocess.PIPE, text=True) as server:
            try:
                port = int(server.stdout.readline())
                config = """
listeners: [{name: web, address: "127.0.0.1:{port:web}"}]
upstreams: {up: {endpoints: ["127.0.0.1:PORT"]}}
routes: [{name: all, backends: [{upstream: up}]}]
""".replace("PORT", str(port))
                with Headgate(config) as headgate:
                    result = subprocess.run([PYTHON, str(script), "talk", str(headgate.port())], capture_output=True, text=True,
                                            timeout=PATIENCE, check=False)
                    self.assertEqual((result.returncode, result.stdout.strip()), (0, "echoed 100"), result.stderr)
            finally:
                server.kill()


PYTHON = "/usr/bin/python3"


def need_websockets() -> None:
    if subprocess.run([PYTHON, "-c", "import websockets"], capture_output=True, check=False).returncode != 0:
        raise unittest.SkipTest("python3-websockets is not installed")


if __name__ == "__main__":
    unittest.main()
