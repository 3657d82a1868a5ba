"""Drain: SIGTERM loses no request, says not ready at once, waits for what is under way, and ends."""

import signal
import socket
import threading
import time
import unittest

from support import Headgate, Nginx, PythonServer, RawSocket, request, send_text, wait_until

CONFIG = """
listeners: [{name: web, address: "127.0.0.1:{port:web}"}]
drain: {lameDuck: LAME, timeout: TIME}
upstreams:
  app: {endpoints: ["APP"]}
routes:
  - {name: app, backends: [{upstream: app}]}
"""


def config(address: str, lame_duck: str = "0s", timeout: str = "10s") -> str:
    return CONFIG.replace("LAME", lame_duck).replace("TIME", timeout).replace("APP", address)


class UnderLoad(unittest.TestCase):
    def test_sigterm_fails_no_request(self):
        """Clients connect anew for each request, as a load balancer's do that takes most of the lame duck to notice."""
        with Nginx({"app": 'location / { return 200 "fine"; }'}) as nginx:
            with Headgate(config(nginx.address("app"), lame_duck="3s")) as headgate:
                stop = threading.Event()
                failures: list[str] = []
                counts = [0]

                def visit() -> None:
                    while not stop.is_set():
                        try:
                            answer = request(headgate.port("web"), "/", timeout=10)
                            counts[0] += 1
                            if answer.text != "fine":
                                failures.append(f"{answer.status} {answer.text}")
                        except OSError as error:
                            failures.append(repr(error))

                visitors = [threading.Thread(target=visit) for _ in range(4)]
                for visitor in visitors:
                    visitor.start()
                wait_until(lambda: counts[0] > 50, "load")
                headgate.send_signal(signal.SIGTERM)
                wait_until(lambda: request(headgate.metrics, "/readyz").status == 503, "draining", 2)
                before = counts[0]
                time.sleep(1)
                stop.set()
                for visitor in visitors:
                    visitor.join(20)
                self.assertGreater(counts[0], before)
                self.assertEqual(headgate.child.wait(), 0)
                self.assertEqual(failures, [])

    def test_keep_alive_clients_are_told_to_close_and_none_fails(self):
        with Nginx({"app": 'location / { return 200 "fine"; }'}) as nginx:
            with Headgate(config(nginx.address("app"), lame_duck="1s")) as headgate:
                with RawSocket(headgate.port("web")) as client:
                    ask = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
                    self.assertNotIn("close", client.send(ask).response().headers.get("connection", ""))
                    headgate.send_signal(signal.SIGTERM)
                    wait_until(lambda: request(headgate.metrics, "/readyz").status == 503, "draining")
                    answer = client.send(ask).response()
                    self.assertEqual((answer.status, answer.headers.get("connection")), (200, "close"))
                    self.assertTrue(client.is_closed())
                self.assertEqual(headgate.child.wait(), 0)


class Sequence(unittest.TestCase):
    def test_not_ready_at_once_still_accepting_then_refusing(self):
        with Nginx({"app": 'location / { return 200 "fine"; }'}) as nginx:
            with Headgate(config(nginx.address("app"), lame_duck="2s")) as headgate:
                self.assertEqual(request(headgate.metrics, "/readyz").status, 200)
                start = time.monotonic()
                headgate.send_signal(signal.SIGTERM)
                wait_until(lambda: request(headgate.metrics, "/readyz").status == 503, "readyz to say no", 1)
                self.assertEqual(request(headgate.metrics, "/livez").status, 200)
                self.assertEqual(request(headgate.port("web"), "/").text, "fine")
                self.assertEqual(headgate.child.wait(), 0)
                self.assertGreaterEqual(time.monotonic() - start, 1.9)
                with self.assertRaises(ConnectionRefusedError):
                    socket.create_connection(("127.0.0.1", headgate.port("web")), 1)

    def test_a_request_under_way_is_finished(self):
        release = threading.Event()
        began = threading.Event()

        def slow(handler) -> None:
            began.set()
            release.wait(20)
            send_text(handler, "late")

        with PythonServer(slow) as server, Headgate(config(server.address)) as headgate:
            answers = []
            visitor = threading.Thread(target=lambda: answers.append(request(headgate.port("web"), "/").text))
            visitor.start()
            self.assertTrue(began.wait(20))
            headgate.send_signal(signal.SIGTERM)
            wait_until(lambda: request(headgate.metrics, "/readyz").status == 503, "draining")
            release.set()
            visitor.join(20)
            self.assertEqual(answers, ["late"])
            self.assertEqual(headgate.child.wait(), 0)

    def test_after_the_timeout_the_rest_is_reset(self):
        hold = threading.Event()
        began = threading.Event()

        def never(handler) -> None:
            began.set()
            hold.wait(60)

        with PythonServer(never) as server, Headgate(config(server.address, timeout="1s")) as headgate:
            try:
                with RawSocket(headgate.port("web")) as client:
                    client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                    self.assertTrue(began.wait(20))
                    start = time.monotonic()
                    self.assertEqual(headgate.stop(), 0)
                    self.assertGreaterEqual(time.monotonic() - start, 0.9)
                    self.assertTrue(client.is_closed())
            finally:
                hold.set()

    def test_a_second_signal_ends_at_once(self):
        with Nginx({"app": 'location / { return 200 "fine"; }'}) as nginx:
            with Headgate(config(nginx.address("app"), lame_duck="60s", timeout="120s")) as headgate:
                headgate.send_signal(signal.SIGINT)
                wait_until(lambda: request(headgate.metrics, "/readyz").status == 503, "draining")
                self.assertEqual(headgate.stop(signal.SIGINT), 0)

    def test_a_reload_while_draining_is_refused_and_logged(self):
        with Nginx({"app": 'location / { return 200 "fine"; }'}) as nginx:
            with Headgate(config(nginx.address("app"), lame_duck="60s", timeout="120s")) as headgate:
                headgate.send_signal(signal.SIGTERM)
                wait_until(lambda: request(headgate.metrics, "/readyz").status == 503, "draining")
                refused = headgate.reload()
                self.assertEqual(refused.status, 503)
                self.assertIn("draining", refused.json()["problems"])
                self.assertEqual(refused.json()["generation"], 1)
                self.assertEqual(headgate.logs().count("reload refused"), 1)
                headgate.write(config(nginx.address("app"), lame_duck="61s", timeout="120s"))
                wait_until(lambda: headgate.logs().count("reload refused") == 2, "the change to be refused")


if __name__ == "__main__":
    unittest.main()
