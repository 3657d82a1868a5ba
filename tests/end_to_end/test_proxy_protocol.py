"""Clients behind a real HAProxy, which says by the PROXY protocol who they are."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import socket
import tempfile
import time
import unittest

from support import (Child, Headgate, PythonServer, RawSocket, curl, free_port, need, request, self_signed, send_text,
                     wait_until)

LISTENERS = """
listeners:
  - {name: web, address: "127.0.0.1:{port:web}", proxyProtocol: {from: [127.0.0.1]}}
  - {name: both, address: "127.0.0.1:{port:both}", protocols: [h2, http/1.1], proxyProtocol: {from: [127.0.0.0/8]}}
  - {name: tls, address: "127.0.0.1:{port:tls}", proxyProtocol: {from: [127.0.0.0/8]},
     tls: {certificates: [{certFile: tls.crt, keyFile: tls.key}]}}
  - {name: few, address: "127.0.0.1:{port:few}", proxyProtocol: {from: [127.0.0.1]}, limits: {maxConnectionsPerClient: 2}}
  - {name: others, address: "127.0.0.1:{port:others}", proxyProtocol: {from: [10.0.0.0/8]}}
"""
HEADER = b"PROXY TCP4 203.0.113.7 192.0.2.1 4711 443\r\n"
REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
REFUSED = "headgate_proxy_protocol_refused_total"


def config(upstream: str) -> str:
    return LISTENERS + f"""
upstreams: {{up: {{endpoints: ["{upstream}"]}}}}
routes:
  - {{name: all, backends: [{{upstream: up}}]}}
  - {{name: denied, matches: [{{path: {{prefix: /denied}}}}], access: {{deny: [203.0.113.0/24]}}, backends: [{{upstream: up}}]}}
"""


def certificate() -> dict[str, str]:
    with tempfile.TemporaryDirectory() as folder:
        paths = self_signed(folder, ["shop.example.com", "127.0.0.1"])
        return {os.path.basename(path): pathlib.Path(path).read_text() for path in paths}


class Haproxy:
    """A real HAProxy in TCP mode: {name: the end of a server line, with its address}; each on a free port."""

    def __init__(self, servers: dict[str, str]):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="hg-haproxy-"))
        self.ports = {name: free_port() for name in servers}
        blocks = "".join(f"listen {name}\n  bind 127.0.0.1:{self.ports[name]}\n  server s {server}\n"
                         for name, server in servers.items())
        (self.root / "haproxy.cfg").write_text("defaults\n  mode tcp\n  timeout connect 5s\n  timeout client 30s\n"
                                               f"  timeout server 30s\n{blocks}")
        self.child = Child([need("haproxy"), "-db", "-f", str(self.root / "haproxy.cfg")], self.root / "out.log")

    def __enter__(self) -> "Haproxy":
        for port in self.ports.values():
            wait_until(lambda port=port: socket.create_connection(("127.0.0.1", port), 1).close() or True, "HAProxy")
        return self

    def __exit__(self, *_):
        if self.child.running():
            self.child.stop()
        shutil.rmtree(self.root, ignore_errors=True)


def echo(handler) -> None:
    send_text(handler, handler.headers.get("x-forwarded-for", "none"))


class ProxyProtocolIn(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = PythonServer(echo).__enter__()
        cls.headgate = Headgate(config(cls.server.address), files=certificate()).__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.headgate.close()
        cls.server.__exit__()

    def refused(self) -> float:
        text = request(self.headgate.metrics, "/metrics").text
        return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(REFUSED + "{"))

    def test_haproxy_tells_the_client_by_both_versions_and_before_tls(self):
        web, tls = (f"127.0.0.1:{self.headgate.port(name)}" for name in ("both", "tls"))
        servers = {f"{name}{version}": f"{address} {word}" for name, address in (("web", web), ("tls", tls))
                   for version, word in (("1", "send-proxy"), ("2", "send-proxy-v2"),
                                         ("crc", "send-proxy-v2 proxy-v2-options crc32c,unique-id"))}
        with Haproxy(servers) as haproxy:
            for name, port in haproxy.ports.items():
                scheme = "https" if name.startswith("tls") else "http"
                for version in ("--http1.1", "--http2" if scheme == "https" else "--http2-prior-knowledge"):
                    with self.subTest(haproxy=name, version=version):
                        # The client is 127.0.0.9, the peer 127.0.0.1.
                        answer = curl("--insecure", version, "--interface", "127.0.0.9", f"{scheme}://127.0.0.1:{port}/")
                        self.assertEqual((answer.status, answer.text), (200, "127.0.0.9"))

    def test_the_address_is_the_clients_everywhere(self):
        with RawSocket(self.headgate.port()) as connection:
            answer = connection.send(HEADER + REQUEST).response()
            self.assertEqual((answer.status, answer.text), (200, "203.0.113.7"))
        with RawSocket(self.headgate.port()) as connection:
            answer = connection.send(HEADER + REQUEST.replace(b"/ ", b"/denied ")).response()
            self.assertEqual(answer.status, 403)
        wait_until(lambda: "203.0.113.7" in self.headgate.access_log.read_text(), "the access log")

    def test_a_header_in_pieces_is_read(self):
        with RawSocket(self.headgate.port("both")) as connection:
            for piece in (HEADER[:3], HEADER[3:20], HEADER[20:] + REQUEST[:5], REQUEST[5:]):
                connection.send(piece)
                time.sleep(0.05)
            self.assertEqual(connection.response().text, "203.0.113.7")

    def test_unknown_and_local_leave_the_peers_address(self):
        local = b"\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00"
        for header in (b"PROXY UNKNOWN\r\n", local):
            with self.subTest(header=header), RawSocket(self.headgate.port()) as connection:
                self.assertEqual(connection.send(header + REQUEST).response().text, "127.0.0.1")

    def test_what_is_no_header_closes_the_connection_and_is_counted(self):
        before = self.refused()
        for text in (REQUEST, b"PROXY TCP4 1.2.3.4\r\n" + REQUEST, b"\x16\x03\x01"):
            for listener in ("web", "tls"):
                with RawSocket(self.headgate.port(listener)) as connection:
                    self.assertEqual(connection.send(text).until_close(), b"")
        wait_until(lambda: self.refused() == before + 6, "the metric")

    def test_a_header_that_does_not_come_closes_the_connection_after_a_second(self):
        before = self.refused()
        began = time.monotonic()
        with RawSocket(self.headgate.port()) as silent, RawSocket(self.headgate.port()) as half:
            half.send(HEADER[:20])
            self.assertTrue(silent.is_closed())
            self.assertTrue(half.is_closed())
        self.assertGreater(time.monotonic() - began, 0.8)
        wait_until(lambda: self.refused() == before + 2, "the metric")

    def test_connections_are_counted_for_the_client_and_not_for_its_load_balancer(self):
        keep = REQUEST.replace(b"Connection: close\r\n", b"")
        with contextlib.ExitStack() as stack:
            def ask(client: bytes) -> RawSocket:
                connection = stack.enter_context(RawSocket(self.headgate.port("few")))
                return connection.send(HEADER.replace(b"203.0.113.7", client) + keep)

            for client in (b"203.0.113.1", b"203.0.113.2") * 2:
                self.assertEqual(ask(client).response().text, client.decode())
            self.assertTrue(ask(b"203.0.113.1").is_closed())
            self.assertEqual(ask(b"203.0.113.3").response().text, "203.0.113.3")

    def test_from_others_a_header_is_a_bad_request(self):
        with RawSocket(self.headgate.port("others")) as connection:
            self.assertIn(b" 400 ", connection.send(HEADER + REQUEST).until_close().split(b"\r\n")[0])
        self.assertEqual(request(self.headgate.port("others")).text, "127.0.0.1")


if __name__ == "__main__":
    unittest.main()
