"""rateLimit with real clients: one limit for the process whatever the number of its workers, 429 and how it is told."""

from __future__ import annotations

import http.client
import pathlib
import tempfile
import threading
import time
import unittest

from support import Headgate, curl, request, run_headgate

CONFIG = """
workers: WORKERS
trustedProxies: [127.0.0.0/8]
listeners: [{name: web, address: "127.0.0.1:{port:web}", protocols: [h2, http/1.1]}]
routes:
  - {name: fast, matches: [{path: {exact: /fast}}], respond: {status: 200, body: ok}, rateLimit: {requests: 500, per: 1s, burst: 100, by: route}}
  - {name: slow, matches: [{path: {exact: /slow}}], respond: {status: 200, body: ok}, rateLimit: {requests: 2, per: 60s}}
  - {name: key, matches: [{path: {exact: /key}}], respond: {status: 200, body: ok}, rateLimit: {requests: 1, per: 60s, by: header x-key}}
  - {name: free, matches: [{path: {exact: /free}}], respond: {status: 200, body: ok}, rateLimit: {requests: 1, per: 60s, except: [10.0.0.0/8]}}
  - {name: dry, matches: [{path: {exact: /dry}}], respond: {status: 200, body: ok}, rateLimit: {requests: 1, per: 60s, dryRun: true}}
"""
CLIENTS = 8
SECONDS = 4.0
RATE, BURST = 500, 100


def configured(workers: int) -> Headgate:
    return Headgate(CONFIG.replace("WORKERS", str(workers)))


class TheWholeProcess(unittest.TestCase):
    def allowed_share(self, workers: int) -> float:
        """What CLIENTS connections got through together, in relation to what the limit is in that time."""
        times: list[list[float]] = [[] for _ in range(CLIENTS)]
        refused = [0] * CLIENTS
        with configured(workers) as headgate:
            end = time.monotonic() + SECONDS

            def ask(number: int) -> None:
                connection = http.client.HTTPConnection("127.0.0.1", headgate.port(), timeout=30)
                while time.monotonic() < end:
                    connection.request("GET", "/fast")
                    answer = connection.getresponse()
                    answer.read()
                    if answer.status == 200:
                        times[number].append(time.monotonic())
                    else:
                        self.assertEqual(answer.status, 429)
                        refused[number] += 1
                connection.close()

            threads = [threading.Thread(target=ask, args=(i,)) for i in range(CLIENTS)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(headgate.metric("headgate_rate_limited_total", route="fast"), sum(refused))
        self.assertGreater(min(refused), 0, "the clients ask for more than the limit")
        all_times = [moment for one in times for moment in one]
        return len(all_times) / (BURST + RATE * (max(all_times) - min(all_times)))

    def test_has_one_limit_with_one_worker(self):
        self.assertAlmostEqual(self.allowed_share(1), 1.0, delta=0.02)

    def test_has_one_limit_with_four_workers(self):
        self.assertAlmostEqual(self.allowed_share(4), 1.0, delta=0.02)


class ARefusal(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.headgate = cls.enterClassContext(configured(2))

    def ask(self, path: str, **headers: str) -> int:
        return request(self.headgate.port(), path, headers={name.replace("_", "-"): value for name, value in headers.items()}).status

    def test_says_when_to_come_again(self):
        url = f"http://127.0.0.1:{self.headgate.port()}/slow"
        self.assertEqual([curl(url).status for _ in range(2)], [200, 200])
        refused = curl(url)
        self.assertEqual(refused.status, 429)
        self.assertIn(int(refused.headers["retry-after"]), range(25, 31))
        self.assertEqual(refused.headers["ratelimit-policy"], '"default";q=2;w=60')
        self.assertRegex(refused.headers["ratelimit"], r'^"default";r=0;t=(5[5-9]|60)$')
        self.assertIn("too many requests", refused.text)
        self.assertEqual(curl("--http2-prior-knowledge", url).status, 429)
        self.assertEqual(self.headgate.metric("headgate_proxy_errors_total", route="slow", reason="rate_limited"),
                         self.headgate.metric("headgate_rate_limited_total", route="slow"))

    def test_is_for_one_client_and_an_ipv6_network_is_one(self):
        for client, status in (("192.0.2.1", 200), ("192.0.2.1", 200), ("192.0.2.1", 429), ("192.0.2.2", 200),
                               ("2001:db8::1", 200), ("2001:db8::2", 200), ("2001:db8::3", 429), ("2001:db8:0:1::1", 200)):
            self.assertEqual(self.ask("/slow", X_Forwarded_For=client), status, client)

    def test_is_for_one_value_of_a_header(self):
        self.assertEqual([self.ask("/key", X_Key="a"), self.ask("/key", X_Key="a"), self.ask("/key", X_Key="b")], [200, 429, 200])

    def test_is_not_for_those_excepted(self):
        asked = [self.ask("/free", X_Forwarded_For="10.1.2.3") for _ in range(3)]
        self.assertEqual(asked, [200, 200, 200])
        self.assertEqual([self.ask("/free", X_Forwarded_For="192.0.2.9") for _ in range(2)], [200, 429])

    def test_does_not_happen_in_a_dry_run(self):
        self.assertEqual([self.ask("/dry") for _ in range(3)], [200, 200, 200])
        self.assertEqual(self.headgate.metric("headgate_rate_limited_total", route="dry"), 2)

    def test_has_its_reason_in_the_access_log(self):
        self.ask("/key", X_Key="log")
        self.ask("/key", X_Key="log")
        reasons = []
        until = time.monotonic() + 10
        while "rate_limited" not in reasons and time.monotonic() < until:
            reasons = [line.get("reason") for line in self.headgate.access_lines()]
            time.sleep(0.05)
        self.assertIn("rate_limited", reasons)


class AReload(unittest.TestCase):
    def test_forgets_no_count(self):
        with configured(2) as headgate:
            self.assertEqual([request(headgate.port(), "/slow").status for _ in range(3)], [200, 200, 429])
            headgate.apply(CONFIG.replace("WORKERS", "2") + "  - {name: more, hostnames: [more.test], respond: {status: 200}}\n")
            self.assertEqual(request(headgate.port(), "/slow").status, 429)
            self.assertEqual(request(headgate.port(), "/", headers={"Host": "more.test"}).status, 200)


class Explain(unittest.TestCase):
    def test_says_the_limit(self):
        with tempfile.TemporaryDirectory(prefix="hg-limit-") as folder:
            file = pathlib.Path(folder) / "headgate.yaml"
            file.write_text(CONFIG.replace("WORKERS", "1").replace("{port:web}", "8080"), encoding="utf-8")
            result = run_headgate("explain", "--config", str(file), "GET", "http://a.test:8080/key")
            self.assertRegex(result.stdout, r"limit +1 requests in 60s, 1 at once, by header x-key\n", result.stderr)


if __name__ == "__main__":
    unittest.main()
