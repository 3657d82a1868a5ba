"""A real nginx between us and what is behind it, and tunnels whose ends come in any order over TLS and in the clear."""

from __future__ import annotations

import itertools
import os
import pathlib
import socket
import struct
import tempfile
import unittest

from h2_support import H1Server, connect
from support import Headgate, Nginx, RawServer, curl, self_signed, wait_until

LISTENERS = """
listeners:
  - {name: web, address: "127.0.0.1:{port:web}", protocols: [h2, http/1.1]}
  - {name: tls, address: "127.0.0.1:{port:tls}", tls: {certificates: [{certFile: tls.crt, keyFile: tls.key}]}}
"""
CLIENTS = {"h1": ("web", ["--http1.1"]), "h2c": ("web", ["--http2-prior-knowledge"]), "h1 over TLS": ("tls", ["--http1.1"]),
           "h2": ("tls", ["--http2"])}


def certificate() -> dict[str, str]:
    with tempfile.TemporaryDirectory() as folder:
        paths = self_signed(folder, ["shop.example.com", "127.0.0.1"])
        return {os.path.basename(path): pathlib.Path(path).read_text() for path in paths}


def ask(headgate: Headgate, client: str, path: str, *options: str, check: bool = True):
    listener, version = CLIENTS[client]
    scheme = "https" if listener == "tls" else "http"
    return curl("--insecure", *version, *options, f"{scheme}://127.0.0.1:{headgate.port(listener)}{path}", check=check)


class NginxBetween(unittest.TestCase):
    def test_an_attempt_given_up_is_a_client_that_left(self):
        def be_silent(connection: socket.socket) -> None:
            while connection.recv(65536):
                pass

        behind = "proxy_pass http://UP; access_log LOG;"
        with RawServer(be_silent) as server, tempfile.TemporaryDirectory() as folder:
            log = pathlib.Path(folder) / "log"
            block = f"location / {{ {behind.replace('UP', server.address).replace('LOG', str(log))} }}"
            with Nginx({"tier": block}) as nginx, Headgate(LISTENERS + f"""
upstreams: {{tier: {{endpoints: ["{nginx.address('tier')}"]}}}}
routes: [{{name: all, timeouts: {{backendRequest: 300ms}}, retry: none, backends: [{{upstream: tier}}]}}]
""", files=certificate()) as headgate:
                for client in CLIENTS:
                    with self.subTest(client=client):
                        self.assertEqual(ask(headgate, client, "/late").status, 504)
                        ask(headgate, client, "/left", "--max-time", "0.1", check=False)
                        ask(headgate, client, "/upload", "--data-binary", "x" * 1000)
                wait_until(lambda: log.read_text().count("\n") == 3 * len(CLIENTS), "nginx to have noticed each")
                self.assertEqual(log.read_text().count('" 499 '), 3 * len(CLIENTS), log.read_text())

    def test_a_loop_through_it_is_508_and_nothing_is_left(self):
        with Nginx({"tier": "location / { return 404; }"}) as nginx, Headgate(LISTENERS + f"""
upstreams: {{tier: {{endpoints: ["{nginx.address('tier')}"]}}}}
routes: [{{name: all, backends: [{{upstream: tier}}]}}]
""", files=certificate()) as headgate:
            nginx.stop()
            text = (nginx.root / "nginx.conf").read_text()
            back = f"proxy_pass http://127.0.0.1:{headgate.port('web')};"
            (nginx.root / "nginx.conf").write_text(text.replace("return 404;", back))
            nginx.start()
            for client, options in itertools.product(CLIENTS, ([], ["-d", "body"], ["-X", "QUERY"])):
                with self.subTest(client=client, options=options):
                    self.assertEqual(ask(headgate, client, "/", *options).status, 508)
            wait_until(lambda: headgate.metric("headgate_requests_active") == 0, "all requests to end")
            came_back = headgate.metric("headgate_requests_rejected_total", reason="loop")
            self.assertEqual(came_back, 3 * len(CLIENTS), "each came back once")
            self.assertEqual(headgate.metric("headgate_requests_total"), 2 * 3 * len(CLIENTS))


class Query(unittest.TestCase):
    def test_reaches_its_route_and_its_upstream_from_every_client(self):
        with H1Server() as server, Headgate(LISTENERS + f"""
upstreams: {{up: {{endpoints: ["{server.address}"]}}}}
routes:
  - {{name: query, matches: [{{path: {{prefix: /}}, method: QUERY}}], responseHeaders: {{set: {{x-route: query}}}}, backends: [{{upstream: up}}]}}
  - {{name: all, backends: [{{upstream: up}}]}}
""", files=certificate()) as headgate:
            for client in CLIENTS:
                with self.subTest(client=client):
                    answer = ask(headgate, client, "/echo", "-X", "QUERY", "-d", "select")
                    self.assertEqual((answer.status, answer.headers["x-method"], answer.body), (200, "QUERY", b"select"))
                    self.assertEqual(answer.headers["x-route"], "query")
                    self.assertEqual(ask(headgate, client, "/echo", "-X", "query", "-d", "select").status, 501)


HANDSHAKE = (b"GET /%s HTTP/1.1\r\nHost: shop.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
ACCEPTED = (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
WORDS = {"none": b"", "close frame": b"\x88\x02\x03\xe8", "much": bytes(300_000)}


def end(connection: socket.socket, how: str) -> None:
    """close, or reset, or fin: ends its own direction and reads to the other's end."""
    if how == "reset":
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    elif how == "fin":
        connection.shutdown(socket.SHUT_WR)
        read_to_the_end(connection)
    connection.close()


def read_to_the_end(connection: socket.socket) -> None:
    try:
        while connection.recv(65536):
            pass
    except OSError:
        pass


class TunnelEnds(unittest.TestCase):
    """Who ends first, how, with which last words, and what the client does then: nothing may be left."""

    def serve(self, connection: socket.socket) -> None:
        data = connection.recv(65536)
        first, how, words = data.split(b" ")[1].decode().strip("/").split("-")
        connection.sendall(ACCEPTED)
        if first == "upstream":
            connection.recv(65536)
            connection.sendall(list(WORDS.values())[int(words)])
            return end(connection, how)
        read_to_the_end(connection)
        connection.sendall(list(WORDS.values())[int(words)])

    def tunnel(self, port: int, tls: bool, first: str, how: str, words: int, then: str) -> None:
        client = connect(port, ["http/1.1"] if tls else None)
        client.sendall(HANDSHAKE % f"{first}-{how}-{words}".encode())
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += client.recv(4096)
        self.assertIn(b" 101 ", answer)
        try:
            client.sendall(b"\x88\x82aaaa\x00\x00")
            if first == "client":
                return end(client, how)
            if then == "read":
                read_to_the_end(client)
            end(client, "reset" if then == "reset" else "close")
        except OSError:
            client.close()

    def test_in_any_order_leave_nothing(self):
        with RawServer(self.serve) as server, Headgate(LISTENERS + f"""
upstreams: {{up: {{endpoints: ["{server.address}"]}}}}
routes: [{{name: all, backends: [{{upstream: up}}]}}]
""", files=certificate()) as headgate:
            for tls, how, words in itertools.product((False, True), ("fin", "reset", "close"), range(len(WORDS))):
                for first, then in (("upstream", "read"), ("upstream", "reset"), ("upstream", "close"), ("client", "")):
                    with self.subTest(tls=tls, first=first, how=how, words=words, then=then):
                        self.tunnel(headgate.port("tls" if tls else "web"), tls, first, how, words, then)
                        wait_until(lambda: headgate.metric("headgate_connections", state="active") == 0 and
                                   headgate.metric("headgate_upstream_connections", state="active") == 0, "both ends to be gone")


if __name__ == "__main__":
    unittest.main()
