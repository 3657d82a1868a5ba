"""A client for what wrk cannot do: an exact number of requests, idle connections, full TLS handshakes.

usage: client.py requests|idle|handshakes PORT PATH COUNT CONNECTIONS [tls|h2]

requests    COUNT requests over CONNECTIONS kept connections, one in flight on each
idle        CONNECTIONS connections that carried one request each; prints "ready", ends when its input does
            tls: over TLS; h2: HTTP/2 over TLS
handshakes  new TLS connections with one request each, none resumed, for COUNT seconds, CONNECTIONS in parallel
Prints a JSON object at the end. Run by run.py.
"""

import json
import selectors
import socket
import ssl
import sys
import threading
import time

BROWSER = {
    "Host": "www.example.com",
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "en-US,en;q=0.5",
    "Accept-Encoding": "gzip, deflate, br, zstd",
    "Referer": "https://www.example.com/products/list?page=2",
    "Cookie": "session=0d6b2c1e9f8a47d3a5c4e1b2f3a49587; theme=dark; lang=en",
    "Cache-Control": "no-cache",
    "Sec-Fetch-Mode": "navigate",
    "Priority": "u=0, i",
}


def request_of(path: str, close: bool = False) -> bytes:
    """The same request as browser.lua's."""
    headers = {**BROWSER, "Connection": "close"} if close else BROWSER
    return (f"GET {path} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers.items()) + "\r\n").encode()


def tls_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


def connect(port: int, context: ssl.SSLContext | None) -> socket.socket:
    plain = socket.create_connection(("127.0.0.1", port), timeout=30)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return context.wrap_socket(plain, server_hostname="www.example.com") if context else plain


def length_of(head: bytes) -> int:
    """Bytes of the body that a response's head announces, of Content-Length or of a single chunk."""
    status = head.split(b"\r\n", 1)[0]
    if b" 200" not in status:
        raise SystemExit(f"client: unexpected answer: {status.decode(errors='replace')}")
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    raise SystemExit("client: an answer without Content-Length")


def read_response(peer: socket.socket) -> None:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = peer.recv(65536)
        if not piece:
            raise SystemExit("client: the connection ended before the answer")
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    missing = length_of(head) - len(body)
    while missing > 0:
        piece = peer.recv(65536)
        if not piece:
            raise SystemExit("client: the connection ended within the answer")
        missing -= len(piece)


class Kept:
    """A kept connection with one request in flight; plain TCP only."""

    def __init__(self, port: int):
        self.socket = connect(port, None)
        self.socket.setblocking(False)
        self.missing = 0
        self.data = b""

    def send(self, request: bytes) -> None:
        self.socket.send(request)
        self.missing, self.data = -1, b""

    def receive(self) -> bool:
        """True once the response is complete."""
        piece = self.socket.recv(262144)
        if not piece:
            raise SystemExit("client: a kept connection was closed")
        if self.missing < 0:
            self.data += piece
            head, end, body = self.data.partition(b"\r\n\r\n")
            if end:
                self.missing = length_of(head) - len(body)
        else:
            self.missing -= len(piece)
        return self.missing == 0


def requests(port: int, path: str, count: int, connections: int) -> dict[str, int]:
    request = request_of(path)
    selector = selectors.EpollSelector()
    started = done = 0
    for _ in range(min(connections, count)):
        kept = Kept(port)
        selector.register(kept.socket, selectors.EVENT_READ, kept)
        kept.send(request)
        started += 1
    while done < count:
        ready = selector.select(60)
        if not ready:
            raise SystemExit("client: no answer for 60 s")
        for key, _ in ready:
            if not key.data.receive():
                continue
            done += 1
            if started < count:
                key.data.send(request)
                started += 1
    return {"requests": done}


FRAME_HEADER_BYTES = 9
DATA, HEADERS, SETTINGS = 0, 1, 4
END_STREAM, ACK, END_HEADERS = 1, 1, 4


def h2_frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def h2_request_of(path: str) -> bytes:
    """The same request, after the preface. HPACK without an index and without Huffman codes (RFC 7541 6.2.2)."""
    fields = [(":method", "GET"), (":scheme", "https"), (":authority", BROWSER["Host"]), (":path", path),
              *((name.lower(), value) for name, value in BROWSER.items() if name != "Host")]
    block = b"".join(b"\0" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode() for name, value in fields)
    return (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + h2_frame(SETTINGS, 0, 0)
            + h2_frame(HEADERS, END_STREAM | END_HEADERS, 1, block) + h2_frame(SETTINGS, ACK, 0))


def read_h2_response(peer: socket.socket) -> None:
    data = b""
    while True:
        while len(data) >= FRAME_HEADER_BYTES and len(data) >= (size := FRAME_HEADER_BYTES + int.from_bytes(data[:3], "big")):
            if data[3] in (DATA, HEADERS) and data[4] & END_STREAM:
                return
            data = data[size:]
        piece = peer.recv(65536)
        if not piece:
            raise SystemExit("client: the connection ended before the answer")
        data += piece


def idle(port: int, path: str, connections: int, protocol: str) -> dict[str, int]:
    context = tls_context() if protocol else None
    if protocol == "h2":
        context.set_alpn_protocols(["h2"])
    request, read = (h2_request_of(path), read_h2_response) if protocol == "h2" else (request_of(path), read_response)
    held = []
    for _ in range(connections):
        held.append(connect(port, context))
        held[-1].sendall(request)
        read(held[-1])
    print("ready", flush=True)
    sys.stdin.read()
    return {"connections": len(held)}


def handshakes(port: int, path: str, seconds: float, parallel: int) -> dict[str, int]:
    """A new context's session is never offered, so every handshake is a full one."""
    request, end = request_of(path, close=True), time.monotonic() + seconds
    counts, resumed = [0] * parallel, [0] * parallel

    def work(index: int) -> None:
        context = tls_context()
        while time.monotonic() < end:
            with connect(port, context) as peer:
                peer.sendall(request)
                read_response(peer)
                counts[index] += 1
                resumed[index] += peer.session_reused

    threads = [threading.Thread(target=work, args=(index,)) for index in range(parallel)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {"requests": sum(counts), "resumed": sum(resumed)}


def main() -> None:
    mode, port, path, count, connections = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4], int(sys.argv[5])
    protocol = sys.argv[6] if sys.argv[6:] else ""
    begin = time.monotonic()
    if mode == "requests":
        result = requests(port, path, int(count), connections)
    elif mode == "idle":
        result = idle(port, path, connections, protocol)
    elif mode == "handshakes":
        result = handshakes(port, path, float(count), connections)
    else:
        raise SystemExit(f"client: unknown mode {mode}")
    print(json.dumps({**result, "seconds": round(time.monotonic() - begin, 3)}), flush=True)


if __name__ == "__main__":
    main()
