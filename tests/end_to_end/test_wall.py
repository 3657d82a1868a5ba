"""The wall, row by row of docs/threat-model.md's first line: raw bytes to the binary, what comes back, and that nothing
of it reached the upstream."""

import contextlib
import socket
import threading
import unittest

from support import Headgate, RawServer, RawSocket, request

CONFIG = """
listeners: [{name: web, address: "127.0.0.1:{port:web}"}]
upstreams: {up: {endpoints: ["UP"]}}
routes:
  - {name: known, hostnames: [a, "a.example", "[::1]"], backends: [{upstream: up}]}
  - {name: private, hostnames: [a.example], matches: [{path: {prefix: /private}}], respond: {status: 403}}
"""

GET = "GET / HTTP/1.1\r\nHost: a\r\n"
POST = "POST / HTTP/1.1\r\nHost: a\r\n"

# (what it is, the bytes, the status, whether the connection is closed)
REFUSED = [
    ("length with chunked", POST + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, True),
    ("chunked twice", POST + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, True),
    ("chunked not last", POST + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 400, True),
    ("an unknown coding", POST + "Transfer-Encoding: gzip\r\n\r\n", 501, True),
    ("chunked in HTTP/1.0", "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, True),
    ("two lengths", POST + "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400, True),
    ("a list of lengths", POST + "Content-Length: 3, 3\r\n\r\nabc", 400, True),
    ("an empty length", POST + "Content-Length:\r\n\r\n", 400, True),
    ("a signed length", POST + "Content-Length: +3\r\n\r\nabc", 400, True),
    ("a hexadecimal length", POST + "Content-Length: 0x3\r\n\r\nabc", 400, True),
    ("a length beyond 2^63", POST + "Content-Length: 9223372036854775808\r\n\r\n", 400, True),
    ("a bare LF", "GET / HTTP/1.1\nHost: a\n\n", 400, True),
    ("a bare LF within", GET + "X: 1\nY: 2\r\n\r\n", 400, True),
    ("a bare CR", GET + "X: 1\rY: 2\r\n\r\n", 400, True),
    ("a folded field", GET + "X: 1\r\n 2\r\n\r\n", 400, True),
    ("a space before the colon", GET + "X : 1\r\n\r\n", 400, True),
    ("an empty name", GET + ": 1\r\n\r\n", 400, True),
    ("a name that is no token", GET + "X(y): 1\r\n\r\n", 400, True),
    ("a NUL in a value", GET + "X: a\0b\r\n\r\n", 400, True),
    ("a control character in a value", GET + "X: a\x01b\r\n\r\n", 400, True),
    ("no Host", "GET / HTTP/1.1\r\n\r\n", 400, True),
    ("two Hosts", GET + "Host: a\r\n\r\n", 400, True),
    ("a list of Hosts", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400, True),
    ("user info in Host", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400, True),
    ("a path in Host", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400, True),
    ("a bad port", "GET / HTTP/1.1\r\nHost: a:x\r\n\r\n", 400, True),
    ("port 0", "GET / HTTP/1.1\r\nHost: a:0\r\n\r\n", 400, True),
    ("absolute-form that differs", "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", 400, True),
    ("above the root", "GET /a/../../b HTTP/1.1\r\nHost: a\r\n\r\n", 400, True),
    ("above the root, escaped", "GET /a/%2e%2e/%2e%2e/b HTTP/1.1\r\nHost: a\r\n\r\n", 400, True),
    ("an escape that hides ..", "GET /a/..%2fb HTTP/1.1\r\nHost: a\r\n\r\n", 400, True),
    ("an escaped backslash", "GET /a%5Cb HTTP/1.1\r\nHost: a\r\n\r\n", 400, True),
    ("an escaped NUL", "GET /a%00b HTTP/1.1\r\nHost: a\r\n\r\n", 400, True),
    ("a broken escape", "GET /a%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400, True),
    ("a backslash", "GET /a\\b HTTP/1.1\r\nHost: a\r\n\r\n", 400, True),
    ("a fragment", "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400, True),
    ("a space in the target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400, True),
    ("two spaces", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400, True),
    ("HTTP/0.9", "GET /\r\n\r\n", 400, True),
    ("HTTP/2.0 in a line", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505, True),
    ("HTTP/1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", 400, True),
    ("CONNECT", "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", 405, True),
    ("TRACE", "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 405, True),
    ("an unknown method", "BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501, True),
    ("a method that is no token", "G(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400, True),
    ("another protocol's method", "SETUP / HTTP/1.1\r\nHost: a\r\n\r\n", 501, True),
    ("Connection naming Host", GET + "Connection: host\r\n\r\n", 400, True),
    ("Connection naming Authorization", GET + "Authorization: x\r\nConnection: authorization\r\n\r\n", 400, True),
    ("another expectation", POST + "Expect: magic\r\nContent-Length: 1\r\n\r\nx", 417, True),
    ("a field of 17 KiB", GET + "X: " + "a" * 17408 + "\r\n\r\n", 431, True),
    ("101 fields", GET + "".join(f"X-{i}: 1\r\n" for i in range(101)) + "\r\n", 431, True),
    ("a head of 40 KiB", GET + "".join(f"X-{i}: {'a' * 8000}\r\n" for i in range(5)) + "\r\n", 431, True),
    ("a target of 9 KiB", "GET /" + "a" * 9216 + " HTTP/1.1\r\nHost: a\r\n\r\n", 414, True),
    ("a host that nobody serves", "GET / HTTP/1.1\r\nHost: nobody\r\n\r\n", 404, False),
]

# Bodies whose framing breaks after a good head: 400 and closed, and the upstream never sees a whole request.
BROKEN_BODIES = [
    ("a chunk size that overflows", "fffffffffffffffff\r\n"),
    ("a signed chunk size", "+3\r\nabc\r\n"),
    ("a chunk size in 0x", "0x3\r\nabc\r\n"),
    ("an empty chunk size", "\r\nabc\r\n"),
    ("a spaced chunk size", "3 \r\nabc\r\n"),
    ("LF behind a chunk size", "3\nabc\r\n0\r\n\r\n"),
    ("no CRLF behind a chunk", "3\r\nabcX\r\n0\r\n\r\n"),
    ("extensions beyond 4 KiB", "3;" + "e" * 5000 + "\r\nabc\r\n0\r\n\r\n"),
    ("framing in a trailer", "3\r\nabc\r\n0\r\nContent-Length: 3\r\n\r\n"),
    ("authorisation in a trailer", "3\r\nabc\r\n0\r\nAuthorization: x\r\n\r\n"),
]


class Wall(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.whole = []
        cls.lock = threading.Lock()

        def serve(connection: socket.socket) -> None:
            data = b""
            while True:
                piece = connection.recv(65536)
                if not piece:
                    return
                data += piece
                while b"\r\n\r\n" in data:
                    head, _, rest = data.partition(b"\r\n\r\n")
                    if b"transfer-encoding: chunked" in head:
                        if b"0\r\n\r\n" not in rest:
                            break
                        rest = rest.partition(b"0\r\n\r\n")[2]
                    with cls.lock:
                        cls.whole.append(head)
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                    data = rest

        cls.server = RawServer(serve)
        cls.headgate = Headgate(CONFIG.replace("UP", cls.server.address))

    @classmethod
    def tearDownClass(cls):
        cls.headgate.close()
        cls.server.__exit__()

    def seen(self) -> int:
        with self.lock:
            return len(self.whole)

    def test_what_is_refused_is_answered_so_and_reaches_nobody(self):
        for what, data, status, closed in REFUSED:
            with self.subTest(what), RawSocket(self.headgate.port()) as client:
                before = self.seen()
                client.send(data.encode("latin-1"))
                answer = client.response()
                self.assertEqual(answer.status, status)
                self.assertEqual(answer.headers.get("connection") == "close", closed)
                if closed:
                    self.assertTrue(client.is_closed())
                self.assertEqual(self.seen(), before)

    def test_a_broken_body_is_never_a_whole_request_upstream(self):
        for what, body in BROKEN_BODIES:
            with self.subTest(what), RawSocket(self.headgate.port()) as client:
                before = self.seen()
                client.send((POST + "Transfer-Encoding: chunked\r\n\r\n" + body).encode())
                self.assertEqual(client.response().status, 400)
                self.assertTrue(client.is_closed())
                self.assertEqual(self.seen(), before)

    def test_an_error_concerns_its_own_request_and_those_before_it_are_answered_first(self):
        with RawSocket(self.headgate.port()) as client:
            client.send((GET + "\r\n" + GET + "\r\n" + GET + "X : 1\r\n\r\n" + GET + "\r\n").encode())
            self.assertEqual([client.response().status for _ in range(3)], [200, 200, 400])
            self.assertTrue(client.is_closed())

    def forwarded(self, data: str) -> str:
        with RawSocket(self.headgate.port()) as client:
            client.send(data.encode("latin-1"))
            self.assertEqual(client.response().status, 200)
        with self.lock:
            return self.whole[-1].decode("latin-1")

    def test_what_is_forwarded_is_written_anew(self):
        head = self.forwarded("GET /a//b/./c%41?x=%zz HTTP/1.1\r\nHost: A.Example.\r\nConnection: close, x-hop\r\nX-Hop: 1\r\n"
                              "Keep-Alive: 5\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\nX_Forwarded_For: 9.9.9.9\r\n"
                              "X-Forwarded-For: 9.9.9.9\r\nForwarded: for=9.9.9.9\r\nX-Real-IP: 9.9.9.9\r\n\r\n")
        self.assertTrue(head.startswith("GET /a//b/cA?x=%zz HTTP/1.1\r\n"), head)
        fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:])
        self.assertEqual(fields["host"], "A.Example.")
        self.assertEqual(fields["x-forwarded-for"], "127.0.0.1")
        self.assertEqual(fields["x-real-ip"], "127.0.0.1")
        for gone in ("x-hop", "keep-alive", "upgrade", "http2-settings", "x_forwarded_for", "forwarded"):
            self.assertNotIn(gone, fields)

    def test_an_encoded_slash_is_data(self):
        self.assertTrue(self.forwarded("GET /a%2Fb HTTP/1.1\r\nHost: a\r\n\r\n").startswith("GET /a%2Fb HTTP/1.1"))

    def test_a_protected_path_cannot_be_spelled_around(self):
        for path in ("/private", "/x/../private", "/%70rivate", "//private", "/./private/x"):
            with self.subTest(path), RawSocket(self.headgate.port()) as client:
                client.send(f"GET {path} HTTP/1.1\r\nHost: a.example\r\n\r\n".encode())
                self.assertEqual(client.response().status, 403)

    def test_options_star_is_routed_by_host(self):
        self.assertTrue(self.forwarded("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").startswith("OPTIONS * HTTP/1.1\r\n"))

    def test_an_address_as_host_is_a_host(self):
        self.assertIn("host: [::1]:80", self.forwarded("GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n"))


ONE_WORKER = """
listeners: [{name: web, address: "127.0.0.1:{port:web}"}]
workers: 1
upstreams: {up: {endpoints: ["UP"]}}
routes: [{name: all, backends: [{upstream: up}]}]
"""


class Memory(unittest.TestCase):
    def test_trailers_that_come_after_the_answer_touch_no_other_request(self):
        heads = []

        def serve(connection: socket.socket) -> None:
            data = b""
            while piece := connection.recv(65536):
                data += piece
                if b"\r\n\r\n" in data and (data.startswith(b"GET") or b"abc" in data):
                    heads.append(data)
                    data = b""
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

        with contextlib.ExitStack() as stack:
            server = stack.enter_context(RawServer(serve))
            headgate = stack.enter_context(Headgate(ONE_WORKER.replace("UP", server.address)))
            early = stack.enter_context(RawSocket(headgate.port()))
            early.send((POST + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 1").encode())
            self.assertEqual(early.response().status, 200)
            others = [stack.enter_context(RawSocket(headgate.port())) for _ in range(8)]
            for other in others:
                other.send((GET + "X-Mine: " + "a" * 10000).encode())
            self.assertEqual(request(headgate.port(), "/").status, 200)  # by now the worker has read them
            early.send(b"Z" * 4000)
            self.assertEqual(request(headgate.port(), "/").status, 200)
            for other in others:
                other.send(b"\r\n\r\n")
                self.assertEqual(other.response().status, 200)
                self.assertIn(b"x-mine: " + b"a" * 10000 + b"\r\n", heads[-1])


if __name__ == "__main__":
    unittest.main()
