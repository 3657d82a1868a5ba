"""Attacks over HTTP/2, mounted with raw frames over real sockets: what reached the upstream, how the connection ended, what
was counted, how much memory it took, and that everybody else kept their latency."""

import os
import pathlib
import re
import socket
import statistics
import struct
import threading
import time
import unittest

import hpack

from h2_support import (ACK, CALM, CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, PING, PREFACE, PRIORITY, RST_STREAM,
                        SETTINGS, WINDOW_UPDATE, Asked, H1Server, H2Client, RawH2, Reply, frame, get_block, literal)
from support import PATIENCE, SANITIZED, Headgate, request, wait_until

CONFIG = """
listeners: [{name: web, address: "127.0.0.1:{port:web}", protocols: [h2, http/1.1]}]
workers: 1
upstreams: {up: {endpoints: ["UP"], connections: {max: 2000, maxPending: 2000}}}
routes:
  - {name: own, hostnames: [own.example.com], respond: {status: 200, body: hi}}
  - {name: all, backends: [{upstream: up}]}
"""

PROTOCOL_ERROR = 1
CANCEL = struct.pack(">I", 8)


def memory(headgate: Headgate) -> int:
    """Resident bytes."""
    return int(re.search(r"VmRSS:\s+(\d+) kB", pathlib.Path(f"/proc/{headgate.pid}/status").read_text())[1]) * 1024


def cpu_seconds(headgate: Headgate) -> float:
    fields = pathlib.Path(f"/proc/{headgate.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Bystander(threading.Thread):
    """Somebody else's requests, one after the other on a connection of their own, and how long they took."""

    def __init__(self, headgate: Headgate):
        super().__init__()
        self.port, self.times, self.failures, self.stopped = headgate.port(), [], 0, threading.Event()

    def run(self) -> None:
        with H2Client(self.port) as client:
            while not self.stopped.is_set():
                began = time.monotonic()
                if client.ask("/", authority="own.example.com").status != 200:
                    self.failures += 1
                self.times.append(time.monotonic() - began)
                time.sleep(0.005)

    def __enter__(self):
        self.start()
        wait_until(lambda: len(self.times) > 20, "the bystander's first requests")
        self.before = len(self.times)
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self.join()


class Abuse(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.released = threading.Event()

        def answer(asked: Asked) -> Reply:
            if asked.path.startswith("/slow"):
                time.sleep(0.2)
            if asked.path == "/hold":
                cls.released.wait(PATIENCE)
            return Reply(200, [], b"ok")

        cls.up = H1Server(end=answer)
        cls.headgate = Headgate(CONFIG.replace("UP", cls.up.address))

    @classmethod
    def tearDownClass(cls):
        cls.headgate.close()
        cls.up.__exit__()

    def arrived(self, path: str) -> int:
        """Requests that reached the upstream. Each attack has a path of its own: it may still read those of another."""
        return sum(asked.path == path for asked in self.up.asked)

    def rejected(self, reason: str) -> float:
        return self.headgate.metric("headgate_requests_rejected_total", reason=reason)

    def attack(self, reason: str, data: bytes, *, settings: bytes = b"", memory_max: int = 16 << 20) -> float:
        """Sends it all with a bystander beside; the connection must end calmly and be counted once. Seconds until it did."""
        counted, resident, cpu = self.rejected(reason), memory(self.headgate), cpu_seconds(self.headgate)
        with Bystander(self.headgate) as other:
            peer = RawH2(self.headgate.port(), settings)
            with peer:
                self.assertIsNotNone(peer.wait_for(SETTINGS))
                sender = threading.Thread(target=peer.send, args=(data,))
                sender.start()
                began = time.monotonic()
                self.assertEqual(peer.goaway(), CALM)
                took = time.monotonic() - began
                while not peer.closed:
                    peer.read(PATIENCE)
                sender.join()
        self.assertEqual(self.rejected(reason), counted + 1)
        self.assertEqual(other.failures, 0)
        during = other.times[other.before:]
        if during and not SANITIZED:
            self.assertLess(statistics.median(during), 0.1, "others keep their latency")
            self.assertLess(memory(self.headgate) - resident, memory_max)
            self.assertLess(cpu_seconds(self.headgate) - cpu, 1)
        self.assertEqual(request(self.headgate.port(), "/", headers={"Host": "own.example.com"}).status, 200)
        return took

    # ---- rapid reset (CVE-2023-44487)

    def test_rapid_reset_reaches_the_upstream_two_hundred_times_at_most(self):
        block = get_block("/slow/rapid")
        one = lambda stream: frame(HEADERS, END_STREAM | END_HEADERS, stream, block) + frame(RST_STREAM, 0, stream, CANCEL)
        data = b"".join(one(2 * i + 1) for i in range(100_000))
        took = self.attack("h2_reset_flood", data)
        if not SANITIZED:
            self.assertLess(took, 1)
        time.sleep(0.3)
        self.assertLessEqual(self.arrived("/slow/rapid"), 200)

    def test_rapid_reset_again_and_again_leaves_others_their_latency(self):
        block = get_block("/slow")
        one = lambda stream: frame(HEADERS, END_STREAM | END_HEADERS, stream, block) + frame(RST_STREAM, 0, stream, CANCEL)
        data = b"".join(one(2 * i + 1) for i in range(2000))
        for _ in range(5):
            self.attack("h2_reset_flood", data)

    def test_a_page_that_is_left_may_cancel_all_it_had_open(self):
        with H2Client(self.headgate.port()) as client:
            streams = [client.start("/slow") for _ in range(90)]
            for stream in streams:
                client.session.reset_stream(stream, 8)
            client.flush()
            self.assertEqual(client.ask("/", authority="own.example.com").status, 200)
            self.assertEqual(client.goaways, [])

    def test_resets_that_we_are_made_to_send(self):
        # Each head is malformed (RFC 9113 8.2.1), which is its stream's error: each makes us send a RST_STREAM.
        block = get_block("/slow/provoked", extra=literal("X-Upper", "v"))
        data = b"".join(frame(HEADERS, END_STREAM | END_HEADERS, stream, block) for stream in range(1, 2001, 2))
        self.attack("h2_provoked_reset_flood", data)
        self.assertEqual(self.arrived("/slow/provoked"), 0)

    def test_window_updates_of_zero_on_streams_that_are_served(self):
        # CVE-2025-8671: a stream's error (RFC 9113 6.9) would cancel a request while its upstream works on. The connection
        # ends, by the first of them or by their number.
        block = get_block("/slow/zero")
        data = b"".join(frame(HEADERS, END_STREAM | END_HEADERS, stream, block) +
                        frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", 0)) for stream in range(1, 200_001, 2))
        with RawH2(self.headgate.port()) as peer:
            sender = threading.Thread(target=peer.send, args=(data,))
            sender.start()
            self.assertIn(peer.goaway(), (PROTOCOL_ERROR, CALM))
            sender.join()
        time.sleep(0.3)
        self.assertLessEqual(self.arrived("/slow/zero"), 100)

    def test_what_is_cancelled_leaves_no_work_at_the_upstream(self):
        block = get_block("/hold")
        with RawH2(self.headgate.port()) as peer:
            peer.send(b"".join(frame(HEADERS, END_STREAM | END_HEADERS, stream, block) for stream in range(1, 161, 2)))
            wait_until(lambda: self.arrived("/hold") == 80, "80 requests to arrive")
            self.assertEqual(self.headgate.metric("headgate_requests_active", route="all"), 80)
            peer.send(b"".join(frame(RST_STREAM, 0, stream, CANCEL) for stream in range(1, 161, 2)))
            wait_until(lambda: self.headgate.metric("headgate_requests_active", route="all") == 0, "their end")
            self.assertEqual(self.headgate.metric("headgate_upstream_connections", upstream="up", state="active"), 0)
        self.released.set()

    # ---- heads

    def test_continuation_flood(self):
        data = frame(HEADERS, END_STREAM, 1, get_block("/continued")) + b"".join(
            frame(CONTINUATION, 0, 1, literal(f"x-{i % 50}", "v")) for i in range(100_000))
        self.attack("h2_continuation_flood", data)
        self.assertEqual(self.arrived("/continued"), 0)

    def test_empty_continuation_flood(self):
        data = frame(HEADERS, END_STREAM, 1, get_block()) + frame(CONTINUATION, 0, 1) * 100_000
        self.attack("h2_continuation_flood", data)

    def test_one_huge_head_is_answered_or_ended_but_never_kept(self):
        encoder = hpack.Encoder()
        big = encoder.encode([(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "own.example.com"),
                              *[(f"x-{i}", "v" * 1000) for i in range(60)]], huffman=False)
        with RawH2(self.headgate.port()) as peer:
            pieces = [big[i:i + 16384] for i in range(0, len(big), 16384)]
            peer.send(frame(HEADERS, END_STREAM, 1, pieces[0]) +
                      b"".join(frame(CONTINUATION, END_HEADERS if piece is pieces[-1] else 0, 1, piece) for piece in pieces[1:]))
            found = peer.wait_for(HEADERS, stream=1)
            self.assertIsNotNone(found, "60 KB in four frames is over the limit, not an attack")
            self.assertIn((":status", "431"), [(str(name), str(value)) for name, value in hpack.Decoder().decode(found[1])])
            peer.send(frame(PING, 0, 0, b"12345678"))
            self.assertIsNotNone(peer.wait_for(PING), "the connection lives")

    def bombs(self, streams: int) -> bytes:
        """Each head is 4 KB from the table, 28 times by one byte each: 112 KB out of 100 bytes. They stay open (no end)."""
        encoder = hpack.Encoder()
        first = encoder.encode([(":method", "POST"), (":scheme", "http"), (":path", "/slow"), (":authority", "b"),
                                ("x-bomb", "v" * 3800)], huffman=False)
        # The bomb is the newest entry of the dynamic table: index 62.
        again = b"\x83\x86" + literal(":path", "/slow") + literal(":authority", "b") + b"\xbe" * 7
        return frame(HEADERS, END_HEADERS, 1, first) + b"".join(
            frame(HEADERS, END_HEADERS, 2 * i + 1, again) for i in range(1, streams))

    def test_hpack_bombs_take_bounded_memory(self):
        resident = memory(self.headgate)
        peers = [RawH2(self.headgate.port()) for _ in range(20)]
        try:
            for peer in peers:
                peer.send(self.bombs(100))
            for peer in peers:
                peer.send(frame(PING, 0, 0, b"12345678"))
                peer.wait_for(PING, patience=2)
            if not SANITIZED:
                # Of each connection at most 64 KiB and 4 bytes for each of its about 10 KB on the wire, besides what an
                # open request takes anyway (100 of them).
                self.assertLess((memory(self.headgate) - resident) / len(peers), 2.5 * (1 << 20))
        finally:
            for peer in peers:
                peer.__exit__()

    def test_many_small_cookies(self):
        for count, expected in ((200, "200"), (300, "431")):
            with self.subTest(count), RawH2(self.headgate.port()) as peer:
                peer.send(frame(HEADERS, END_STREAM | END_HEADERS, 1,
                                get_block("/", "own.example.com", literal("cookie", "a=b") * count)))
                found = peer.wait_for(HEADERS, stream=1)
                self.assertIsNotNone(found, peer.frames)
                fields = [(str(name), str(value)) for name, value in hpack.Decoder().decode(found[1])]
                self.assertIn((":status", expected), fields)

    # ---- control frames

    def test_settings_flood(self):
        self.attack("h2_settings_flood", frame(SETTINGS) * 50_000)

    def test_ping_flood(self):
        self.attack("h2_ping_flood", frame(PING, 0, 0, b"12345678") * 50_000)

    def test_ping_acknowledgements_nobody_asked_for(self):
        with RawH2(self.headgate.port()) as peer:
            peer.send(frame(PING, ACK, 0, b"12345678") * 50_000)
            peer.read(1)
        self.assertEqual(request(self.headgate.port(), "/").status, 200)

    def test_priority_flood(self):
        self.attack("h2_priority_flood", b"".join(frame(PRIORITY, 0, 2 * (i % 5000) + 1, struct.pack(">IB", 0, 1))
                                                  for i in range(50_000)))

    def test_empty_data_flood(self):
        start = frame(HEADERS, END_HEADERS, 1, b"\x83\x86" + literal(":path", "/") + literal(":authority", "a"))
        self.attack("h2_empty_frame_flood", start + frame(DATA, 0, 1) * 50_000)

    def test_small_window_update_flood(self):
        self.attack("h2_window_update_flood", frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 1)) * 50_000)

    def test_one_byte_window_updates_of_a_stream(self):
        start = frame(HEADERS, END_STREAM | END_HEADERS, 1, get_block("/slow"))
        self.attack("h2_window_update_flood", start + frame(WINDOW_UPDATE, 0, 1, struct.pack(">I", 1)) * 50_000)

    def test_small_data_flood(self):
        start = frame(HEADERS, END_HEADERS, 1, b"\x83\x86" + literal(":path", "/") + literal(":authority", "a"))
        self.attack("h2_small_data_flood", start + frame(DATA, 0, 1, b"x") * 60_000)

    # ---- what should not be taken for an attack

    def test_an_ordinary_client_is_never_told_to_calm_down(self):
        with H2Client(self.headgate.port()) as client:
            for _ in range(20):
                streams = [client.start("/", authority="own.example.com") for _ in range(50)]
                client.session.ping(b"12345678")
                for stream in streams:
                    self.assertEqual(client.finish(stream).status, 200)
            self.assertEqual(client.goaways, [])

    def test_more_streams_than_allowed_are_refused_one_by_one(self):
        counted = self.rejected("h2_streams_refused")
        block = get_block("/slow")
        with RawH2(self.headgate.port()) as peer:
            peer.send(b"".join(frame(HEADERS, END_STREAM | END_HEADERS, stream, block) for stream in range(1, 221, 2)))
            self.assertEqual(peer.reset_of(219), 7)
            refused = [of for kind, _, of, payload in peer.frames if kind == RST_STREAM and payload == struct.pack(">I", 7)]
            self.assertEqual(len(refused), 10)
            self.assertIsNotNone(peer.wait_for(HEADERS, stream=1), "the others are served")
        self.assertEqual(self.rejected("h2_streams_refused"), counted + 10)


class Stalled(unittest.TestCase):
    """Clients that open no window, or never read."""

    def test_a_stream_that_gets_no_window_is_reset_and_its_siblings_are_served(self):
        config = CONFIG.replace("UP", "127.0.0.1:1").replace("body: hi", f"body: {'x' * 4000}")
        with Headgate(config) as headgate:
            window = struct.pack(">HI", 4, 0)  # INITIAL_WINDOW_SIZE 0
            with RawH2(headgate.port(), window) as peer:
                began = time.monotonic()
                peer.send(frame(HEADERS, END_STREAM | END_HEADERS, 1, get_block("/", "own.example.com")))
                self.assertIsNotNone(peer.wait_for(HEADERS, stream=1))
                error = peer.reset_of(1, patience=45)
                took = time.monotonic() - began
                self.assertIsNotNone(error, "a stalled stream is reset after 30 s")
                self.assertGreater(took, 25)
                self.assertLess(took, 40)
                peer.send(frame(PING, 0, 0, b"12345678"))
                self.assertIsNotNone(peer.wait_for(PING))
            self.assertEqual(headgate.metric("headgate_requests_rejected_total", reason="h2_stalled_stream"), 1)

    def test_a_client_that_never_reads_costs_bounded_memory(self):
        with Headgate(CONFIG.replace("UP", "127.0.0.1:1")) as headgate:
            request(headgate.port(), "/", headers={"Host": "own.example.com"})
            resident = memory(headgate)
            connections = []
            try:
                for _ in range(20):
                    connection = socket.socket()
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                    connection.connect(("127.0.0.1", headgate.port()))
                    connection.setblocking(False)
                    data = PREFACE + frame(SETTINGS) + b"".join(
                        frame(HEADERS, END_STREAM | END_HEADERS, stream, get_block("/", "own.example.com"))
                        for stream in range(1, 4001, 2))
                    try:
                        connection.send(data)
                    except BlockingIOError:
                        pass
                    connections.append(connection)
                time.sleep(1)
                if not SANITIZED:
                    self.assertLess((memory(headgate) - resident) / len(connections), 1 << 20)
                self.assertEqual(request(headgate.port(), "/", headers={"Host": "own.example.com"}).status, 200)
            finally:
                for connection in connections:
                    connection.close()


if __name__ == "__main__":
    unittest.main()
