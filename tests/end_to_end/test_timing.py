"""A message is the same whichever way its bytes are cut into reads, and whether its upstream connection is old or new."""

import contextlib
import itertools
import socket
import time
import unittest

import h2.events

from h2_support import Fields, H1Client, H2Client, Reply, Stream, server_session, text
from support import PATIENCE, Headgate, RawServer

CONFIG = """
listeners: [{{name: web, address: "127.0.0.1:{{port:web}}", protocols: [http/1.1, h2]}}]
workers: 1
upstreams:
  h1: {{endpoints: ["{h1}"]}}
  h2: {{endpoints: ["{h2}"], protocol: h2c}}
routes:
  - {{name: h1, matches: [{{path: {{prefix: /h1}}}}], backends: [{{upstream: h1}}]}}
  - {{name: h2, matches: [{{path: {{prefix: /h2}}}}], backends: [{{upstream: h2}}]}}
"""
PAUSE = 0.004  # enough for another turn of the worker: less is another case, never a wrong result
SUM = [("x-sum", "7")]

# name: the pieces on the wire, status, body, trailers
HEAD, CHUNKED = "HTTP/1.1 200 OK\r\n", "transfer-encoding: chunked\r\n\r\n"
H1_RESPONSES = {
    "length": ([HEAD + "content-length: 5\r\n\r\n", "hel", "lo"], 200, b"hello", []),
    "no-length": ([HEAD + "content-length: 0\r\n\r\n"], 200, b"", []),
    "chunked": ([HEAD + CHUNKED, "5\r\n", "hello", "\r\n", "0\r\n", "\r\n"], 200, b"hello", []),
    "chunked-trailers": ([HEAD + CHUNKED, "5\r\nhello\r\n", "0\r\n", "x-sum: 7\r\n", "\r\n"], 200, b"hello", SUM),
    "empty": ([HEAD + CHUNKED, "0\r\n", "\r\n"], 200, b"", []),
    "empty-trailers": ([HEAD + CHUNKED, "0\r\n", "x-sum: 7\r\n\r\n"], 200, b"", SUM),
    "until-close": ([HEAD + "\r\n", "hello"], 200, b"hello", []),
    "empty-until-close": ([HEAD + "\r\n"], 200, b"", []),
    "interim": (["HTTP/1.1 103 Early Hints\r\n\r\n", HEAD + "content-length: 5\r\n\r\n", "hello"], 200, b"hello", []),
    "bodiless": (["HTTP/1.1 204 No Content\r\n", "\r\n"], 204, b"", []),
}
H2_RESPONSES = {
    "head": (["h200."], 200, b"", []),
    "data": (["h200", "dhel", "dlo."], 200, b"hello", []),
    "data-end": (["h200", "dhello", "d."], 200, b"hello", []),
    "empty": (["h200", "d."], 200, b"", []),
    "trailers": (["h200", "dhello", "t."], 200, b"hello", SUM),
    "empty-trailers": (["h200", "t."], 200, b"", SUM),
    "interim": (["h103", "h200", "dhello."], 200, b"hello", []),
    "bodiless": (["h204."], 204, b"", []),
}
# name: pieces behind the head's common fields, body, trailers
H1_REQUESTS = {
    "none": (["\r\n"], b"", []),
    "length": (["content-length: 5\r\n\r\n", "hel", "lo"], b"hello", []),
    "no-length": (["content-length: 0\r\n\r\n"], b"", []),
    "chunked": ([CHUNKED, "5\r\nhello\r\n", "0\r\n", "\r\n"], b"hello", []),
    "chunked-trailers": ([CHUNKED, "5\r\nhello\r\n", "0\r\nx-sum: 7\r\n\r\n"], b"hello", SUM),
    "empty": ([CHUNKED, "0\r\n\r\n"], b"", []),
    "empty-trailers": ([CHUNKED, "0\r\nx-sum: 7\r\n\r\n"], b"", SUM),
}
H2_REQUESTS = {
    "head": (["h."], b"", []),
    "data": (["h", "dhello."], b"hello", []),
    "data-end": (["h", "dhello", "d."], b"hello", []),
    "empty": (["h", "d."], b"", []),
    "trailers": (["h", "dhello", "t."], b"hello", SUM),
    "empty-trailers": (["h", "t."], b"", SUM),
}


def cuts(pieces: list[str]) -> list[str]:
    """Where to pause: nowhere, behind one piece, behind each. As the digits of the pieces' numbers."""
    single = [str(i) for i in range(len(pieces) - 1)]
    return ["", *single] + (["".join(single)] if len(single) > 1 else [])


class Pieces:
    """Puts pieces on a socket, those of HTTP/2 by python-h2, and pauses where it is told to."""

    def __init__(self, connection: socket.socket, session=None):
        self.socket, self.session = connection, session
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, pieces: list, pauses: str) -> None:
        pending = b""
        for number, piece in enumerate(pieces):
            if callable(piece):
                piece()
                pending += self.session.data_to_send()
            else:
                pending += piece.encode()
            if str(number) in pauses:
                self.socket.sendall(pending)
                pending = b""
                time.sleep(PAUSE)
        self.socket.sendall(pending)

    def frames(self, stream: int, pieces: list[str], fields: Fields) -> list:
        def frame(piece: str):
            end = piece.endswith(".")
            value = piece[1:].removesuffix(".")
            if piece[0] == "h":
                self.session.send_headers(stream, ([(":status", value)] if value else []) + fields, end_stream=end)
            elif piece[0] == "t":
                self.session.send_headers(stream, SUM, end_stream=True)
            else:
                self.session.send_data(stream, value.encode(), end_stream=end)
        return [lambda piece=piece: frame(piece) for piece in pieces]


class Upstream(RawServer):
    """Answers /PROTOCOL/SHAPE/PAUSES/LIFE; remembers what it was asked: body, trailers, whether the head was the end."""

    def __init__(self, protocol: str):
        self.asked: list[tuple[bytes, Fields, bool]] = []
        super().__init__(self._h1 if protocol == "h1" else self._h2)

    def _h1(self, connection: socket.socket) -> None:
        stream, out = Stream(connection), Pieces(connection)
        with contextlib.suppress(EOFError):
            while True:
                first, fields = stream.fields()
                named = dict(fields)
                if "transfer-encoding" in named:
                    self.asked.append((*stream.chunked(), False))
                else:
                    self.asked.append((stream.exactly(int(named.get("content-length", 0))), [], False))
                _, _, shape, pauses, life = first.split(" ")[1].split("/")
                pieces = H1_RESPONSES[shape][0]
                if life == "new" and "close" not in shape:
                    close = "\r\nconnection: close\r\n"
                    pieces = [piece.replace("\r\n", close, piece.startswith("HTTP/1.1 2")) for piece in pieces]
                out.send(pieces, pauses)
                if life == "new" or "close" in shape:
                    return

    def _h2(self, connection: socket.socket) -> None:
        session = server_session()
        out = Pieces(connection, session)
        connection.sendall(session.data_to_send())
        asked: dict[int, list] = {}
        while data := connection.recv(65536):
            for event in session.receive_data(data):
                stream = getattr(event, "stream_id", None)
                if isinstance(event, h2.events.RequestReceived):
                    asked[stream] = [b"", [], event.stream_ended is not None, dict(text(event.headers))[":path"]]
                elif isinstance(event, h2.events.DataReceived):
                    asked[stream][0] += event.data
                elif isinstance(event, h2.events.TrailersReceived):
                    asked[stream][1] = text(event.headers)
                elif isinstance(event, h2.events.StreamEnded):
                    *seen, path = asked.pop(stream)
                    self.asked.append(tuple(seen))
                    _, _, shape, pauses, life = path.split("/")
                    out.send(out.frames(stream, H2_RESPONSES[shape][0], []), pauses)
                    if life == "new":
                        return self._leave(connection, session)
            connection.sendall(session.data_to_send())

    @staticmethod
    def _leave(connection: socket.socket, session) -> None:
        session.close_connection()
        connection.sendall(session.data_to_send())
        while connection.recv(65536):
            pass


class Timing(unittest.TestCase):
    def setUp(self):
        self.upstreams = {name: self.enterContext(Upstream(name)) for name in ("h1", "h2")}
        self.headgate = self.enterContext(Headgate(
            CONFIG.format(h1=self.upstreams["h1"].address, h2=self.upstreams["h2"].address)))
        self.port = self.headgate.port("web")

    def ask_h1(self, client: H1Client, path: str, pieces: list[str], pauses: str):
        start = f"POST {path} HTTP/1.1\r\nhost: shop.example.com\r\nte: trailers\r\nconnection: te\r\n"
        Pieces(client.socket).send([start + pieces[0], *pieces[1:]], pauses)
        return client._answer("POST", None)

    def ask_h2(self, client: H2Client, path: str, pieces: list[str], pauses: str, fields: Fields | None = None):
        stream = client.session.get_next_available_stream_id()
        client.replies[stream] = Reply(0)
        out = Pieces(client.socket, client.session)
        head = [(":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "shop.example.com"),
                ("te", "trailers"), *(fields or [])]
        out.send(out.frames(stream, pieces, head), pauses)
        return client.finish(stream)

    def every_pairing(self):
        return itertools.product((H1Client, H2Client), ("h1", "h2"), ("new", "kept"))

    def ask(self, client, path: str, pieces: list[str], pauses: str):
        client.socket.settimeout(PATIENCE)
        return (self.ask_h1 if isinstance(client, H1Client) else self.ask_h2)(client, path, pieces, pauses)

    def test_a_response_in_any_pieces(self):
        simple = {H1Client: H1_REQUESTS["none"][0], H2Client: H2_REQUESTS["head"][0]}
        for kind, upstream, life in self.every_pairing():
            responses = H1_RESPONSES if upstream == "h1" else H2_RESPONSES
            for shape, (pieces, status, body, trailers) in responses.items():
                with kind(self.port) as client:
                    for pauses in cuts(pieces):
                        with self.subTest(client=kind.protocol, upstream=upstream, connection=life, shape=shape, cut=pauses):
                            reply = self.ask(client, f"/{upstream}/{shape}/{pauses}/{life}", simple[kind], "")
                            self.assertEqual((reply.status, reply.body, reply.trailers, reply.cut),
                                             (status, body, trailers, False))

    def test_a_request_in_any_pieces(self):
        answer = {"h1": "length", "h2": "data"}
        for kind, upstream, life in self.every_pairing():
            requests = H1_REQUESTS if kind is H1Client else H2_REQUESTS
            for shape, (pieces, body, trailers) in requests.items():
                with kind(self.port) as client:
                    for pauses in cuts(pieces):
                        with self.subTest(client=kind.protocol, upstream=upstream, connection=life, shape=shape, cut=pauses):
                            reply = self.ask(client, f"/{upstream}/{answer[upstream]}//{life}", pieces, pauses)
                            self.assertEqual((reply.status, reply.body), (200, b"hello"))
                            self.assertEqual(self.upstreams[upstream].asked[-1][:2], (body, trailers))

    def test_a_grpc_request_ends_with_data(self):
        for life, (shape, (pieces, body, trailers)) in itertools.product(("new", "kept"), H2_REQUESTS.items()):
            if trailers:
                continue
            with H2Client(self.port) as client:
                for pauses in cuts(pieces):
                    with self.subTest(connection=life, shape=shape, cut=pauses):
                        grpc = [("content-type", "application/grpc")]
                        reply = self.ask_h2(client, f"/h2/trailers//{life}", pieces, pauses, grpc)
                        self.assertEqual((reply.status, reply.trailers), (200, SUM))
                        self.assertEqual(self.upstreams["h2"].asked[-1], (body, [], False))


if __name__ == "__main__":
    unittest.main()
