"""WebSocket over HTTP/2 (RFC 8441): extended CONNECT by python-h2 with wsproto's frames, and by Chromium where it is
installed, to a server of python3-websockets that speaks HTTP/1.1; and an HTTP/1.1 client to an HTTP/2 upstream."""

import os
import pathlib
import socket
import subprocess
import tempfile
import unittest

import h2.events
import h2.settings
import wsproto.connection
import wsproto.events

from h2_support import H1Server, H2Client, Reply, server_session, some_bytes
from support import PATIENCE, Headgate, RawServer, need, request, self_signed, wait_until

PYTHON = "/usr/bin/python3"
ECHO = pathlib.Path(__file__).with_name("websocket_echo.py")

CONFIG = """
listeners:
  - {name: web, address: "127.0.0.1:{port:web}", protocols: [h2, http/1.1]}
  - {name: tls, address: "127.0.0.1:{port:tls}", tls: {certificates: [{certFile: tls.crt, keyFile: tls.key}]}}
upstreams:
  up: {endpoints: ["UP"]}
  plain: {endpoints: ["PLAIN"]}
routes:
  - {name: socket, matches: [{path: {prefix: /socket}}], backends: [{upstream: up}]}
  - {name: never, matches: [{path: {prefix: /never}}], websocket: false, backends: [{upstream: up}]}
  - {name: page, matches: [{path: {exact: /page}}], respond: {status: 200, headers: {content-type: text/html}, body: "PAGE"}}
  - {name: rest, backends: [{upstream: plain}]}
"""


class Tunnel:
    """One WebSocket on a stream of an HTTP/2 connection."""

    def __init__(self, client: H2Client, path: str = "/socket", extra: list[tuple[str, str]] | None = None):
        self.client = client
        client.flush()
        while h2.settings.SettingCodes.ENABLE_CONNECT_PROTOCOL not in client.session.remote_settings:
            client.turn()
        self.stream = client.session.get_next_available_stream_id()
        client.session.send_headers(self.stream, [
            (":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"), (":path", path),
            (":authority", "shop.example.com"), ("sec-websocket-version", "13"), ("origin", "http://shop.example.com"),
            *(extra or [])])
        self.reply = client.replies[self.stream] = Reply(0)
        client.flush()
        while not self.reply.status and self.stream not in client.done and not client.closed:
            client.turn()
        self.frames = wsproto.connection.Connection(wsproto.connection.ConnectionType.CLIENT)
        self.taken = 0

    def send(self, event) -> None:
        data = self.frames.send(event)
        while data:
            room = min(self.client.session.local_flow_control_window(self.stream), 16384, len(data))
            if room == 0:
                self.client.turn()
                continue
            self.client.session.send_data(self.stream, data[:room])
            data = data[room:]
            self.client.flush()

    def next(self):
        """The next event of the server's; None at the end of the stream."""
        while True:
            for event in self.frames.events():
                return event
            body = self.reply.body
            if len(body) > self.taken:
                self.frames.receive_data(body[self.taken:])
                self.taken = len(body)
                continue
            if self.stream in self.client.done or self.client.closed:
                return None
            self.client.turn()

    def message(self) -> str | bytes:
        parts = []
        while True:
            event = self.next()
            if event is None:
                raise EOFError
            if isinstance(event, (wsproto.events.TextMessage, wsproto.events.BytesMessage)):
                parts.append(event.data)
                if event.message_finished:
                    return type(event.data)().join(parts)


class OverH2(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if subprocess.run([PYTHON, "-c", "import websockets"], capture_output=True, check=False).returncode != 0:
            raise unittest.SkipTest("python3-websockets is not installed")
        cls.server = subprocess.Popen([PYTHON, str(ECHO), "serve"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        port = int(cls.server.stdout.readline())
        cls.plain = H1Server()
        with tempfile.TemporaryDirectory() as folder:
            paths = self_signed(folder, ["shop.example.com", "localhost", "127.0.0.1"])
            files = {os.path.basename(path): pathlib.Path(path).read_text() for path in paths}
        page = ("<script>const s = new WebSocket('wss://' + location.host + '/socket');"
                "s.onopen = () => s.send('from a browser');"
                "s.onmessage = (m) => fetch('/got/' + encodeURIComponent(m.data));</script>waiting")
        config = CONFIG.replace("UP", f"127.0.0.1:{port}").replace("PLAIN", cls.plain.address).replace("PAGE", page)
        cls.headgate = Headgate(config, files=files)

    @classmethod
    def tearDownClass(cls):
        cls.headgate.close()
        cls.plain.__exit__()
        cls.server.kill()
        cls.server.communicate()

    def test_messages_are_echoed_in_the_clear_and_over_tls(self):
        for name, tls in (("web", False), ("tls", True)):
            with self.subTest(name), H2Client(self.headgate.port(name), tls=tls) as client:
                tunnel = Tunnel(client)
                self.assertEqual(tunnel.reply.status, 200)
                self.assertIsNone(tunnel.reply.header("sec-websocket-accept"), "RFC 8441 5.1")
                self.assertIsNone(tunnel.reply.header("upgrade"))
                for i in range(50):
                    tunnel.send(wsproto.events.TextMessage(f"message {i}"))
                    self.assertEqual(tunnel.message(), f"message {i}")
                data = some_bytes(500_000)
                tunnel.send(wsproto.events.BytesMessage(data))
                self.assertEqual(tunnel.message(), data)
                tunnel.send(wsproto.events.CloseConnection(1000))
                self.assertIsInstance(tunnel.next(), wsproto.events.CloseConnection)
                while tunnel.stream not in client.done and not client.closed:
                    client.turn()
                self.assertIsNone(client.done[tunnel.stream], "it ends with END_STREAM, not with a reset")

    def test_several_tunnels_and_requests_share_a_connection(self):
        with H2Client(self.headgate.port()) as client:
            tunnels = [Tunnel(client) for _ in range(10)]
            for i, tunnel in enumerate(tunnels):
                tunnel.send(wsproto.events.TextMessage(f"tunnel {i}"))
            self.assertEqual(client.ask("/n").status, 200)
            for i, tunnel in enumerate(tunnels):
                self.assertEqual(tunnel.message(), f"tunnel {i}")
            self.assertEqual(self.headgate.metric("headgate_tunnels_active", route="socket"), 10)
        wait_until(lambda: self.headgate.metric("headgate_tunnels_active", route="socket") == 0, "the tunnels to be gone")

    def test_a_route_that_does_not_allow_it_is_403(self):
        with H2Client(self.headgate.port()) as client:
            self.assertEqual(Tunnel(client, "/never").reply.status, 403)
            self.assertEqual(client.ask("/n").status, 200)

    def test_another_protocol_is_501_and_a_plain_connect_405(self):
        for extra, expected in ((((":protocol", "connect-udp"), (":scheme", "http"), (":path", "/")), 501), ((), 405)):
            with self.subTest(expected), H2Client(self.headgate.port()) as client:
                while h2.settings.SettingCodes.ENABLE_CONNECT_PROTOCOL not in client.session.remote_settings:
                    client.turn()
                stream = client.session.get_next_available_stream_id()
                client.session.send_headers(stream, [(":method", "CONNECT"), *extra, (":authority", "shop.example.com:443")])
                client.replies[stream] = Reply(0)
                client.flush()
                while not client.replies[stream].status and stream not in client.done and not client.closed:
                    client.turn()
                self.assertEqual(client.replies[stream].status, expected)

    def test_an_upstream_that_does_not_upgrade_is_answered_with_its_response(self):
        with H2Client(self.headgate.port()) as client:
            tunnel = Tunnel(client, "/status/404")
            self.assertEqual(tunnel.reply.status, 404)
            asked = self.plain.asked[-1]
            named = dict(asked.headers)
            self.assertEqual((asked.method, named["upgrade"], named["connection"].lower()), ("GET", "websocket", "upgrade"))
            self.assertRegex(named["sec-websocket-key"], r"^[A-Za-z0-9+/]{22}==$")
            self.assertEqual(named["sec-websocket-version"], "13")

    def test_only_an_acceptance_is_a_2xx(self):
        """In HTTP/2 a 200 opens the WebSocket, whatever the page says."""
        for path, status in (("/n", 502), ("/page", 403)):
            with self.subTest(path), H2Client(self.headgate.port()) as client:
                self.assertEqual(Tunnel(client, path).reply.status, status)
                self.assertEqual(client.ask("/n").status, 200)

    def test_an_accept_that_does_not_fit_is_502(self):
        def serve(connection: socket.socket) -> None:
            data = b""
            while b"\r\n\r\n" not in data:
                data += connection.recv(65536)
            connection.sendall(b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
                               b"Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n")
            connection.recv(1)

        with RawServer(serve) as liar:
            config = f"""
listeners: [{{name: web, address: "127.0.0.1:{{port:web}}", protocols: [h2, http/1.1]}}]
upstreams: {{up: {{endpoints: ["{liar.address}"]}}}}
routes: [{{name: all, backends: [{{upstream: up}}]}}]
"""
            with Headgate(config) as headgate, H2Client(headgate.port()) as client:
                self.assertEqual(Tunnel(client).reply.status, 502)

    def test_when_the_client_goes_the_server_learns_it(self):
        with H2Client(self.headgate.port()) as client:
            tunnel = Tunnel(client)
            self.assertEqual(tunnel.reply.status, 200)
            client.session.reset_stream(tunnel.stream, 8)
            client.flush()
            wait_until(lambda: self.headgate.metric("headgate_tunnels_active", route="socket") == 0, "the tunnel to be gone")
            self.assertEqual(client.ask("/n").status, 200)

    def test_a_browser(self):
        program = need("chromium")
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            browser = subprocess.Popen(
                [program, "--headless", "--no-sandbox", "--disable-gpu", "--ignore-certificate-errors", "--no-proxy-server",
                 "--remote-debugging-port=0", f"--user-data-dir={folder}", f"https://127.0.0.1:{self.headgate.port('tls')}/page"],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                # The page asks for what it got.
                wait_until(lambda: [line for line in self.headgate.access_lines() if line["path"] == "/got/from%20a%20browser"],
                           "what the page got")
            finally:
                browser.terminate()  # closes the page, which ends the tunnel
                browser.wait(PATIENCE)
        line = wait_until(lambda: [line for line in self.headgate.access_lines()
                                   if line["path"] == "/socket" and "Chrome" in (line["user_agent"] or "")], "its line")[-1]
        self.assertEqual(line["protocol"], "HTTP/2")


class H2WebSocketServer(RawServer):
    """Echoes WebSocket messages on streams of extended CONNECT; without `offers` it does not announce the setting."""

    def __init__(self, offers: bool = True):
        self.offers = offers
        self.heads: list[dict[str, str]] = []
        super().__init__(self._connection)

    def _connection(self, connection: socket.socket) -> None:
        session = server_session({h2.settings.SettingCodes.ENABLE_CONNECT_PROTOCOL: int(self.offers)})
        connection.sendall(session.data_to_send())
        frames: dict[int, wsproto.connection.Connection] = {}
        waiting: dict[int, bytes] = {}
        while data := connection.recv(65536):
            for event in session.receive_data(data):
                if isinstance(event, h2.events.RequestReceived):
                    self.heads.append(dict(event.headers))
                    frames[event.stream_id] = wsproto.connection.Connection(wsproto.connection.ConnectionType.SERVER)
                    waiting[event.stream_id] = b""
                    session.send_headers(event.stream_id, [(":status", "200")])
                elif isinstance(event, h2.events.DataReceived):
                    session.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                    waiting[event.stream_id] += self._echo(frames[event.stream_id], event.data)
            for stream, rest in waiting.items():
                while rest and (room := min(session.local_flow_control_window(stream), 16384)):
                    session.send_data(stream, rest[:room])
                    rest = rest[room:]
                waiting[stream] = rest
                if not rest and frames[stream].state is wsproto.connection.ConnectionState.CLOSED:
                    session.end_stream(stream)
                    frames[stream] = wsproto.connection.Connection(wsproto.connection.ConnectionType.SERVER)
            connection.sendall(session.data_to_send())

    @staticmethod
    def _echo(frames, data: bytes) -> bytes:
        answer = b""
        frames.receive_data(data)
        for event in frames.events():
            if isinstance(event, (wsproto.events.TextMessage, wsproto.events.BytesMessage)):
                answer += frames.send(type(event)(event.data, message_finished=event.message_finished))
            elif isinstance(event, wsproto.events.CloseConnection):
                answer += frames.send(event.response())
        return answer


class ToH2(unittest.TestCase):
    """From HTTP/1.1 and HTTP/2 to an HTTP/2 upstream."""

    CONFIG = """
listeners: [{name: web, address: "127.0.0.1:{port:web}", protocols: [h2, http/1.1]}]
upstreams: {up: {endpoints: ["UP"], protocol: h2c}}
routes: [{name: all, backends: [{upstream: up}]}]
"""

    def test_a_real_http11_client_talks_to_it(self):
        with H2WebSocketServer() as up, Headgate(self.CONFIG.replace("UP", up.address)) as headgate:
            result = subprocess.run([PYTHON, str(ECHO), "talk", str(headgate.port())], capture_output=True, text=True,
                                    timeout=PATIENCE, check=False)
            self.assertEqual((result.returncode, result.stdout.strip()), (0, "echoed 100"), result.stderr)
            self.assertEqual((up.heads[0][":method"], up.heads[0][":protocol"]), ("CONNECT", "websocket"))
            self.assertNotIn("sec-websocket-key", up.heads[0])

    def test_an_http2_client_talks_to_it(self):
        with H2WebSocketServer() as up, Headgate(self.CONFIG.replace("UP", up.address)) as headgate:
            with H2Client(headgate.port()) as client:
                tunnel = Tunnel(client)
                self.assertEqual(tunnel.reply.status, 200)
                tunnel.send(wsproto.events.TextMessage("both ways"))
                self.assertEqual(tunnel.message(), "both ways")

    def test_an_upstream_without_the_setting_is_502(self):
        with H2WebSocketServer(offers=False) as up, Headgate(self.CONFIG.replace("UP", up.address)) as headgate:
            answer = request(headgate.port(), "/", headers={
                "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
                "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="})
            self.assertEqual(answer.status, 502)


if __name__ == "__main__":
    unittest.main()
