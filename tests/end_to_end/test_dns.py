"""Names: another name server in resolv.conf is asked, and the code with which a server refuses is told."""

import contextlib
import os
import pathlib
import socket
import tempfile
import threading
import time
import unittest

from support import Headgate, request, wait_until

CONFIG = """
listeners: [{name: web, address: "127.0.0.1:{port:web}"}]
routes: [{name: all, backends: [{upstream: shop}]}]
upstreams: {shop: {address: "shop.test:80"}}
"""
NXDOMAIN = 3
REFUSED = 5


def reply(query: bytes, answer: str | int) -> bytes:
    """An A record of this address (nothing for AAAA), or this code."""
    end = query.index(0, 12) + 5
    refused = isinstance(answer, int)
    has_record = not refused and query[end - 3] == 1
    head = query[:2] + bytes([0x81, 0x80 | (answer if refused else 0), 0, 1, 0, int(has_record), 0, 0, 0, 0])
    record = bytes([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]) + socket.inet_aton(answer) if has_record else b""
    return head + query[12:end] + record


@contextlib.contextmanager
def name_server(ip: str, answer: str | int):
    stopped = threading.Event()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((ip, 53))
        server.settimeout(0.1)

        def serve() -> None:
            while not stopped.is_set():
                with contextlib.suppress(TimeoutError):
                    query, client = server.recvfrom(512)
                    server.sendto(reply(query, answer), client)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield
        finally:
            stopped.set()
            thread.join()


@unittest.skipUnless(os.geteuid() == 0, "needs root for port 53 of loopback")
class ResolvConf(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory(prefix="hg-resolv-"))
        self.settings = pathlib.Path(self.folder) / "resolv.conf"
        self.env = {"HEADGATE_RESOLV_CONF": str(self.settings)}

    def addresses(self, headgate: Headgate) -> str:
        return str(headgate.get_json("/upstreams"))

    def test_that_changes_is_taken_up_by_itself_and_a_refusal_is_named(self):
        with name_server("127.0.77.1", REFUSED), name_server("127.0.77.2", "127.0.77.9"):
            self.settings.write_text("nameserver 127.0.77.1\n")
            with Headgate(CONFIG, env=self.env) as headgate:
                wait_until(lambda: "the name server answered REFUSED" in headgate.logs(), "the refusal to be told", 20)
                self.settings.write_text("nameserver 127.0.77.2\n")
                wait_until(lambda: "127.0.77.9:80" in self.addresses(headgate), "the other's answer", 5)

    def test_a_name_that_is_denied_for_half_a_minute_has_no_endpoint_and_one_that_is_refused_keeps_it(self):
        with name_server("127.0.77.3", "127.0.77.9"), name_server("127.0.77.4", REFUSED), \
                name_server("127.0.77.5", NXDOMAIN):
            self.settings.write_text("nameserver 127.0.77.3\n")
            with Headgate(CONFIG, env=self.env) as headgate:
                wait_until(lambda: "127.0.77.9:80" in self.addresses(headgate), "an address", 20)
                self.settings.write_text("nameserver 127.0.77.4\n")
                wait_until(lambda: "the name server answered REFUSED; its last addresses stay" in headgate.logs(),
                           "a word of the refusal", 20)
                self.assertIn("127.0.77.9:80", self.addresses(headgate))
                self.settings.write_text("nameserver 127.0.77.5\n")
                wait_until(lambda: "Domain name not found; its last addresses stay" in headgate.logs(), "the denial", 20)
                began = time.monotonic()
                wait_until(lambda: "127.0.77.9:80" not in self.addresses(headgate), "the address to go", 60)
                self.assertGreater(time.monotonic() - began, 25)
                self.assertEqual(request(headgate.port()).status, 503)


if __name__ == "__main__":
    unittest.main()
