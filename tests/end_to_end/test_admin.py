"""The admin and metrics listeners: what they show, whom they refuse, and that a GET changes nothing."""

import contextlib
import gzip
import hashlib
import json
import re
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
import time
import unittest

from support import PATIENCE, TOOLS, Headgate, Nginx, RawSocket, free_port, raw, request, run_headgate, self_signed, wait_until

CONFIG = """
listeners: [{name: web, address: "127.0.0.1:{port:web}"}]
upstreams:
  v1: {endpoints: ["127.0.0.1:1", "127.0.0.1:2"]}
  v2: {endpoints: ["127.0.0.1:3"]}
routes:
  - {name: api, hostnames: [shop.example.com], matches: [{path: {prefix: /api}}], backends: [{upstream: v1, weight: 3}, {upstream: v2, weight: 1}]}
  - {name: ping, matches: [{path: {exact: /ping}}], respond: {status: 200, body: "pong"}}
"""


class Probe(unittest.TestCase):
    """`headgate upstreams --probe NAME` asks each endpoint through the running process."""

    @classmethod
    def setUpClass(cls):
        with contextlib.ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            certificate, key = self_signed(folder, ["up.example.com"])
            answers = ('location /ready { return 200 "ready"; } location /large { try_files /large =404; } '
                       'location = /host { return 200 $http_host; } location / { return 404; }')
            tls = f"ssl_certificate {certificate}; ssl_certificate_key {key}; {answers}"
            cls.nginx = stack.enter_context(Nginx({"plain": answers, "h2c": answers, "tls": tls},
                                                  listen={"h2c": "http2", "tls": "ssl"}, files={"large": b"x" * 1_000_000}))
            # The kernel accepts for it, and nobody reads.
            silent = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            cls.silent = f"127.0.0.1:{silent.getsockname()[1]}"
            plain, h2c, tls = (cls.nginx.address(name) for name in ("plain", "h2c", "tls"))
            cls.headgate = stack.enter_context(Headgate(f"""
listeners: [{{name: web, address: "127.0.0.1:{{port:web}}"}}]
upstreams:
  mixed: {{endpoints: ["{plain}", "127.0.0.1:1", "{cls.silent}"]}}
  plain: {{endpoints: ["{plain}"]}}
  h2c: {{endpoints: ["{h2c}"], protocol: h2c}}
  tls: {{endpoints: ["{tls}"], tls: {{serverName: up.example.com, caFile: "{certificate}"}}}}
  wrong: {{endpoints: ["{tls}"], tls: {{serverName: other.example.com, caFile: "{certificate}"}}}}
  nobody: {{address: "nobody.test:80"}}
routes: [{{name: all, backends: [{{upstream: plain}}]}}]
""", env={"HEADGATE_DNS_SERVERS": stack.enter_context(NameServer({})).address}))
            cls.cleanup = stack.pop_all()

    @classmethod
    def tearDownClass(cls):
        cls.cleanup.close()

    def run_probe(self, name: str, *more: str):
        return run_headgate("upstreams", "--probe", name, *more, "--admin", f"127.0.0.1:{self.headgate.admin}")

    def probe(self, name: str, *more: str) -> list[str]:
        told = self.run_probe(name, *more)
        self.assertEqual((told.returncode, told.stderr), (0, ""))
        return told.stdout.splitlines()

    def test_each_endpoint_says_how_it_went_while_traffic_runs(self):
        statuses: list[int] = []
        over = threading.Event()

        def traffic():
            while not over.is_set():
                statuses.append(request(self.headgate.port("web"), "/ready").status)

        client = threading.Thread(target=traffic)
        client.start()
        try:
            good, refused, silent = self.probe("mixed", "--path", "/ready")
        finally:
            over.set()
            client.join()
        self.assertRegex(good, rf"^{self.nginx.address('plain')} +200 +\d+ ms  plain")
        self.assertRegex(refused, r"^127\.0\.0\.1:1 +- +\d+ ms  - +connect_refused: ")
        self.assertRegex(silent, rf"^{self.silent} +- +[3-9]\d\d\d ms  - +request_timeout: ")
        self.assertGreater(len(statuses), 0)
        self.assertEqual(set(statuses), {200}, "the others do not wait")

    def test_plain_h2c_and_tls(self):
        self.assertRegex(self.probe("plain")[0], r" 404 +\d+ ms  plain")
        self.assertRegex(self.probe("h2c", "--path", "/ready")[0], r" 200 +\d+ ms  plain")
        self.assertRegex(self.probe("tls", "--path", "/ready")[0], r" 200 +\d+ ms  TLSv1\.[23]")
        self.assertRegex(self.probe("wrong")[0], r" - +\d+ ms  - +upstream_tls: ")
        self.assertRegex(self.probe("plain", "--path", "/large")[0], r" 200 +\d+ ms  plain +$", "a long body is cut, and no fault")

    def test_its_connections_end_with_it(self):
        for name in ("h2c", "tls"):
            self.probe(name)
        wait_until(lambda: all(upstream["connections"] == upstream["requests"] == 0
                               for upstream in self.headgate.get_json("/upstreams")["upstreams"] if upstream["name"] in ("h2c", "tls")),
                   "no connection is left")

    def test_json_is_the_page(self):
        page = json.loads(self.run_probe("tls", "--path", "/ready", "--json").stdout)
        self.assertEqual((page["upstream"], page["notAsked"]), ("tls", 0))
        endpoint, = page["endpoints"]
        self.assertEqual((endpoint["address"], endpoint["status"]), (self.nginx.address("tls"), 200))
        self.assertRegex(endpoint["tls"], r"^TLSv1\.[23]$")
        self.assertNotIn("error", endpoint)

    def test_what_cannot_be_asked(self):
        unknown = self.run_probe("plian")
        self.assertEqual((unknown.returncode, unknown.stderr),
                         (1, "headgate: no upstream is called 'plian'; did you mean 'plain'?\n"))
        wait_until(lambda: self.probe("nobody")[0].startswith("the upstream has no endpoint: "), "the reason, a name that is not there")
        self.assertEqual(self.run_probe("plain", "--path", "ready").returncode, 1)
        self.assertEqual(run_headgate("upstreams", "--path", "/ready").returncode, 2, "a path of no probe")
        self.assertEqual(request(self.headgate.admin, "/probe?upstream=plain").status, 405, "a GET asks nobody")


class Pages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.headgate = Headgate(CONFIG)

    @classmethod
    def tearDownClass(cls):
        cls.headgate.close()

    def get(self, path: str, **options):
        return request(self.headgate.admin, path, **options)

    def test_config_is_the_file_in_force_with_its_hash(self):
        page = self.get("/config").json()
        text = self.headgate.main_file.read_text()
        self.assertEqual(page["files"][0]["text"], text)
        self.assertEqual(page["hash"], hashlib.sha256(text.encode()).hexdigest())
        self.assertRegex(page["since"], r"^\d{4}-\d\d-\d\dT[\d:.]+Z$")
        self.assertTrue(page["lastReload"]["ok"])
        self.assertEqual(self.headgate.metric("headgate_config_info", hash=page["hash"]), 1)

    def test_routes(self):
        api, ping = sorted(self.get("/routes").json()["routes"], key=lambda route: route["name"])
        self.assertEqual(api["hostnames"], ["shop.example.com"])
        self.assertEqual(api["action"]["backends"], [{"upstream": "v1", "weight": 3}, {"upstream": "v2", "weight": 1}])
        self.assertIn("/api", api["matches"][0])
        self.assertEqual(ping["action"], {"respond": 200})

    def test_upstreams_have_endpoints_and_state(self):
        upstreams = {u["name"]: u for u in self.get("/upstreams").json()["upstreams"]}
        self.assertEqual([e["address"] for e in upstreams["v1"]["endpoints"]], ["127.0.0.1:1", "127.0.0.1:2"])
        request(self.headgate.port("web"), "/api", headers={"Host": "shop.example.com"})
        states = [e["state"] for u in self.get("/upstreams").json()["upstreams"] for e in u["endpoints"]]
        self.assertIn("set aside", states)

    def test_explain_is_what_the_command_says(self):
        page = self.get("/explain?method=GET&url=http://shop.example.com/api/x&header=x-a:1").json()
        self.assertEqual(page["route"], "api")
        self.assertEqual(self.get("/explain?url=nonsense").status, 400)
        self.assertEqual(self.get("/explain?url=/&header=nocolon").status, 400)
        self.assertEqual(self.get("/explain?url=/&client=::1").status, 200)
        self.assertEqual(self.get("/explain?url=/&client=nobody").status, 400)

    def test_a_get_changes_nothing(self):
        before = self.get("/config").json()["generation"]
        self.assertEqual(self.get("/reload").status, 405)
        for path in ("/config", "/routes", "/upstreams", "/certificates", "/explain?url=/"):
            self.assertEqual(self.get(path).status, 200, path)
            self.assertEqual(self.get(path, method="POST").status, 405, path)
        self.assertEqual(self.get("/config").json()["generation"], before)

    def test_another_host_is_refused(self):
        for host in ("evil.example.com", f"evil.example.com:{self.headgate.admin}", "10.0.0.1"):
            self.assertEqual(self.get("/config", headers={"Host": host}).status, 421)
            self.assertEqual(self.get("/reload", method="POST", headers={"Host": host}).status, 421)
        self.assertEqual(self.get("/config", headers={"Host": "localhost"}).status, 200)

    def test_a_browser_cannot_reload(self):
        self.assertEqual(self.get("/reload", method="POST", headers={"Origin": "http://evil.example.com"}).status, 403)

    def test_garbage_and_giants_are_answered_and_closed(self):
        self.assertIn(b" 400 ", raw(self.headgate.admin, b"nonsense\r\n\r\n"))
        self.assertIn(b" 431 ", raw(self.headgate.admin, b"GET / HTTP/1.1\r\nHost: localhost\r\nA: " + b"a" * 40000 + b"\r\n\r\n"))
        self.assertEqual(self.get("/nothing").status, 404)

    def test_keep_alive(self):
        with RawSocket(self.headgate.metrics) as client:
            for _ in range(3):
                self.assertEqual(client.send(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n").response().status, 200)


class Metrics(unittest.TestCase):
    def test_weights_endpoints_and_promtool(self):
        with Nginx({"app": 'location / { return 200 "x"; }'}) as nginx:
            with Headgate(CONFIG.replace("127.0.0.1:3", nginx.address("app"))) as headgate:
                request(headgate.port("web"), "/ping")
                self.assertEqual(headgate.metric("headgate_route_weight_ratio", route="api", upstream="v1"), 0.75)
                self.assertEqual(headgate.metric("headgate_upstream_endpoints", upstream="v1", state="healthy"), 2)
                self.assertEqual(headgate.metric("headgate_upstream_connections_limit", upstream="v1"), 1024)
                self.assertEqual(headgate.metric("headgate_build_info"), 1)
                revision = re.search(r'headgate_build_info\{[^}]*revision="([^"]*)"', headgate.scrape())[1]
                in_repository = subprocess.run(["git", "-C", str(TOOLS.parents[2]), "rev-parse", "HEAD"], capture_output=True,
                                               check=False).returncode == 0
                self.assertRegex(revision, r"^[0-9a-f]{12,}(-dirty)?$" if in_repository else ".")
                self.assertEqual(headgate.metric("headgate_requests_total", route="ping", code="200"), 1)
                packed = request(headgate.metrics, "/metrics", headers={"Accept-Encoding": "gzip"})
                self.assertEqual(packed.headers["content-encoding"], "gzip")
                self.assertIn(b"headgate_requests_total", gzip.decompress(packed.body))
                promtool = shutil.which("promtool")
                if promtool is None:
                    self.skipTest("promtool is not installed")
                checked = subprocess.run([promtool, "check", "metrics"], input=headgate.scrape(), capture_output=True,
                                         text=True, check=False)
                self.assertEqual((checked.returncode, checked.stdout + checked.stderr), (0, ""))

    def test_a_certificate_shows_its_end(self):
        text = """
listeners: [{name: web, address: "127.0.0.1:{port:web}", tls: {certificates: [{certFile: ../tls.crt, keyFile: ../tls.key}]}}]
"""
        with Headgate(text, wait=False) as headgate:
            headgate.child.wait()  # its certificate is not there yet
            self_signed(headgate.root, ["shop.example.com"], days=30)
            from support import HEADGATE, Child
            headgate.child = Child([HEADGATE, "run", "--config", str(headgate.main_file)], headgate.root / "headgate.log")
            headgate.wait_ready()
            end = headgate.metric("headgate_tls_certificate_not_after_timestamp_seconds", server_name="shop.example.com")
            self.assertAlmostEqual(end, time.time() + 30 * 86400, delta=600)
            certificate = headgate.get_json("/certificates")["certificates"][0]
            self.assertEqual((certificate["names"], certificate["expired"]), (["shop.example.com"], False))
            self.assertTrue(certificate["usable"])
            (headgate.root / "tls.crt").write_text("garbage")
            headgate.reload()
            self.assertEqual(headgate.metric("headgate_tls_certificate_usable", server_name="shop.example.com"), 0)
            certificate = headgate.get_json("/certificates")["certificates"][0]
            self.assertIn("tls.crt", certificate["problem"])
            self.assertEqual((certificate["names"], certificate["usable"]), (["shop.example.com"], False))


class Token(unittest.TestCase):
    def test_is_asked_for_where_a_token_file_is_given(self):
        with Headgate("listeners: [{name: web, address: \"127.0.0.1:{port:web}\"}]\n"
                      "admin: {address: \"127.0.0.1:{port:admin}\", tokenFile: token}", files={"token": "s3cret\n"}) as headgate:
            self.assertEqual(request(headgate.admin, "/config").status, 401)
            for wrong in ("Bearer wrong", "Bearer ", "s3cret", "Basic s3cret", "Bearer s3cret "):
                status = request(headgate.admin, "/config", headers={"Authorization": wrong}).status
                self.assertEqual(status, 200 if wrong.strip() == "Bearer s3cret" else 401, wrong)
            self.assertEqual(request(headgate.admin, "/reload", "POST", headers={"Authorization": "Bearer s3cret"}).status, 200)
            (headgate.directory / "token").write_text("")
            self.assertEqual(request(headgate.admin, "/config", headers={"Authorization": "Bearer "}).status, 401)

    def test_is_the_one_of_the_configuration_in_force(self):
        text = "listeners: [{name: web, address: \"127.0.0.1:{port:web}\"}]\n"
        admin = "admin: {address: \"127.0.0.1:{port:admin}\", tokenFile: NAME}"
        with Headgate(text, files={"first": "one", "second": "two"}) as headgate:
            self.assertEqual(request(headgate.admin, "/config").status, 200)
            headgate.apply(text + admin.replace("NAME", "first"))
            self.assertEqual(request(headgate.admin, "/config").status, 401)
            headgate.write(text + admin.replace("NAME", "second"))
            reload = request(headgate.admin, "/reload", "POST", headers={"Authorization": "Bearer one", "Host": "any.svc"})
            self.assertEqual(reload.status, 200)
            for token, status in (("one", 401), ("two", 200)):
                answer = request(headgate.admin, "/config", headers={"Authorization": f"Bearer {token}"})
                self.assertEqual(answer.status, status, token)


class NameServer:
    """Answers A queries out of `addresses` (a name that is not in there: NXDOMAIN; None: no answer at all)."""

    def __init__(self, addresses: dict[str, list[str] | None], ttl: int = 1):
        self.addresses = addresses
        self.ttl = ttl
        self.queries = 0
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):  # not connected, but who reads is woken
            self.socket.shutdown(socket.SHUT_RDWR)
        # A read that is begun again after a close would be one of whatever has the descriptor by then.
        self.thread.join(PATIENCE)
        self.socket.close()

    def _serve(self) -> None:
        while True:
            try:
                query, client = self.socket.recvfrom(4096)
            except OSError:
                return
            if not query:
                return
            if answer := self._answer(query):
                self.socket.sendto(answer, client)

    def _answer(self, query: bytes) -> bytes | None:
        self.queries += 1
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode().lower())
            at += 1 + query[at]
        kind, = struct.unpack("!H", query[at + 1:at + 3])
        question = query[12:at + 5]
        name = ".".join(labels)
        if name in self.addresses and self.addresses[name] is None:
            return None
        records = self.addresses.get(name, []) if kind == 1 else []
        code = 0 if name in self.addresses else 3
        head = query[:2] + struct.pack("!HHHHH", 0x8180 | code, 1, len(records), 0, 0)
        return head + question + b"".join(
            b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, self.ttl, 4) + socket.inet_aton(address) for address in records)


class Dns(unittest.TestCase):
    CONFIG = """
listeners: [{name: web, address: "127.0.0.1:{port:web}"}]
upstreams: {app: {address: "app.test:PORT"}}
routes: [{name: app, backends: [{upstream: app}]}]
"""

    @staticmethod
    def endpoints(headgate: Headgate) -> list[str]:
        return sorted(e["address"].split(":")[0] for e in headgate.get_json("/upstreams")["upstreams"][0]["endpoints"])

    def test_all_addresses_are_used_asked_again_by_ttl_and_the_last_answer_is_kept(self):
        with NameServer({"app.test": ["127.0.0.1"]}) as server, Nginx({"app": 'location / { return 200 "x"; }'}) as nginx:
            text = self.CONFIG.replace("PORT", str(nginx.port("app")))
            with Headgate(text, env={"HEADGATE_DNS_SERVERS": server.address}) as headgate:
                self.assertEqual(request(headgate.port("web"), "/").status, 200)
                server.addresses["app.test"] = ["127.0.0.3", "127.0.0.1", "127.0.0.1"]
                wait_until(lambda: self.endpoints(headgate) == ["127.0.0.1", "127.0.0.3"], "the second address")
                del server.addresses["app.test"]
                asked = server.queries
                wait_until(lambda: server.queries > asked + 1, "another look-up")
                self.assertEqual(self.endpoints(headgate), ["127.0.0.1", "127.0.0.3"])
                wait_until(lambda: "problem" in headgate.get_json("/upstreams")["upstreams"][0], "the problem")
                told = run_headgate("upstreams", "--admin", f"127.0.0.1:{headgate.admin}").stdout
                self.assertRegex(told, r"app\.test.*; resolved last: 20")
                self.assertEqual(request(headgate.port("web"), "/").status, 200)
                headgate.reload()
                self.assertEqual(request(headgate.port("web"), "/").status, 200)

    def test_a_name_that_does_not_resolve_is_503_until_it_does(self):
        with NameServer({}) as server, Nginx({"app": 'location / { return 200 "x"; }'}) as nginx:
            text = self.CONFIG.replace("PORT", str(nginx.port("app")))
            with Headgate(text, env={"HEADGATE_DNS_SERVERS": server.address}) as headgate:
                self.assertEqual(request(headgate.port("web"), "/").status, 503)
                self.assertIn("app.test", headgate.logs())
                wait_until(lambda: headgate.access_lines(), "the line")
                line = headgate.access_lines()[0]
                self.assertEqual((line["reason"], line["endpoint"], line["attempts"]), ("no_endpoint", None, 0))
                self.assertEqual(headgate.metric("headgate_upstream_requests_total"), 0)
                self.assertEqual(headgate.metric("headgate_proxy_errors_total", reason="no_endpoint"), 1)
                server.addresses["app.test"] = ["127.0.0.1"]
                wait_until(lambda: request(headgate.port("web"), "/").status == 200, "the name to resolve", 15)
                wait_until(lambda: "'app': its name resolves again" in headgate.logs(), "the log to say so")
                self.assertNotIn("problem", headgate.get_json("/upstreams")["upstreams"][0])

    def test_etc_hosts_counts(self):
        with Nginx({"app": 'location / { return 200 "x"; }'}) as nginx:
            with Headgate(self.CONFIG.replace("app.test:PORT", f"localhost:{nginx.port('app')}")) as headgate:
                self.assertEqual(request(headgate.port("web"), "/").status, 200)


if __name__ == "__main__":
    unittest.main()
