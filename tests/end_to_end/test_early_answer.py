"""curl uploads over HTTP/2, and is answered in the middle of it: it must see the answer, whoever it is from. A response
that comes together with its RST_STREAM is lost to curl 7.88."""

import os
import pathlib
import socket
import tempfile
import unittest

from support import Headgate, RawServer, curl, self_signed

CONFIG = """
listeners:
  - {name: web, address: "127.0.0.1:{port:web}", protocols: [h2, http/1.1]}
  - {name: tls, address: "127.0.0.1:{port:tls}", tls: {certificates: [{certFile: tls.crt, keyFile: tls.key}]}}
upstreams: {up: {endpoints: ["UP"]}}
routes:
  - {name: size, matches: [{path: {prefix: /size}}], maxBodySize: 300000, backends: [{upstream: up}]}
  - {name: own, matches: [{path: {prefix: /own}}], respond: {status: 401, body: own}}
  - {name: all, backends: [{upstream: up}]}
"""
UPLOADS = 12


def serve(connection: socket.socket) -> None:
    """Answers 413 as soon as 300,000 bytes came, or with the head, and reads on."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536)
    if b"/size" not in data:
        wanted = 0 if b"/head" in data else 300_000
        while len(data) < wanted:
            data += connection.recv(65536)
        connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig")
    while connection.recv(65536):
        pass


class EarlyAnswer(unittest.TestCase):
    server: RawServer
    headgate: Headgate

    @classmethod
    def setUpClass(cls):
        cls.server = RawServer(serve)
        cls.folder = tempfile.TemporaryDirectory()
        paths = self_signed(cls.folder.name, ["127.0.0.1"])
        files = {os.path.basename(path): pathlib.Path(path).read_text() for path in paths}
        cls.headgate = Headgate(CONFIG.replace("UP", cls.server.address), files=files)
        cls.file = pathlib.Path(cls.folder.name) / "upload"
        cls.file.write_bytes(bytes(8_000_000))

    @classmethod
    def tearDownClass(cls):
        cls.headgate.close()
        cls.server.__exit__()
        cls.folder.cleanup()

    def check(self, path: str, status: int) -> None:
        for url, options in ((f"http://127.0.0.1:{self.headgate.port('web')}", ["--http2-prior-knowledge"]),
                             (f"https://127.0.0.1:{self.headgate.port('tls')}", ["--http2", "--insecure"])):
            for i in range(UPLOADS):
                with self.subTest(url=url, i=i):
                    expect = ["-H", "Expect:"] if i % 2 else []
                    # No content-length: what it sends is known only when it came.
                    body = ["-X", "POST", "-H", "Transfer-Encoding: chunked", "--data-binary", f"@{self.file}"]
                    self.assertEqual(curl(*options, *expect, *body, url + path).status, status)

    def test_an_upstreams_in_the_middle(self):
        self.check("/middle", 413)

    def test_an_upstreams_behind_the_head(self):
        self.check("/head", 413)

    def test_our_own_beyond_max_body_size(self):
        self.check("/size", 413)

    def test_our_own_at_once(self):
        self.check("/own", 401)


if __name__ == "__main__":
    unittest.main()
