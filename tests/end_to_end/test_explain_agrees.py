"""`explain` and the running binary agree: random configurations, random requests, and what becomes of each.

HEADGATE_SEED makes another run (a number, or "random"); every failure prints its seed, its configuration and its request.
"""

from __future__ import annotations

import dataclasses
import json
import os
import random
import unittest
import urllib.parse

from support import Headgate, PythonServer, RawSocket, curl, need, request, run_headgate, self_signed, send_text

CONFIGURATIONS = 40
REQUESTS = 50  # of each
UPSTREAMS = ("u1", "u2", "u3")
HOSTS = ["a.test", "a.test", "b.test", "b.test", "x.wild.test", "y.x.wild.test", "wild.test", "none.test"]
HOSTNAMES = ["a.test", "b.test", '"*.wild.test"', "x.wild.test", "wild.test"]
PATHS = ["/", "/api", "/api/", "/api/v2", "/api//v2", "/api/v2/x", "/apiary", "/API", "/%61pi/v2", "/a%2Fb", "/a/../api", "/healthz",
         "/.well-known/acme-challenge/t", "/static/7/x", "/deep/1/2/3"]
BAD_PATHS = ["/%zz", "/../x", "/a%00", "/a\\b"]
MATCHED = ["{prefix: /}", "{prefix: /}", "{prefix: /}", "{exact: /api}", "{exact: /}", "{prefix: /api}", "{prefix: /api/v2}", "{prefix: /}", "{prefix: /deep/1}", "{regex: '/api/.*'}",
           r"{regex: '/static/\d+/.*'}", "{exact: /healthz}"]
MANY_MARKS = ", ".join(f"cdn{i}" for i in range(40))


class Generator:
    """Configurations and requests that meet each other often."""

    def __init__(self, seed: int):
        self.random = random.Random(seed)

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def some(self, values: list[str], most: int) -> str:
        return "[" + ", ".join(self.random.sample(values, self.random.randint(1, most))) + "]"

    def condition(self, name: str, values: list[str]) -> str:
        kind = self.random.choice(["exact: " + self.random.choice(values), "present: true", f"regex: '{values[0][0]}.*'"])
        return f"{{name: {name}, {kind}}}"

    # ---- configurations

    def configuration(self, addresses: dict[str, str]) -> str:
        r = self.random
        public = r.choice(["", ", publicPort: 80", ", publicPort: 8000"])
        text = (f'listeners:\n  - {{name: web, address: "127.0.0.1:{{port:web}}"{public}}}\n'
                f'  - {{name: other, address: "127.0.0.1:{{port:other}}", httpsRedirect: {r.choice(["true", "{except: [/healthz]}", "false"])}}}\n'
                '  - {name: secure, address: "127.0.0.1:{port:secure}", tls: {certificates: [{certFile: one.crt, keyFile: one.key}, '
                '{certFile: two.crt, keyFile: two.key}]}}\n')
        if self.chance(0.5):
            text += "trustedProxies: [127.0.0.0/8]\n"
        text += "upstreams:\n" + "".join(f'  {name}: {{endpoints: ["{address}"]}}\n' for name, address in addresses.items())
        return text + "routes:\n" + "".join(self.route(i) for i in range(r.randint(2, 10)))

    def route(self, number: int) -> str:
        text = f"  - name: r{number}\n    responseHeaders: {{set: {{x-route: r{number}}}}}\n"
        if self.chance(0.6):
            text += f"    hostnames: {self.some(HOSTNAMES, 2)}\n"
        if self.chance(0.15):
            text += f"    listeners: {self.some(['web', 'other', 'secure'], 2)}\n"
        if self.chance(0.7):
            text += "    matches: [" + ", ".join(self.match() for _ in range(self.random.randint(1, 2))) + "]\n"
        text += self.random.choice([self.backends, self.backends, self.backends, self.redirect, self.respond])()
        return text + self.policies()

    def match(self) -> str:
        parts = [f"path: {self.random.choice(MATCHED)}"]
        if self.chance(0.2):
            parts.append(f"method: {self.random.choice(['GET', 'POST'])}")
        if self.chance(0.25):
            parts.append(f"headers: [{self.condition('x-t', ['beta', 'gamma'])}]")
        if self.chance(0.2):
            parts.append(f"queryParams: [{self.condition('v', ['one', 'two'])}]")
        return "{" + ", ".join(parts) + "}"

    def backends(self) -> str:
        backends = []
        for name in self.random.sample(UPSTREAMS, self.random.randint(1, 3)):
            force = self.random.choice(["", "", ", force: [{header: {name: x-canary, exact: always}}]",
                                        ", force: [{cookie: {name: canary, exact: always}}]"])
            backends.append(f"{{upstream: {name}, weight: {self.random.choice([0, 1, 1, 5, 95])}{force}}}")
        text = f"    backends: [{', '.join(backends)}]\n"
        if self.chance(0.4):
            sticky = self.random.choice(["{by: cookie, name: side}", "{by: header x-user}", "{by: clientIp}"])
            text += f"    sticky: {sticky}\n"
        if self.chance(0.3):
            text += "    rewrite: " + self.random.choice(
                ["{prefix: /new}", "{path: /fixed}", "{hostname: inside.test}", r"{regex: '/api(.*)', substitution: '/..\1'}",
                 r"{regex: '/api/(.*)', substitution: '/\1'}"]) + "\n"
        return text

    def redirect(self) -> str:
        parts = [self.random.choice(["scheme: https", "hostname: to.test", "port: 8443", "path: /there", "prefix: /there"]),
                 f"status: {self.random.choice([301, 302, 303, 307, 308])}"]
        return f"    redirect: {{{', '.join(parts)}}}\n"

    def respond(self) -> str:
        return f"    respond: {{status: {self.random.choice([200, 204, 401, 404, 503])}, body: \"\"}}\n"

    def policies(self) -> str:
        text = ""
        if self.chance(0.3):
            allow = self.random.choice(["allow: [127.0.0.1/32]", "deny: [127.0.0.0/8]", "allow: [10.0.0.0/8]", "deny: [10.1.0.0/16]",
                                        "allow: [10.0.0.0/8], deny: [10.1.0.0/16]"])
            text += f"    access: {{{allow}}}\n"
        if self.chance(0.2):
            text += "    websocket: false\n"
        if self.chance(0.2):
            text += "    maxBodySize: 10\n"
        return text

    # ---- requests

    def request(self) -> "Asked":
        r = self.random
        host = r.choice(HOSTS)
        listener = r.choice(["web", "web", "secure", "secure", "other"])
        server_name = host if self.chance(0.75) else r.choice(HOSTS)
        if self.chance(0.15):
            host = r.choice([host.upper(), host + ".", host + ":8080"])
        target = r.choice(BAD_PATHS if self.chance(0.04) else PATHS) + r.choice(["", "", "?v=one", "?v=t%77o", "?w"])
        method = r.choice(["GET", "GET", "GET", "POST", "DELETE", "OPTIONS", "CONNECT"] if self.chance(0.2) else ["GET", "GET", "POST"])
        headers = [("Host", host)]
        for share, field in ((0.3, ("X-T", r.choice(["beta", "gamma"]))), (0.2, ("x-canary", "always")),
                             (0.3, ("x-user", f"user{r.randint(1, 99)}")),
                             (0.3, ("Cookie", r.choice(["canary=always", f"side={r.getrandbits(64):016x}", "a=1; side=x; canary=no"]))),
                             (0.3, ("X-Forwarded-For", r.choice(["10.0.0.7", "10.1.2.3", "192.0.2.1, 127.0.0.9"]))),
                             (0.2, ("X-Forwarded-Proto", r.choice(["https", "http", "wss"]))), (0.02, ("CDN-Loop", MANY_MARKS)),
                             (0.05, ("X-Request-Id", "x" * 200)), (0.02, ("Expect", "payment"))):
            if self.chance(share):
                headers.append(field)
        body = b""
        if method == "POST":
            body = b"x" * r.choice([0, 5, 20])
            headers.append(("Content-Length", str(len(body))))
        elif self.chance(0.15):
            headers += [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"),
                        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")]
        return Asked(listener, server_name, method, target, headers, body)


@dataclasses.dataclass
class Asked:
    listener: str
    server_name: str
    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def url(self) -> str:
        return f"https://{self.server_name}{self.target}" if self.listener == "secure" else self.target

    def of_running(self, headgate: Headgate):
        lines = "".join(f"{name}: {value}\r\n" for name, value in self.headers)
        text = f"{self.method} {self.target} HTTP/1.1\r\n{lines}\r\n".encode() + self.body
        tls = self.server_name if self.listener == "secure" else False
        with RawSocket(headgate.port(self.listener), tls=tls) as connection:
            return connection.send(text).response()

    @property
    def goes_over_http2(self) -> bool:
        plain = not any(name in ("Connection", "Expect") for name, _ in self.headers)
        return self.listener == "secure" and self.method == "GET" and plain

    def of_running_over_http2(self, headgate: Headgate):
        port = headgate.port(self.listener)
        fields = [argument for name, value in self.headers for argument in ("-H", f"{name}: {value}")]
        return curl("--http2", "-k", "--path-as-is", "--resolve", f"{self.server_name}:{port}:127.0.0.1", *fields,
                    f"https://{self.server_name}:{port}{self.target}", check=False)

    def of_page(self, headgate: Headgate):
        query = [("method", self.method), ("url", self.url), ("listener", self.listener), ("client", "127.0.0.1")]
        query += [("header", f"{name}:{value}") for name, value in self.headers]
        return request(headgate.admin, "/explain?" + urllib.parse.urlencode(query))

    def of_command(self, headgate: Headgate):
        headers = [argument for name, value in self.headers for argument in ("-H", f"{name}:{value}")]
        return run_headgate("explain", "--json", "--config", str(headgate.main_file), "--listener", self.listener, "--client", "127.0.0.1",
                            *headers, self.method, self.url)


class ExplainAgrees(unittest.TestCase):
    def setUp(self):
        need("curl")
        self.upstreams = {name: self.enterContext(PythonServer(lambda handler, name=name: answer(handler, name))) for name in UPSTREAMS}
        seed = os.environ.get("HEADGATE_SEED", "1")
        self.seed = random.SystemRandom().randint(1, 2**31) if seed == "random" else int(seed)
        self.seen: dict[str, int] = {}

    def test_in_every_verdict(self):
        addresses = {name: server.address for name, server in self.upstreams.items()}
        first = "listeners: [{name: web, address: \"127.0.0.1:{port:web}\"}]\nroutes: []\n"
        with Headgate(first) as headgate:
            self_signed(headgate.directory, ["a.test", "*.wild.test"], "one")
            self_signed(headgate.directory, ["b.test"], "two")
            accepted = 0
            for number in range(CONFIGURATIONS * 4):
                generator = Generator(self.seed * 1000 + number)
                text = headgate.write(generator.configuration(addresses))
                if headgate.reload().status != 200:  # two of its routes are in conflict
                    continue
                for i in range(REQUESTS):
                    asked = generator.request()
                    with self.subTest(seed=self.seed, configuration=text, request=asked):
                        self.compare(headgate, asked, asked.of_running(headgate), with_command=i == 0)
                        if i % 5 == 0 and asked.goes_over_http2:
                            self.compare(headgate, asked, asked.of_running_over_http2(headgate), over_http2=True)
                accepted += 1
                if accepted == CONFIGURATIONS:
                    break
        self.assertEqual(accepted, CONFIGURATIONS, f"HEADGATE_SEED={self.seed}")
        print(f"HEADGATE_SEED={self.seed}: {accepted} configurations, answers {dict(sorted(self.seen.items()))}")
        for kind in ("upstream", "certain", "over HTTP/2", "200", "308", "400", "403", "404", "413", "421", "500", "508"):
            self.assertGreater(self.seen.get(kind, 0), 0, f"no request was answered so: {kind}")

    def count(self, kind) -> None:
        self.seen[str(kind)] = self.seen.get(str(kind), 0) + 1

    def compare(self, headgate: Headgate, asked: Asked, real, with_command: bool = False, over_http2: bool = False) -> None:
        page = asked.of_page(headgate)
        if page.status == 400:  # the head is refused, whatever the configuration says
            if over_http2:
                self.assertEqual(real.status, 0, "a reset is no answer")
                return
            self.count(real.status)
            self.assertIn(f"refuses this request: {real.status} ", page.json()["error"])
            return
        said = page.json()
        if over_http2:
            self.count("over HTTP/2")
        if with_command:
            command = asked.of_command(headgate)
            self.assertEqual(json.loads(command.stdout), said)
        self.assertEqual(real.headers.get("x-route", ""), said["route"])
        if said["status"] != 0:
            self.count(said["status"])
            self.assertEqual(real.status, said["status"])
            self.assertNotIn("x-upstream", real.headers)
            location = said["action"].partition(" to ")[2] if said["action"].startswith("redirect") else None
            self.assertEqual(real.headers.get("location"), location)
            return
        self.count("upstream")
        self.assertEqual(real.status, 200)
        upstream = real.headers.get("x-upstream")
        if said["upstream"]:
            self.count("certain")
            self.assertEqual(upstream, said["upstream"])
        else:
            self.assertIn("by weight", said["action"])
            self.assertRegex(said["action"], rf"{upstream} \([1-9]")


def answer(handler, name: str) -> None:
    handler.rfile.read(int(handler.headers.get("Content-Length", "0")))
    send_text(handler, "", headers={"x-upstream": name})


if __name__ == "__main__":
    unittest.main()
