"""HTTP/1.1 and HTTP/2 peers that answer and ask alike, so that one suite covers every pairing; raw HTTP/2 frames.

The HTTP/2 ones stand on python-h2 (Debian's python3-h2), which is nobody's code but its own.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import socket
import ssl
import struct
import threading
import time

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings

from support import PATIENCE, RawServer

# python-h2 takes GOAWAY for the end of everything; streams up to its last one go on (RFC 9113 6.8).
_STATES = h2.connection.ConnectionState
h2.connection.H2ConnectionStateMachine._transitions[(_STATES.CLIENT_OPEN, h2.connection.ConnectionInputs.RECV_GOAWAY)] = (
    None, _STATES.CLIENT_OPEN)

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
Fields = list[tuple[str, str]]


@dataclasses.dataclass
class Asked:
    """A request as an upstream saw it."""
    method: str
    path: str
    authority: str
    headers: Fields
    body: bytes = b""
    trailers: Fields = dataclasses.field(default_factory=list)
    protocol: str = ""


@dataclasses.dataclass
class Reply:
    """A response as an upstream gives it, or as a client got it."""
    status: int = 200
    headers: Fields = dataclasses.field(default_factory=list)
    body: bytes = b""
    trailers: Fields = dataclasses.field(default_factory=list)
    interim: list[tuple[int, Fields]] = dataclasses.field(default_factory=list)
    cut: bool = False  # the body ended before its end; of an upstream: it is to

    def all(self, name: str) -> list[str]:
        return [value for field, value in self.headers if field == name]

    def header(self, name: str) -> str | None:
        found = self.all(name)
        return found[-1] if found else None

    def json(self):
        return json.loads(self.body)


def some_bytes(count: int) -> bytes:
    return hashlib.shake_128(b"headgate").digest(count)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def on_head(asked: Asked) -> Reply | None:
    """What the sample service answers before it has the body; None: it wants the body."""
    if asked.path == "/early":
        return Reply(413, [("content-type", "text/plain")], b"too much")
    return None


def on_end(asked: Asked) -> Reply:
    """What the sample service answers."""
    parts = asked.path.partition("?")[0].split("/")
    if parts[1] == "bytes":
        return Reply(200, [("content-type", "application/octet-stream")], some_bytes(int(parts[2])))
    if parts[1] == "echo":
        return Reply(200, [("x-method", asked.method)], asked.body, asked.trailers)
    if parts[1] == "sha":
        return Reply(200, [], digest(asked.body).encode())
    if parts[1] == "status":
        return Reply(int(parts[2]), [("etag", '"one"')])
    if parts[1] == "trailers" and len(parts) > 2:
        return Reply(200, [], b"hi", [(f"x-part-{i}", "v" * 1000) for i in range(int(parts[2]))])
    if parts[1] == "trailers":
        return Reply(200, [("trailer", "x-checksum")], b"hi", [("x-checksum", "abc")])
    if parts[1] == "hints":
        return Reply(200, [], b"hinted", interim=[(103, [("link", "</a.css>; rel=preload")])])
    if parts[1] == "cookies":
        return Reply(200, [("set-cookie", "a=1"), ("set-cookie", "b=2")], json.dumps(asked.headers).encode())
    if parts[1] == "many":
        return Reply(200, [(f"x-many-{i}", f"value {i}") for i in range(80)], json.dumps(asked.headers).encode())
    if parts[1] == "slow":
        time.sleep(float(parts[2]))
        return Reply(200, [], b"slow")
    if parts[1] == "cut":
        return Reply(200, [], b"x" * 1000, cut=True)
    return Reply(200, [("x-protocol", asked.protocol)], json.dumps(
        {"method": asked.method, "path": asked.path, "authority": asked.authority, "headers": asked.headers,
         "trailers": asked.trailers}).encode())


# ---- HTTP/1.1


class Stream:
    """A socket with a buffer behind it."""

    def __init__(self, connection: socket.socket):
        self.socket = connection
        self.buffer = b""

    def more(self) -> None:
        piece = self.socket.recv(65536)
        if not piece:
            raise EOFError
        self.buffer += piece

    def until(self, end: bytes) -> bytes:
        while end not in self.buffer:
            self.more()
        data, _, self.buffer = self.buffer.partition(end)
        return data

    def exactly(self, count: int) -> bytes:
        while len(self.buffer) < count:
            self.more()
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def fields(self) -> tuple[str, Fields]:
        first, *lines = self.until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        return first, [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]

    def chunked(self) -> tuple[bytes, Fields]:
        body = bytearray()
        while size := int(self.until(b"\r\n").split(b";")[0], 16):
            body += self.exactly(size)
            self.exactly(2)
        trailers: Fields = []
        while line := self.until(b"\r\n"):
            name, _, value = line.decode("latin-1").partition(":")
            trailers.append((name.lower(), value.strip()))
        return bytes(body), trailers


def h1_head(first: str, fields: Fields) -> bytes:
    return (first + "\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields) + "\r\n").encode("latin-1")


def h1_chunks(body: bytes, trailers: Fields) -> bytes:
    data = b"".join(b"%x\r\n%s\r\n" % (len(body[i:i + 65536]), body[i:i + 65536]) for i in range(0, len(body), 65536))
    return data + b"0\r\n" + "".join(f"{name}: {value}\r\n" for name, value in trailers).encode("latin-1") + b"\r\n"


class H1Server(RawServer):
    """The sample service over HTTP/1.1."""

    def __init__(self, end=on_end, head=on_head):
        self.asked: list[Asked] = []
        self._end, self._head = end, head
        super().__init__(self._connection)

    def _connection(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stream = Stream(connection)
        with contextlib.suppress(EOFError):
            while self._turn(stream):
                pass

    def _turn(self, stream: Stream) -> bool:
        first, fields = stream.fields()
        method, path, _ = first.split(" ")
        named = dict(fields)
        asked = Asked(method, path, named.get("host", ""), fields, protocol="HTTP/1.1")
        self.asked.append(asked)
        early = self._head(asked)
        if early:
            self._answer(stream, asked, early)
            return False
        if named.get("expect") == "100-continue":
            stream.socket.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        if named.get("transfer-encoding") == "chunked":
            asked.body, asked.trailers = stream.chunked()
        else:
            asked.body = stream.exactly(int(named.get("content-length", 0)))
        return self._answer(stream, asked, self._end(asked))

    @staticmethod
    def _answer(stream: Stream, asked: Asked, reply: Reply) -> bool:
        for status, fields in reply.interim:
            stream.socket.sendall(h1_head(f"HTTP/1.1 {status} Interim", fields))
        fields = list(reply.headers)
        empty = asked.method == "HEAD" or reply.status in (204, 304)
        if reply.trailers:
            fields.append(("transfer-encoding", "chunked"))
        elif not empty or asked.method == "HEAD":
            fields.append(("content-length", str(len(reply.body) * (2 if reply.cut else 1))))
        stream.socket.sendall(h1_head(f"HTTP/1.1 {reply.status} Status", fields))
        if not empty:
            stream.socket.sendall(h1_chunks(reply.body, reply.trailers) if reply.trailers else reply.body)
        return not reply.cut


class H1Client:
    """One request after the other on one connection."""

    protocol = "HTTP/1.1"

    def __init__(self, port: int, tls: bool = False):
        self.socket = connect(port, ["http/1.1"] if tls else None)
        self.stream = Stream(self.socket)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def ask(self, path: str, method: str = "GET", headers: Fields | None = None, body: bytes = b"",
            trailers: Fields | None = None, authority: str = "shop.example.com") -> Reply:
        fields = [("host", authority), *(headers or [])]
        if trailers:
            fields.append(("transfer-encoding", "chunked"))
        elif body or method == "POST":
            fields.append(("content-length", str(len(body))))
        self.socket.sendall(h1_head(f"{method} {path} HTTP/1.1", fields))
        sender = threading.Thread(target=self._send, args=(h1_chunks(body, trailers) if trailers else body,))
        waits = ("expect", "100-continue") in fields
        if not waits:
            # An OpenSSL session is one thread's: nobody may read it meanwhile.
            sender.run() if isinstance(self.socket, ssl.SSLSocket) else sender.start()
        try:
            return self._answer(method, sender if waits else None)
        finally:
            if sender.ident:
                sender.join(PATIENCE)

    def _send(self, data: bytes) -> None:
        with contextlib.suppress(OSError):
            self.socket.sendall(data)

    def _answer(self, method: str, waiting: threading.Thread | None) -> Reply:
        reply = Reply(0)
        while True:
            first, fields = self.stream.fields()
            reply.status = int(first.split()[1])
            if reply.status >= 200:
                break
            reply.interim.append((reply.status, fields))
            if reply.status == 100 and waiting:
                waiting.start()
        reply.headers = fields
        named = dict(fields)
        try:
            if method == "HEAD" or reply.status in (204, 304):
                pass
            elif named.get("transfer-encoding") == "chunked":
                reply.body, reply.trailers = self.stream.chunked()
            else:
                reply.body = self.stream.exactly(int(named.get("content-length", 0)))
        except (EOFError, ConnectionResetError):
            reply.cut = True
        return reply


# ---- HTTP/2


def connect(port: int, alpn: list[str] | None = None, timeout: float | None = None) -> socket.socket:
    """A connection to loopback; over TLS (unverified) when there are ALPN protocols."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=timeout or PATIENCE)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if alpn is None:
        return connection
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(alpn)
    return context.wrap_socket(connection, server_hostname="shop.example.com")


def text(fields) -> Fields:
    as_text = lambda value: value.decode("latin-1") if isinstance(value, bytes) else value
    return [(as_text(name), as_text(value)) for name, value in fields]


class Sender:
    """What a connection of python-h2 has still to send, stream by stream, as windows allow."""

    def __init__(self, connection: h2.connection.H2Connection):
        self.connection = connection
        self.waiting: dict[int, list] = {}  # stream: [rest of the body, trailers, whether to end]

    def put(self, stream: int, body: bytes, trailers: Fields | None = None, end: bool = True) -> None:
        self.waiting[stream] = [memoryview(body), trailers, end]
        self.flush()

    def flush(self) -> None:
        for stream, (body, trailers, end) in list(self.waiting.items()):
            try:
                while body:
                    room = min(self.connection.local_flow_control_window(stream), self.connection.max_outbound_frame_size,
                               len(body))
                    if room <= 0:
                        break
                    last = room == len(body) and end and not trailers
                    self.connection.send_data(stream, bytes(body[:room]), end_stream=last)
                    body = body[room:]
                    if last:
                        end = False
                self.waiting[stream] = [body, trailers, end]
                if body:
                    continue
                del self.waiting[stream]
                if trailers:
                    self.connection.send_headers(stream, trailers, end_stream=True)
                elif end:
                    self.connection.end_stream(stream)
            except (h2.exceptions.StreamClosedError, h2.exceptions.NoSuchStreamError):
                self.waiting.pop(stream, None)


def server_session(settings: dict | None = None) -> h2.connection.H2Connection:
    """A server's end with these settings in its first frame."""
    session = h2.connection.H2Connection(h2.config.H2Configuration(
        client_side=False, header_encoding="latin-1", validate_inbound_headers=False))
    session.local_settings = h2.settings.Settings(client=False, initial_values={
        h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: 1000, **(settings or {})})
    session.initiate_connection()
    return session


class H2Server(RawServer):
    """The sample service over HTTP/2 with prior knowledge. A request's answer is made on the connection's thread."""

    def __init__(self, end=on_end, head=on_head, settings: dict | None = None):
        self.asked: list[Asked] = []
        self.resets: list[tuple[float, int]] = []  # when, error code
        self._end, self._head, self._settings = end, head, settings or {}
        super().__init__(self._connection)

    def _connection(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        session = server_session(self._settings)
        sender = Sender(session)
        requests: dict[int, Asked] = {}
        connection.sendall(session.data_to_send())
        while data := connection.recv(65536):
            for event in session.receive_data(data):
                with contextlib.suppress(h2.exceptions.StreamClosedError):  # cancelled a moment ago
                    self._take(session, sender, requests, event)
            sender.flush()
            connection.sendall(session.data_to_send())

    def _take(self, session, sender, requests, event) -> None:
        if isinstance(event, h2.events.RequestReceived):
            named = dict(text(event.headers))
            asked = Asked(named[":method"], named.get(":path", ""), named.get(":authority", ""),
                          [field for field in text(event.headers) if not field[0].startswith(":")], protocol="HTTP/2")
            requests[event.stream_id] = asked
            self.asked.append(asked)
            if early := self._head(asked):
                del requests[event.stream_id]
                self._answer(session, sender, event.stream_id, asked, early)
            elif named.get("expect") == "100-continue":
                session.send_headers(event.stream_id, [(":status", "100")])
        elif isinstance(event, h2.events.DataReceived):
            if event.stream_id in requests:
                requests[event.stream_id].body += event.data
            with contextlib.suppress(h2.exceptions.ProtocolError):
                session.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.TrailersReceived):
            if event.stream_id in requests:
                requests[event.stream_id].trailers = text(event.headers)
        elif isinstance(event, h2.events.StreamReset):
            self.resets.append((time.monotonic(), event.error_code))
            requests.pop(event.stream_id, None)
            sender.waiting.pop(event.stream_id, None)
        elif isinstance(event, h2.events.StreamEnded) and event.stream_id in requests:
            asked = requests.pop(event.stream_id)
            self._answer(session, sender, event.stream_id, asked, self._end(asked))

    @staticmethod
    def _answer(session, sender, stream: int, asked: Asked, reply: Reply) -> None:
        for status, fields in reply.interim:
            session.send_headers(stream, [(":status", str(status)), *fields])
        fields = [(":status", str(reply.status)), *reply.headers]
        empty = asked.method == "HEAD" or reply.status in (204, 304)
        if not reply.trailers and (not empty or asked.method == "HEAD"):
            fields.append(("content-length", str(len(reply.body) * (2 if reply.cut else 1))))
        session.send_headers(stream, fields, end_stream=empty)
        if reply.cut:
            session.send_data(stream, reply.body)
            session.reset_stream(stream, h2.errors.ErrorCodes.INTERNAL_ERROR)
        elif not empty:
            sender.put(stream, reply.body, reply.trailers)


class H2Client:
    """A connection of python-h2: requests one by one (ask), or side by side (start, finish)."""

    protocol = "HTTP/2"

    def __init__(self, port: int, tls: bool = False, window: int | None = None):
        self.socket = connect(port, ["h2"] if tls else None)
        if tls and self.socket.selected_alpn_protocol() != "h2":
            raise AssertionError(f"ALPN chose {self.socket.selected_alpn_protocol()}")
        self.session = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=True, header_encoding="latin-1", validate_outbound_headers=False,
                                      normalize_outbound_headers=False))
        if window is not None:
            self.session.local_settings = h2.settings.Settings(
                client=True, initial_values={h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: window,
                                             h2.settings.SettingCodes.ENABLE_PUSH: 0})
        self.session.initiate_connection()
        self.sender = Sender(self.session)
        self.replies: dict[int, Reply] = {}
        self.done: dict[int, int | None] = {}  # stream: error code of its reset, or None when it ended well
        self.on_continue: dict[int, tuple] = {}
        self.goaways: list[tuple[int, int]] = []  # last stream, error code
        self.closed = False
        self.flush()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def flush(self) -> None:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.socket.sendall(self.session.data_to_send())

    def start(self, path: str, method: str = "GET", headers: Fields | None = None, body: bytes = b"",
              trailers: Fields | None = None, authority: str = "shop.example.com", end: bool = True) -> int:
        stream = self.session.get_next_available_stream_id()
        fields = [(":method", method), (":scheme", "https" if isinstance(self.socket, ssl.SSLSocket) else "http"),
                  (":path", path), (":authority", authority), *(headers or [])]
        has_body = bool(body or trailers or not end)
        if body and not trailers:
            fields.append(("content-length", str(len(body))))
        self.session.send_headers(stream, fields, end_stream=not has_body)
        self.replies[stream] = Reply(0)
        if has_body and ("expect", "100-continue") in fields:
            self.on_continue[stream] = (body, trailers)
        elif has_body:
            self.sender.put(stream, body, trailers, end)
        self.flush()
        return stream

    def turn(self) -> None:
        """Waits for bytes and takes them."""
        try:
            data = self.socket.recv(65536)
        except ConnectionResetError:
            data = b""
        if not data:
            self.closed = True
            return
        for event in self.session.receive_data(data):
            self.take(event)
        self.sender.flush()
        self.flush()

    def take(self, event) -> None:
        stream = getattr(event, "stream_id", None)
        reply = self.replies.get(stream)
        if isinstance(event, h2.events.InformationalResponseReceived):
            fields = text(event.headers)
            reply.interim.append((int(dict(fields)[":status"]), fields))
            if dict(fields)[":status"] == "100" and stream in self.on_continue:
                self.sender.put(stream, *self.on_continue.pop(stream))
        elif isinstance(event, h2.events.ResponseReceived):
            reply.headers = [field for field in text(event.headers) if field[0] != ":status"]
            reply.status = int(dict(text(event.headers))[":status"])
        elif isinstance(event, h2.events.DataReceived):
            reply.body += event.data
            self.session.acknowledge_received_data(event.flow_controlled_length, stream)
        elif isinstance(event, h2.events.TrailersReceived):
            reply.trailers = text(event.headers)
        elif isinstance(event, h2.events.StreamEnded):
            self.done.setdefault(stream, None)
        elif isinstance(event, h2.events.StreamReset):
            self.sender.waiting.pop(stream, None)
            if stream not in self.done:
                self.done[stream] = int(event.error_code)
                reply.cut = True
        elif isinstance(event, h2.events.ConnectionTerminated):
            self.goaways.append((event.last_stream_id, int(event.error_code)))

    def finish(self, stream: int) -> Reply:
        while stream not in self.done and not self.closed:
            self.turn()
        if stream not in self.done:
            self.replies[stream].cut = True
        return self.replies[stream]

    def ask(self, path: str, method: str = "GET", **more) -> Reply:
        return self.finish(self.start(path, method, **more))


# ---- raw frames (RFC 9113 4.1)

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED = 1, 1, 4, 8
CALM = 0xB


def frame(kind: int, flags: int = 0, stream: int = 0, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + bytes((kind, flags)) + struct.pack(">I", stream) + payload


def literal(name: str, value: str) -> bytes:
    """A field without indexing and without Huffman coding (RFC 7541 6.2.2), lengths below 127."""
    return b"\x00" + bytes((len(name),)) + name.encode() + bytes((len(value),)) + value.encode()


def get_block(path: str = "/", authority: str = "shop.example.com", extra: bytes = b"") -> bytes:
    """A GET as a block that leaves no trace in the peer's table: :method GET and :scheme http are static entries."""
    return b"\x82\x86" + literal(":path", path) + literal(":authority", authority) + extra


class RawH2:
    """An HTTP/2 connection that sends whatever frames it is told and collects what comes back."""

    def __init__(self, port: int, settings: bytes = b"", greet: bool = True):
        self.socket = connect(port)
        self.buffer = b""
        self.frames: list[tuple[int, int, int, bytes]] = []
        self.closed = False
        if greet:
            self.send(PREFACE + frame(SETTINGS, payload=settings))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data: bytes) -> bool:
        """Whether all of it went out; a peer that has hung up is no error here."""
        try:
            self.socket.sendall(data)
            return True
        except (BrokenPipeError, ConnectionResetError, TimeoutError):
            return False

    def read(self, timeout: float) -> bool:
        """Takes what comes within the time; False when nothing did. Acknowledges SETTINGS."""
        if self.closed:
            return False
        self.socket.settimeout(timeout)
        try:
            data = self.socket.recv(1 << 18)
        except TimeoutError:
            return False
        except ConnectionResetError:
            data = b""
        finally:
            self.socket.settimeout(PATIENCE)
        if not data:
            self.closed = True
            return False
        self.buffer += data
        while len(self.buffer) >= 9:
            size = int.from_bytes(self.buffer[:3], "big")
            if len(self.buffer) < 9 + size:
                break
            kind, flags = self.buffer[3], self.buffer[4]
            stream = int.from_bytes(self.buffer[5:9], "big") & 0x7FFFFFFF
            self.frames.append((kind, flags, stream, self.buffer[9:9 + size]))
            self.buffer = self.buffer[9 + size:]
            if kind == SETTINGS and not flags & ACK:
                self.send(frame(SETTINGS, ACK))
        return True

    def wait_for(self, kind: int, patience: float | None = None, stream: int | None = None):
        """The first frame of that kind (and stream): (flags, payload); None when the connection ends or the time is over."""
        deadline = time.monotonic() + (patience or PATIENCE)
        seen = 0
        while True:
            for found, flags, of, payload in self.frames[seen:]:
                if found == kind and (stream is None or of == stream):
                    return flags, payload
            seen = len(self.frames)
            if self.closed or time.monotonic() > deadline:
                return None
            self.read(max(0.01, deadline - time.monotonic()))

    def goaway(self, patience: float | None = None) -> int | None:
        """The error code of its GOAWAY."""
        found = self.wait_for(GOAWAY, patience)
        return None if found is None else int.from_bytes(found[1][4:8], "big")

    def reset_of(self, stream: int, patience: float | None = None) -> int | None:
        found = self.wait_for(RST_STREAM, patience, stream)
        return None if found is None else int.from_bytes(found[1], "big")
