"""HTTP/2 through the binary: conformance (h2spec), real clients (curl, nghttp, h2load), the four pairings of protocols with
one suite, reload and drain under load."""

import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest
import xml.etree.ElementTree

from h2_support import H1Client, H1Server, H2Client, H2Server, connect, digest, some_bytes
from support import PATIENCE, SANITIZED, Headgate, Nginx, curl, need, self_signed, wait_until

PAIR = """
listeners:
  - {name: web, address: "127.0.0.1:{port:web}", protocols: [h2, http/1.1]}
  - {name: tls, address: "127.0.0.1:{port:tls}", tls: {certificates: [{certFile: tls.crt, keyFile: tls.key}]}}
upstreams: {up: {endpoints: ["UP"], protocol: PROTOCOL}}
routes: [{name: all, backends: [{upstream: up}]}]
"""


def with_certificate(config: str, **options) -> Headgate:
    """headgate on a configuration whose TLS listeners name tls.crt and tls.key."""
    with tempfile.TemporaryDirectory() as folder:
        paths = self_signed(folder, ["shop.example.com", "127.0.0.1"])
        files = {os.path.basename(path): pathlib.Path(path).read_text() for path in paths}
    return Headgate(config, files=files, **options)


class Suite:
    """What holds whatever is spoken on either side. `client` and `server` are the pairing's."""

    client: type
    server: type
    protocol: str

    @classmethod
    def setUpClass(cls):
        cls.up = cls.server()
        cls.headgate = with_certificate(PAIR.replace("UP", cls.up.address).replace("PROTOCOL", cls.protocol))

    @classmethod
    def tearDownClass(cls):
        cls.headgate.close()
        cls.up.__exit__()

    def setUp(self):
        self.peer = self.client(self.headgate.port("web"))

    def tearDown(self):
        self.peer.socket.close()

    def test_a_get_carries_its_fields_both_ways(self):
        reply = self.peer.ask("/a?b=c", headers=[("x-own", "v")])
        self.assertEqual(reply.status, 200)
        seen = reply.json()
        self.assertEqual((seen["method"], seen["path"], seen["authority"]), ("GET", "/a?b=c", "shop.example.com"))
        self.assertIn(["x-own", "v"], seen["headers"])
        self.assertIn(["x-forwarded-proto", "http"], seen["headers"])
        self.assertEqual(reply.header("x-protocol"), self.up.asked[-1].protocol)

    def test_requests_follow_each_other_on_one_connection(self):
        for i in range(50):
            self.assertEqual(self.peer.ask(f"/n/{i}").json()["path"], f"/n/{i}")

    def test_head_has_the_length_and_no_body(self):
        reply = self.peer.ask("/bytes/1000", "HEAD")
        self.assertEqual((reply.status, reply.header("content-length"), reply.body), (200, "1000", b""))
        self.assertEqual(self.peer.ask("/a").status, 200)

    def test_a_large_download_arrives_whole(self):
        reply = self.peer.ask("/bytes/5000000")
        self.assertFalse(reply.cut)
        self.assertEqual(digest(reply.body), digest(some_bytes(5_000_000)))

    def test_a_large_upload_arrives_whole(self):
        data = some_bytes(5_000_000)
        self.assertEqual(self.peer.ask("/sha", "POST", body=data).body.decode(), digest(data))

    def test_a_large_body_goes_both_ways(self):
        data = some_bytes(2_000_000)
        self.assertEqual(digest(self.peer.ask("/echo", "PUT", body=data).body), digest(data))

    def test_an_empty_post(self):
        self.assertEqual(self.peer.ask("/echo", "POST").body, b"")

    def test_204_and_304_have_no_body(self):
        for status in (204, 304):
            reply = self.peer.ask(f"/status/{status}")
            self.assertEqual((reply.status, reply.body, reply.header("etag")), (status, b"", '"one"'))
            self.assertEqual(self.peer.ask("/a").status, 200)

    def test_trailers_of_a_response_reach_who_takes_them(self):
        reply = self.peer.ask("/trailers", headers=[("te", "trailers")])
        self.assertEqual((reply.body, reply.trailers), (b"hi", [("x-checksum", "abc")]))

    def test_large_trailers_of_a_response_are_not_lost(self):
        reply = self.peer.ask("/trailers/40", headers=[("te", "trailers")])
        if self.server is H2Server:
            self.assertEqual([len(value) for _, value in reply.trailers], [1000] * 40)
        else:
            # Over the limit of HTTP/1.1: 502 when it came in one read with its head, else a visible cut.
            self.assertTrue(reply.cut or reply.status == 502)

    def test_trailers_of_a_request_do_not_break_it(self):
        reply = self.peer.ask("/echo", "POST", body=b"abc", trailers=[("x-sum", "1")], headers=[("te", "trailers")])
        self.assertEqual((reply.status, reply.body), (200, b"abc"))
        if self.server is H2Server and self.client is H2Client:
            self.assertEqual(self.up.asked[-1].trailers, [("x-sum", "1")])

    def test_100_continue_starts_the_body(self):
        reply = self.peer.ask("/sha", "POST", body=b"abc", headers=[("expect", "100-continue")])
        self.assertEqual([status for status, _ in reply.interim], [100])
        self.assertEqual(reply.body.decode(), digest(b"abc"))

    def test_an_interim_response_is_forwarded(self):
        reply = self.peer.ask("/hints")
        self.assertEqual((reply.status, reply.body), (200, b"hinted"))
        self.assertEqual([status for status, _ in reply.interim], [103])
        self.assertIn(("link", "</a.css>; rel=preload"), reply.interim[0][1])

    def test_an_early_response_is_forwarded(self):
        with self.client(self.headgate.port("web")) as peer:
            reply = peer.ask("/early", "POST", body=some_bytes(300_000))
            self.assertEqual((reply.status, reply.body), (413, b"too much"))
        self.assertEqual(self.peer.ask("/a").status, 200)

    def test_many_fields_both_ways(self):
        reply = self.peer.ask("/many", headers=[(f"x-ask-{i}", "v" * 50) for i in range(70)])
        self.assertEqual([reply.header(f"x-many-{i}") for i in range(80)], [f"value {i}" for i in range(80)])
        self.assertEqual(sum(name.startswith("x-ask-") for name, _ in reply.json()), 70)

    def test_cookies_stay_one_list_and_set_cookie_several_fields(self):
        pieces = [("cookie", "a=1"), ("cookie", "b=2"), ("cookie", "c=3")]
        asked = pieces if self.client is H2Client else [("cookie", "a=1; b=2; c=3")]
        reply = self.peer.ask("/cookies", headers=asked)
        self.assertEqual(reply.all("set-cookie"), ["a=1", "b=2"])
        cookies = [value for name, value in reply.json() if name == "cookie"]
        self.assertEqual("; ".join(cookies), "a=1; b=2; c=3")
        if self.server is H1Server:
            self.assertEqual(len(cookies), 1, "HTTP/1.1 knows one Cookie field")

    def test_a_response_that_is_cut_short_ends_visibly(self):
        with self.client(self.headgate.port("web")) as peer:
            reply = peer.ask("/cut")
            self.assertTrue(reply.cut or reply.status == 502, "502 where the head and the cut came in one read")

    def test_the_same_over_tls(self):
        with self.client(self.headgate.port("tls"), tls=True) as peer:
            self.assertIn(["x-forwarded-proto", "https"], peer.ask("/a").json()["headers"])
            data = some_bytes(1_000_000)
            self.assertEqual(digest(peer.ask("/echo", "POST", body=data).body), digest(data))

    def test_the_access_log_says_what_was_spoken(self):
        mark = f"/log/{self.id()}"
        self.peer.ask(mark)
        line = wait_until(lambda: [line for line in self.headgate.access_lines() if line["path"] == mark], "a line")[0]
        self.assertEqual((line["protocol"], line["code"], line["upstream"]), (self.client.protocol, 200, "up"))


class SideBySide:
    """HTTP/2 clients besides."""

    def test_requests_run_side_by_side(self):
        streams = [self.peer.start(f"/n/{i}") for i in range(90)]
        for i, stream in enumerate(streams):
            self.assertEqual(self.peer.finish(stream).json()["path"], f"/n/{i}")

    def test_a_stream_that_is_not_read_does_not_stop_its_siblings(self):
        with H2Client(self.headgate.port("web"), window=0) as peer:
            stalled = peer.start("/bytes/1000000")
            answered = peer.start("/status/204")
            self.assertEqual(peer.finish(answered).status, 204)
            self.assertNotIn(stalled, peer.done)

    def test_uploads_and_downloads_side_by_side_arrive_whole(self):
        data = some_bytes(1_000_000)
        streams = [self.peer.start("/echo", "POST", body=data) for _ in range(8)]
        for stream in streams:
            self.assertEqual(digest(self.peer.finish(stream).body), digest(data))


class H1ToH1(Suite, unittest.TestCase):
    client, server, protocol = H1Client, H1Server, "http/1.1"


class H2ToH1(Suite, SideBySide, unittest.TestCase):
    client, server, protocol = H2Client, H1Server, "http/1.1"


class H1ToH2(Suite, unittest.TestCase):
    client, server, protocol = H1Client, H2Server, "h2c"

    def test_slow_readers_do_not_stop_others_at_their_upstream(self):
        before, slow = len(self.up.asked), []
        try:
            for _ in range(30):
                reader = socket.socket()
                reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                reader.connect(("127.0.0.1", self.headgate.port("web")))
                reader.sendall(b"GET /bytes/12000000 HTTP/1.1\r\nHost: shop.example.com\r\n\r\n")
                slow.append(reader)
            wait_until(lambda: len(self.up.asked) >= before + 30, "the slow readers' requests")
            time.sleep(1)  # until all that may be sent to them was sent
            for _ in range(5):
                began = time.monotonic()
                self.assertEqual(len(self.peer.ask("/bytes/100000").body), 100_000)
                self.assertLess(time.monotonic() - began, PATIENCE / 4)
        finally:
            for reader in slow:
                reader.close()


class H2ToH2(Suite, SideBySide, unittest.TestCase):
    client, server, protocol = H2Client, H2Server, "h2c"


class OverTls(unittest.TestCase):
    """HTTP/2 to an upstream over TLS: a real nginx."""

    def test_an_upstream_with_h2_over_tls_is_reached_by_it(self):
        with tempfile.TemporaryDirectory() as folder:
            certificate, key = self_signed(folder, ["shop.example.com", "127.0.0.1"])
            block = f'ssl_certificate {certificate}; ssl_certificate_key {key}; location / {{ return 200 "$server_protocol\\n"; }}'
            with Nginx({"tls": block}, listen={"tls": "ssl http2"}) as nginx:
                config = f"""
listeners: [{{name: web, address: "127.0.0.1:{{port:web}}"}}]
upstreams:
  up: {{endpoints: ["{nginx.address('tls')}"], protocol: h2, tls: {{caFile: {certificate}, serverName: shop.example.com}}}}
routes: [{{name: all, backends: [{{upstream: up}}]}}]
"""
                with Headgate(config) as headgate:
                    self.assertEqual(curl(f"http://127.0.0.1:{headgate.port()}/").text, "HTTP/2.0\n")


class Choice(unittest.TestCase):
    """Who gets which protocol."""

    CONFIG = """
listeners:
  - {name: plain, address: "127.0.0.1:{port:plain}"}
  - {name: both, address: "127.0.0.1:{port:both}", protocols: [h2, http/1.1]}
  - {name: only, address: "127.0.0.1:{port:only}", protocols: [h2]}
  - {name: tls, address: "127.0.0.1:{port:tls}", tls: {certificates: [{certFile: tls.crt, keyFile: tls.key}]}}
  - name: old
    address: "127.0.0.1:{port:old}"
    tls: {certificates: [{certFile: tls.crt, keyFile: tls.key}]}
    protocols: [http/1.1]
routes: [{name: all, respond: {status: 200, body: hi}}]
"""

    @classmethod
    def setUpClass(cls):
        cls.headgate = with_certificate(cls.CONFIG)

    @classmethod
    def tearDownClass(cls):
        cls.headgate.close()

    def spoken(self, *options: str) -> str:
        result = subprocess.run([need("curl"), "-sk", "--max-time", str(PATIENCE), "-o", "/dev/null", "-w", "%{http_version}",
                                 *options], capture_output=True, text=True, check=False)
        return result.stdout if result.returncode == 0 else f"exit {result.returncode}"

    def url(self, name: str) -> str:
        return f"{'https' if name in ('tls', 'old') else 'http'}://127.0.0.1:{self.headgate.port(name)}/"

    def test_tls_without_protocols_speaks_both_and_prefers_h2(self):
        self.assertEqual(self.spoken("--http2", self.url("tls")), "2")
        self.assertEqual(self.spoken("--http1.1", self.url("tls")), "1.1")
        self.assertEqual(self.alpn_of("tls", ["http/1.1", "h2"]), "h2")

    def test_tls_with_http11_only_refuses_h2(self):
        self.assertEqual(self.spoken("--http2", self.url("old")), "1.1")
        self.assertNotEqual(self.alpn_of("old", ["h2"]), "h2")

    def alpn_of(self, name: str, offered: list[str]) -> str | None:
        try:
            with connect(self.headgate.port(name), offered) as connection:
                return connection.selected_alpn_protocol()
        except OSError:
            return None

    def test_plain_without_protocols_is_http11(self):
        self.assertEqual(self.spoken(self.url("plain")), "1.1")
        self.assertNotEqual(self.spoken("--http2-prior-knowledge", self.url("plain")), "2")

    def test_plain_with_both_tells_them_apart_by_the_first_bytes(self):
        self.assertEqual(self.spoken("--http2-prior-knowledge", self.url("both")), "2")
        self.assertEqual(self.spoken("--http1.1", self.url("both")), "1.1")
        self.assertEqual(self.spoken("--http2", self.url("both")), "1.1", "Upgrade: h2c is not taken (RFC 9113 3.1)")

    def test_plain_with_h2_only(self):
        self.assertEqual(self.spoken("--http2-prior-knowledge", self.url("only")), "2")
        self.assertNotEqual(self.spoken("--http1.1", self.url("only")), "1.1")

    def test_connections_are_counted_by_protocol(self):
        before = self.headgate.metric("headgate_connections_by_protocol_total", listener="tls", protocol="h2")
        self.spoken("--http2", self.url("tls"))
        wait_until(lambda: self.headgate.metric("headgate_connections_by_protocol_total", listener="tls", protocol="h2") ==
                   before + 1, "the connection to be counted")


class Nghttp(unittest.TestCase):
    def test_a_real_client_uploads_and_downloads(self):
        with H2Server() as up, tempfile.TemporaryDirectory() as folder:
            with with_certificate(PAIR.replace("UP", up.address).replace("PROTOCOL", "h2c")) as headgate:
                data = some_bytes(500_000)
                path = os.path.join(folder, "body")
                with open(path, "wb") as body:
                    body.write(data)
                for url in (f"http://127.0.0.1:{headgate.port('web')}/echo", f"https://127.0.0.1:{headgate.port('tls')}/echo"):
                    result = subprocess.run([need("nghttp"), "--no-verify-peer", "-d", path, url], capture_output=True,
                                            timeout=PATIENCE, check=False)
                    self.assertEqual(result.returncode, 0, result.stderr)
                    self.assertEqual(digest(result.stdout), digest(data))


class H2Load:
    """h2load for a time, in the background; `failures` and `done` when it has ended."""

    def __init__(self, url: str, seconds: int, connections: int = 8, streams: int = 16):
        self.seconds = seconds
        self.process = subprocess.Popen(
            [need("h2load"), "-D", str(seconds), "-c", str(connections), "-m", str(streams), "-t", "1", url],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def running(self) -> bool:
        return self.process.poll() is None

    def result(self) -> dict[str, int]:
        output, _ = self.process.communicate(timeout=self.seconds + PATIENCE)
        found = re.search(r"requests: (\d+) total, .*? (\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout",
                          output)
        statuses = re.search(r"status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx", output)
        if not found or not statuses:
            raise AssertionError(output)
        done, succeeded, failed, errored, timed_out = (int(found[i]) for i in range(2, 7))
        return {"done": done, "succeeded": succeeded, "failed": failed + errored + timed_out,
                "bad": int(statuses[3]) + int(statuses[4]), "output": output}


class UnderLoad(unittest.TestCase):
    """nginx behind, over HTTP/1.1 and HTTP/2; h2load in front, in the clear and over TLS."""

    def config(self, nginx: Nginx, name: str, body: str = "one") -> str:
        protocol = "h2c" if name == "h2" else "http/1.1"
        text = PAIR.replace("UP", nginx.address(name)).replace("PROTOCOL", protocol)
        return text + f"  - {{name: mark, matches: [{{path: {{exact: /mark}}}}], respond: {{status: 200, body: {body}}}}}\n"

    @staticmethod
    def split(text: str) -> str:
        return text.replace("routes: [{name: all, backends: [{upstream: up}]}]",
                            "routes:\n  - {name: all, backends: [{upstream: up}]}")

    def run_load(self, name: str, listener: str, action) -> None:
        block = 'location / { return 200 "nginx\\n"; }'
        with Nginx({"h1": block, "h2": block}, listen={"h2": "http2"}) as nginx:
            with with_certificate(self.split(self.config(nginx, name))) as headgate:
                scheme = "https" if listener == "tls" else "http"
                with H2Load(f"{scheme}://127.0.0.1:{headgate.port(listener)}/", 4) as load:
                    time.sleep(0.5)
                    action(headgate, nginx, name, load)
                    result = load.result()
                self.assertGreater(result["succeeded"], 100, result["output"])
                self.assertEqual((result["failed"], result["bad"]), (0, 0), result["output"] + headgate.logs()[-2000:])

    def reload(self, headgate: Headgate, nginx: Nginx, name: str, load: H2Load) -> None:
        count = 0
        while load.running() and count < 100:
            count += 1
            headgate.apply(self.split(self.config(nginx, name, f"mark-{count}")))
        self.assertGreaterEqual(count, 3)  # of a slow machine, under a sanitizer
        self.assertEqual(curl(f"http://127.0.0.1:{headgate.port()}/mark").text, f"mark-{count}")

    def test_reloads_cost_no_request_to_an_http11_upstream(self):
        self.run_load("h1", "web", self.reload)

    def test_reloads_cost_no_request_to_an_h2_upstream_over_tls(self):
        self.run_load("h2", "tls", self.reload)


class Drain(unittest.TestCase):
    CONFIG = """
listeners: [{name: web, address: "127.0.0.1:{port:web}", protocols: [h2, http/1.1]}]
upstreams: {up: {endpoints: ["UP"], protocol: PROTOCOL}}
routes: [{name: all, backends: [{upstream: up}]}]
drain: {lameDuck: 0s, timeout: 20s}
"""

    def test_goaway_comes_twice_and_what_is_under_way_ends_well(self):
        for server, protocol in ((H1Server, "http/1.1"), (H2Server, "h2c")):
            with self.subTest(protocol), server() as up:
                with Headgate(self.CONFIG.replace("UP", up.address).replace("PROTOCOL", protocol)) as headgate:
                    with H2Client(headgate.port()) as busy:
                        slow = busy.start("/slow/3")
                        wait_until(lambda: up.asked, "the request to arrive")
                        headgate.send_signal(signal.SIGTERM)
                        while not busy.goaways:
                            busy.turn()
                        self.assertEqual(busy.goaways[0], (2**31 - 1, 0), "at first nothing is refused")
                        between = busy.start("/n/between")
                        self.assertEqual(busy.finish(between).status, 200, "what was under way while GOAWAY was is served")
                        self.assertEqual(busy.finish(slow).body, b"slow")
                        while not busy.closed:
                            busy.turn()
                        self.assertEqual(busy.goaways[-1], (between, 0))
                        self.assertGreaterEqual(len(busy.goaways), 2)
                    self.assertEqual(headgate.child.wait(), 0)

    def test_a_drain_under_load_fails_no_request_that_was_taken(self):
        with Nginx({"a": 'location / { return 200 "a\\n"; }'}) as nginx:
            with Headgate(self.CONFIG.replace("UP", nginx.address("a")).replace("PROTOCOL", "http/1.1")) as headgate:
                failures: list[str] = []
                served = []

                def ask_until_told() -> None:
                    try:
                        with H2Client(headgate.port()) as peer:
                            while not peer.goaways and not peer.closed:
                                streams = [peer.start("/") for _ in range(8)]
                                for stream in streams:
                                    reply = peer.finish(stream)
                                    served.append(reply.status)
                                    # Beyond the last stream that GOAWAY names nothing was done: a client sends it again.
                                    told = min([last for last, _ in peer.goaways], default=2**31)
                                    if stream <= told and (reply.cut or reply.status != 200):
                                        failures.append(f"stream {stream} of {told}: {reply}")
                    except OSError as error:
                        failures.append(repr(error))

                threads = [threading.Thread(target=ask_until_told) for _ in range(8)]
                for thread in threads:
                    thread.start()
                wait_until(lambda: len(served) > 200, "requests to be served")
                headgate.send_signal(signal.SIGTERM)
                for thread in threads:
                    thread.join(PATIENCE)
                self.assertEqual(failures, [])
                self.assertEqual(headgate.child.wait(), 0)

    def test_an_idle_connection_is_told_at_once(self):
        with H1Server() as up, Headgate(self.CONFIG.replace("UP", up.address).replace("PROTOCOL", "http/1.1")) as headgate:
            with H2Client(headgate.port()) as idle:
                self.assertEqual(idle.ask("/").status, 200)
                headgate.send_signal(signal.SIGTERM)
                while not idle.closed:
                    idle.turn()
                self.assertTrue(idle.goaways)
            self.assertEqual(headgate.child.wait(), 0)


class Conformance(unittest.TestCase):
    """h2spec --strict against an answer of our own, an HTTP/1.1 upstream and an HTTP/2 upstream."""

    # 5.3.1 is RFC 7540's priority (a stream that depends on itself), which RFC 9113 took back.
    NOT_ASKED = {"5.3.1"}
    CONFIG = """
listeners: [{name: web, address: "127.0.0.1:{port:web}", protocols: [h2]}]
UPSTREAMS
routes: [{name: all, ACTION}]
"""

    def check(self, upstreams: str, action: str) -> None:
        program = need("h2spec")
        with Headgate(self.CONFIG.replace("UPSTREAMS", upstreams).replace("ACTION", action)) as headgate:
            report = headgate.root / "h2spec.xml"
            wait = "10" if SANITIZED else "5"
            output = subprocess.run([program, "-h", "127.0.0.1", "-p", str(headgate.port()), "--strict", "--timeout", wait,
                                     "-j", str(report)], capture_output=True, text=True, timeout=240, check=False).stdout
            # What a failure quotes of the wire may hold bytes that XML cannot.
            text = re.sub(r"[^\n -~]", "?", report.read_text("latin-1"))
            failed, cases = [], 0
            for suite in xml.etree.ElementTree.fromstring(text).iter("testsuite"):
                for case in suite.iter("testcase"):
                    cases += 1
                    if len(case) and suite.get("id") not in self.NOT_ASKED:  # a failure, an error or a skip is a child
                        failed.append(f"{suite.get('package')} {case.get('classname')}")
            self.assertGreaterEqual(cases, 140)
            self.assertEqual(failed, [], output)

    def test_an_answer_of_our_own(self):
        self.check("", "respond: {status: 200, body: hello}")

    def test_an_http11_upstream(self):
        with H1Server() as up:
            self.check(f'upstreams: {{up: {{endpoints: ["{up.address}"]}}}}', "backends: [{upstream: up}]")

    def test_an_h2_upstream(self):
        with H2Server() as up:
            self.check(f'upstreams: {{up: {{endpoints: ["{up.address}"], protocol: h2c}}}}', "backends: [{upstream: up}]")


if __name__ == "__main__":
    unittest.main()
