"""gRPC through the binary with real clients and servers (grpcio; Go's interop pair): messages are bytes, so that no stub has
to be generated."""

import collections
import concurrent.futures
import contextlib
import os
import pathlib
import socket
import subprocess
import tempfile
import threading
import time
import unittest

import grpc
import h2.events
import h2.settings

from h2_support import H2Client, H2Server, server_session
from support import PATIENCE, SANITIZED, Child, Headgate, free_port, need, self_signed, wait_until

SERVICE = "shop.Echo"

CONFIG = """
listeners:
  - {name: web, address: "127.0.0.1:{port:web}", protocols: [h2, http/1.1]}
  - {name: tls, address: "127.0.0.1:{port:tls}", tls: {certificates: [{certFile: tls.crt, keyFile: tls.key}]}}
upstreams:
  up: {endpoints: ["UP"], protocol: h2c}
  down: {endpoints: ["127.0.0.1:DOWN"], protocol: h2c}
  other: {endpoints: ["OTHER"], protocol: h2c}
  old: {endpoints: ["UP"]}
routes:
  - {name: echo, matches: [{path: {prefix: /shop.Echo}}], backends: [{upstream: up}]}
  - {name: down, matches: [{path: {prefix: /shop.Down}}], backends: [{upstream: down}]}
  - {name: old, matches: [{path: {prefix: /shop.Old}}], backends: [{upstream: old}]}
  - name: canary
    matches: [{path: {prefix: /shop.Canary}}]
    backends:
      - {upstream: up, weight: 90}
      - {upstream: other, weight: 10, force: [{header: {name: x-canary, exact: always}}]}
  - {name: beta, matches: [{path: {prefix: /shop.Beta}, headers: [{name: x-beta, exact: "1"}]}], backends: [{upstream: other}]}
  - {name: limited, matches: [{path: {prefix: /shop.Limited}}], maxBodySize: 10KiB, backends: [{upstream: up}]}
  - {name: private, matches: [{path: {prefix: /shop.Private}}], access: {deny: [127.0.0.0/8]}, backends: [{upstream: up}]}
  - {name: hasty, matches: [{path: {prefix: /shop.Hasty}}], timeouts: {request: 300ms}, backends: [{upstream: up}]}
"""


class Server:
    """A gRPC server of grpcio's whose methods work with bytes."""

    def __init__(self, name: str = "one"):
        self.name = name
        self.calls = collections.Counter()
        self.metadata: dict[str, object] = {}
        self.deadlines: list[float | None] = []
        self.cancelled: list[float] = []
        self.release = threading.Event()
        self.server = grpc.server(concurrent.futures.ThreadPoolExecutor(64),
                                  options=[("grpc.max_receive_message_length", 64 << 20), ("grpc.so_reuseport", 0)])
        self.server.add_generic_rpc_handlers((self,))
        self.port = self.server.add_insecure_port("127.0.0.1:0")
        self.address = f"127.0.0.1:{self.port}"
        self.server.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.release.set()
        self.server.stop(0).wait()

    # grpc.GenericRpcHandler, by its one method.
    def service(self, details):
        method = details.method.rpartition("/")[2]
        kinds = {"Unary": grpc.unary_unary_rpc_method_handler, "Fail": grpc.unary_unary_rpc_method_handler,
                 "Wait": grpc.unary_unary_rpc_method_handler, "Talk": grpc.unary_unary_rpc_method_handler,
                 "Collect": grpc.stream_unary_rpc_method_handler, "Count": grpc.unary_stream_rpc_method_handler,
                 "Chat": grpc.stream_stream_rpc_method_handler}
        self.calls[details.method] += 1
        return kinds[method](getattr(self, method.lower())) if method in kinds else None

    def unary(self, message, context):
        self.deadlines.append(context.time_remaining())
        context.set_trailing_metadata((("x-server", self.name),))
        return message

    def talk(self, message, context):
        self.metadata = {item.key: item.value for item in context.invocation_metadata()}
        context.send_initial_metadata((("x-initial", "first"), ("x-initial-bin", b"\x01\x02\xfe")))
        context.set_trailing_metadata((("x-last", "last"), ("x-last-bin", bytes(range(256)))))
        return message

    def fail(self, message, context):
        context.set_trailing_metadata((("x-why-bin", b"\x00\xff\x01"),))
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, "not today, \u00fcberhaupt nicht")

    def wait(self, message, context):
        context.add_callback(lambda: self.cancelled.append(time.monotonic()))
        while context.is_active() and not self.release.wait(0.005):
            pass
        return message

    def collect(self, messages, context):
        return b"".join(messages)

    def count(self, message, context):
        for i in range(int(message)):
            yield b"%d" % i

    def chat(self, messages, context):
        for message in messages:
            yield message.upper()


def configured(server: Server, other: Server, extra: str = "") -> Headgate:
    with tempfile.TemporaryDirectory() as folder:
        paths = self_signed(folder, ["shop.example.com", "localhost", "127.0.0.1"])
        files = {os.path.basename(path): pathlib.Path(path).read_text() for path in paths}
    config = CONFIG.replace("OTHER", other.address).replace("UP", server.address).replace("DOWN", str(free_port()))
    return Headgate(config + extra, files=files)


class Channel:
    """A channel with bytes for messages."""

    def __init__(self, headgate: Headgate, tls: bool = False):
        options = [("grpc.max_receive_message_length", 64 << 20), ("grpc.enable_http_proxy", 0),
                   ("grpc.use_local_subchannel_pool", 1)]
        if tls:
            root = (headgate.directory / "tls.crt").read_bytes()
            self.channel = grpc.secure_channel(f"127.0.0.1:{headgate.port('tls')}", grpc.ssl_channel_credentials(root), options)
        else:
            self.channel = grpc.insecure_channel(f"127.0.0.1:{headgate.port('web')}", options)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.channel.close()

    def unary(self, method: str, service: str = SERVICE):
        return self.channel.unary_unary(f"/{service}/{method}")

    def collect(self):
        return self.channel.stream_unary(f"/{SERVICE}/Collect")

    def count(self):
        return self.channel.unary_stream(f"/{SERVICE}/Count")

    def chat(self):
        return self.channel.stream_stream(f"/{SERVICE}/Chat")


class Calls(unittest.TestCase):
    tls = False

    @classmethod
    def setUpClass(cls):
        cls.server, cls.other = Server(), Server("two")
        cls.headgate = configured(cls.server, cls.other)
        cls.channel = Channel(cls.headgate, cls.tls)

    @classmethod
    def tearDownClass(cls):
        cls.channel.__exit__()
        cls.headgate.close()
        cls.server.__exit__()
        cls.other.__exit__()

    def code_of(self, call, *arguments, **options):
        with self.assertRaises(grpc.RpcError) as raised:
            call(*arguments, timeout=options.pop("timeout", PATIENCE), **options)
        return raised.exception

    def test_unary(self):
        for size in (0, 1, 100, 1 << 20):
            data = os.urandom(size)
            self.assertEqual(self.channel.unary("Unary")(data, timeout=PATIENCE), data)

    def test_client_streaming(self):
        pieces = [os.urandom(10_000) for _ in range(100)]
        self.assertEqual(self.channel.collect()(iter(pieces), timeout=PATIENCE), b"".join(pieces))

    def test_server_streaming(self):
        self.assertEqual([int(item) for item in self.channel.count()(b"1000", timeout=PATIENCE)], list(range(1000)))

    def test_both_ways_message_by_message(self):
        # The next message is sent only when the answer to the one before is there: nothing may be held back.
        answers: list[bytes] = []
        arrived = threading.Condition()

        def messages():
            for i in range(50):
                yield b"m%d" % i
                with arrived:
                    if not arrived.wait_for(lambda i=i: len(answers) > i, PATIENCE):
                        return

        for answer in self.channel.chat()(messages(), timeout=PATIENCE):
            with arrived:
                answers.append(answer)
                arrived.notify_all()
        self.assertEqual(answers, [b"M%d" % i for i in range(50)])

    def test_metadata_with_binary_values_both_ways(self):
        binary = bytes(range(256))
        _, call = self.channel.unary("Talk").with_call(
            b"", timeout=PATIENCE, metadata=(("x-text", "plain"), ("x-data-bin", binary)))
        self.assertEqual(self.server.metadata["x-data-bin"], binary)
        self.assertEqual(self.server.metadata["x-text"], "plain")
        self.assertEqual(dict(call.initial_metadata())["x-initial-bin"], b"\x01\x02\xfe")
        self.assertEqual(dict(call.trailing_metadata())["x-last-bin"], binary)
        self.assertEqual(dict(call.trailing_metadata())["x-last"], "last")

    def test_an_errors_status_message_and_trailers_come_through(self):
        error = self.code_of(self.channel.unary("Fail"), b"")
        self.assertEqual(error.code(), grpc.StatusCode.FAILED_PRECONDITION)
        self.assertEqual(error.details(), "not today, \u00fcberhaupt nicht")
        self.assertEqual(dict(error.trailing_metadata())["x-why-bin"], b"\x00\xff\x01")

    def test_an_unknown_method_is_the_servers_own_unimplemented(self):
        error = self.code_of(self.channel.unary("Nothing"), b"")
        self.assertEqual((error.code(), error.details()), (grpc.StatusCode.UNIMPLEMENTED, "Method not found!"))

    def test_the_deadline_reaches_the_server_and_holds_at_the_client(self):
        self.channel.unary("Unary")(b"", timeout=5)
        self.assertLess(self.server.deadlines[-1], 5.1)
        self.assertGreater(self.server.deadlines[-1], 3)
        began = time.monotonic()
        error = self.code_of(self.channel.unary("Wait"), b"", timeout=0.3)
        self.assertEqual(error.code(), grpc.StatusCode.DEADLINE_EXCEEDED)
        self.assertLess(time.monotonic() - began, 5)

    def test_no_route_is_unimplemented(self):
        self.assertEqual(self.code_of(self.channel.unary("Unary", "shop.Nobody"), b"").code(), grpc.StatusCode.UNIMPLEMENTED)

    def test_an_upstream_that_is_down_is_unavailable(self):
        self.assertEqual(self.code_of(self.channel.unary("Unary", "shop.Down"), b"").code(), grpc.StatusCode.UNAVAILABLE)

    def test_an_http11_upstream_is_unimplemented_with_the_reason(self):
        error = self.code_of(self.channel.unary("Unary", "shop.Old"), b"")
        self.assertEqual(error.code(), grpc.StatusCode.UNIMPLEMENTED)
        self.assertTrue(error.details())

    def test_what_is_forbidden_is_permission_denied(self):
        error = self.code_of(self.channel.unary("Unary", "shop.Private"), b"")
        self.assertEqual(error.code(), grpc.StatusCode.PERMISSION_DENIED)

    def test_a_message_over_the_routes_limit_is_resource_exhausted(self):
        error = self.code_of(self.channel.unary("Unary", "shop.Limited"), b"x" * 100_000)
        self.assertEqual(error.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)

    def test_the_routes_own_deadline_is_deadline_exceeded(self):
        error = self.code_of(self.channel.unary("Wait", "shop.Hasty"), b"")
        self.assertEqual(error.code(), grpc.StatusCode.DEADLINE_EXCEEDED)

    def test_a_cancelled_call_reaches_the_server_within_100_ms(self):
        times = []
        for _ in range(5):
            before = len(self.server.cancelled)
            calls = self.server.calls[f"/{SERVICE}/Wait"]
            call = self.channel.unary("Wait").future(b"", timeout=PATIENCE)
            wait_until(lambda: self.server.calls[f"/{SERVICE}/Wait"] > calls, "the call to arrive")
            time.sleep(0.05)
            began = time.monotonic()
            call.cancel()
            wait_until(lambda: len(self.server.cancelled) > before, "the cancellation to arrive", every=0.001)
            times.append(self.server.cancelled[-1] - began)
        self.assertLess(min(times), 0.1, times)

    def test_a_canary_is_split_per_call_on_one_connection(self):
        counts = collections.Counter()
        call = self.channel.unary("Unary", "shop.Canary")
        for _ in range(500):
            _, done = call.with_call(b"", timeout=PATIENCE)
            counts[dict(done.trailing_metadata())["x-server"]] += 1
        self.assertAlmostEqual(counts["two"], 50, delta=5)

    def test_a_call_is_forced_and_matched_by_its_metadata(self):
        _, done = self.channel.unary("Unary", "shop.Canary").with_call(b"", timeout=PATIENCE, metadata=(("x-canary", "always"),))
        self.assertEqual(dict(done.trailing_metadata())["x-server"], "two")
        self.channel.unary("Unary", "shop.Beta")(b"", timeout=PATIENCE, metadata=(("x-beta", "1"),))
        self.assertEqual(self.code_of(self.channel.unary("Unary", "shop.Beta"), b"").code(), grpc.StatusCode.UNIMPLEMENTED)

    def test_calls_are_counted_by_status(self):
        before = self.headgate.metric("headgate_grpc_requests_total", route="echo", upstream="up", grpc_status="9")
        self.code_of(self.channel.unary("Fail"), b"")
        wait_until(lambda: self.headgate.metric("headgate_grpc_requests_total", route="echo", upstream="up",
                                                grpc_status="9") == before + 1, "the call to be counted")

    def test_many_calls_at_once(self):
        call = self.channel.unary("Unary")
        futures = [call.future(b"%d" % i, timeout=PATIENCE) for i in range(500)]
        self.assertEqual([future.result() for future in futures], [b"%d" % i for i in range(500)])


class CallsOverTls(Calls):
    tls = True


class UpstreamGoes(unittest.TestCase):
    def test_a_server_that_dies_during_a_call_is_unavailable(self):
        with Server() as other:
            server = Server()
            with configured(server, other) as headgate, Channel(headgate) as channel:
                call = channel.unary("Wait").future(b"", timeout=PATIENCE)
                wait_until(lambda: server.calls, "the call to arrive")
                server.server.stop(0).wait()
                self.assertIn(call.exception().code(), (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED))


class ManyStreams(unittest.TestCase):
    """10,000 streams at one time: a server of Python's own holds every one of them until all are there."""

    CONFIG = """
listeners: [{name: web, address: "127.0.0.1:{port:web}", protocols: [h2], limits: {h2Streams: STREAMS}}]
upstreams: {up: {endpoints: ["UP"], protocol: h2c, connections: {max: 20000, maxPending: 20000}}}
routes: [{name: all, timeouts: {backendRequest: 300s}, backends: [{upstream: up}]}]
"""

    def check(self, connections: int, streams: int) -> None:
        total = connections * streams
        with HoldingServer(total) as up:
            with Headgate(self.CONFIG.replace("UP", up.address).replace("STREAMS", str(max(100, streams)))) as headgate:
                clients = [H2Client(headgate.port()) for _ in range(connections)]
                try:
                    for client in clients:
                        while not client.session.remote_settings.max_concurrent_streams >= streams:
                            client.turn()
                    # Each of the threads works on connections of its own.
                    with concurrent.futures.ThreadPoolExecutor(4) as pool:
                        opened = list(pool.map(lambda client: [
                            client.start(f"/{SERVICE}/Wait", "POST", headers=[("content-type", "application/grpc"), ("te", "trailers")],
                                         body=b"\0\0\0\0\0") for _ in range(streams)], clients))
                        wait_until(lambda: up.count >= total, f"all {total} streams to arrive", patience=4 * PATIENCE)
                        self.assertEqual(headgate.metric("headgate_requests_active", route="all"), total)
                        up.release.set()
                        ends = list(pool.map(lambda pair: collections.Counter(
                            (reply.status, tuple(reply.trailers)) for reply in map(pair[0].finish, pair[1])), zip(clients, opened)))
                    self.assertEqual(sum(ends, collections.Counter()), {(200, (("grpc-status", "0"),)): total})
                finally:
                    for client in clients:
                        client.socket.close()

    # Under a sanitizer a tenth: the Python on both sides takes most of the time.
    def test_10000_over_100_connections(self):
        self.check(100, 10 if SANITIZED else 100)

    def test_10000_over_4_connections(self):
        self.check(4, 250 if SANITIZED else 2500)


class HoldingServer(H2Server):
    """Answers no request before `total` are there; then all of them, each connection its own."""

    def __init__(self, total: int):
        self.total, self.count, self.release = total, 0, threading.Event()
        self.lock = threading.Lock()
        super().__init__(settings={h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: 10_000})

    def _connection(self, connection: socket.socket) -> None:
        session = server_session(self._settings)
        session.increment_flow_control_window(1 << 24)
        connection.sendall(session.data_to_send())
        connection.settimeout(0.05)
        held: list[int] = []
        while True:
            with contextlib.suppress(TimeoutError):
                data = connection.recv(1 << 16)
                if not data:
                    return
                for event in session.receive_data(data):
                    if isinstance(event, h2.events.StreamEnded):
                        held.append(event.stream_id)
                        with self.lock:
                            self.count += 1
            if self.release.is_set():
                for stream in held:
                    session.send_headers(stream, [(":status", "200"), ("content-type", "application/grpc")])
                    session.send_headers(stream, [("grpc-status", "0")], end_stream=True)
                held.clear()
            if out := session.data_to_send():
                connection.settimeout(PATIENCE)
                connection.sendall(out)
                connection.settimeout(0.05)


class Interop(unittest.TestCase):
    """The Go implementation's interop client and server: every case that needs no cloud."""

    CASES = ["empty_unary", "large_unary", "client_streaming", "server_streaming", "ping_pong", "empty_stream",
             "timeout_on_sleeping_server", "cancel_after_begin", "cancel_after_first_response", "status_code_and_message",
             "special_status_message", "custom_metadata", "unimplemented_method", "unimplemented_service"]

    CONFIG = """
listeners:
  - {name: web, address: "127.0.0.1:{port:web}", protocols: [h2]}
  - {name: tls, address: "127.0.0.1:{port:tls}", tls: {certificates: [{certFile: tls.crt, keyFile: tls.key}]}}
upstreams: {up: {endpoints: ["127.0.0.1:{port:up}"], protocol: h2c}}
routes: [{name: all, backends: [{upstream: up}]}]
"""

    def setUp(self):
        self.client, self.server = need("grpc-interop-client"), need("grpc-interop-server")
        with tempfile.TemporaryDirectory() as folder:
            paths = self_signed(folder, ["shop.example.com", "127.0.0.1"])
            files = {os.path.basename(path): pathlib.Path(path).read_text() for path in paths}
        self.headgate = self.enterContext(Headgate(self.CONFIG, files=files))
        port = self.headgate.port("up")
        up = Child([self.server, f"-port={port}"], self.headgate.root / "interop.log")
        self.addCleanup(up.kill)
        wait_until(lambda: socket.create_connection(("127.0.0.1", port)).close() or True, "the server")

    def call(self, case, options):
        return subprocess.run([self.client, "-server_host=127.0.0.1", f"-test_case={case}", *options],
                              capture_output=True, text=True, timeout=PATIENCE, check=False)

    def test_every_case_in_the_clear_and_over_tls(self):
        secure = [f"-server_port={self.headgate.port('tls')}", "-use_tls", f"-ca_file={self.headgate.directory}/tls.crt",
                  "-use_test_ca", "-server_host_override=shop.example.com"]
        for options in ([f"-server_port={self.headgate.port('web')}"], secure):
            for case in self.CASES:
                with self.subTest(case, tls=options is secure):
                    result = self.call(case, options)
                    self.assertEqual(result.returncode, 0, result.stderr)

    def test_a_call_without_messages_may_be_the_first_on_its_connection(self):
        # Its end is here before the connection to the server is; the server wants it in a DATA frame all the same.
        result = self.call("empty_stream", [f"-server_port={self.headgate.port('web')}"])
        self.assertEqual(result.returncode, 0, result.stderr)


if __name__ == "__main__":
    unittest.main()
