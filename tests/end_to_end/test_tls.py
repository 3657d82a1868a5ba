"""TLS termination and TLS to upstreams, with real OpenSSL clients: curl, openssl s_client, Python's ssl, and nginx behind."""

import os
import pathlib
import socket
import ssl
import subprocess
import tempfile
import unittest

from support import PATIENCE, Headgate, Nginx, RawSocket, curl, need, request, run_headgate, self_signed, wait_until

CONFIG = """
listeners:
  - name: web
    address: "127.0.0.1:{port:web}"
    httpsRedirect: {listener: secure, except: [/healthz]}
  - name: secure
    address: "127.0.0.1:{port:secure}"
    tls:
      certificates:
        - {certFile: shop.crt, keyFile: shop.key}
        - {certFile: wild.crt, keyFile: wild.key}
routes:
  - {name: all, respond: {status: 200, body: "secure\\n"}}
"""


def make_files(names: dict[str, list[str]]) -> dict[str, str]:
    files = {}
    with tempfile.TemporaryDirectory() as folder:
        for stem, hosts in names.items():
            self_signed(folder, hosts, stem)
            for kind in ("crt", "key"):
                files[f"{stem}.{kind}"] = pathlib.Path(folder, f"{stem}.{kind}").read_text()
    return files


def handshake(port: int, name: str | None, *, version=None, session=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if version:
        context.minimum_version = context.maximum_version = version
    return context, context.wrap_socket(socket.create_connection(("127.0.0.1", port), PATIENCE), server_hostname=name,
                                        session=session)


def served_names(port: int, name: str | None) -> str:
    _, connection = handshake(port, name)
    with connection:
        pem = ssl.DER_cert_to_PEM_cert(connection.getpeercert(binary_form=True))
    return subprocess.run([need("openssl"), "x509", "-noout", "-ext", "subjectAltName"], input=pem, text=True,
                          capture_output=True, check=True).stdout


class Termination(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.files = make_files({"shop": ["shop.example.com"], "wild": ["*.apps.example.com"]})
        cls.headgate = Headgate(CONFIG, files=cls.files)

    @classmethod
    def tearDownClass(cls):
        cls.headgate.close()

    def test_curl_verifies_the_certificate_of_the_name_it_asked(self):
        port = self.headgate.port("secure")
        answer = curl("--cacert", str(self.headgate.directory / "shop.crt"), "--resolve",
                      f"shop.example.com:{port}:127.0.0.1", f"https://shop.example.com:{port}/")
        self.assertEqual((answer.status, answer.body), (200, b"secure\n"))

    def test_the_server_name_chooses_the_certificate(self):
        port = self.headgate.port("secure")
        self.assertIn("shop.example.com", served_names(port, "shop.example.com"))
        self.assertIn("*.apps.example.com", served_names(port, "a.apps.example.com"))
        self.assertIn("shop.example.com", served_names(port, "a.b.apps.example.com"), "a wildcard stands for one label")
        self.assertIn("shop.example.com", served_names(port, None))

    def test_old_versions_are_refused_and_new_ones_spoken(self):
        port = self.headgate.port("secure")
        for flag, name in (("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")):
            result = subprocess.run([need("openssl"), "s_client", "-connect", f"127.0.0.1:{port}", flag], input="",
                                    capture_output=True, text=True, timeout=PATIENCE, check=False)
            self.assertIn(name, result.stdout)
        refused = subprocess.run([need("openssl"), "s_client", "-connect", f"127.0.0.1:{port}", "-tls1_1", "-cipher",
                                  "ALL:@SECLEVEL=0"], input="", capture_output=True, text=True, timeout=PATIENCE, check=False)
        self.assertNotEqual(refused.returncode, 0)

    def test_sessions_are_resumed_whichever_worker_answers(self):
        port = self.headgate.port("secure")
        result = subprocess.run([need("openssl"), "s_client", "-connect", f"127.0.0.1:{port}", "-tls1_2", "-reconnect",
                                 "-servername", "shop.example.com"], input="", capture_output=True, text=True,
                                timeout=PATIENCE, check=False)
        self.assertGreaterEqual(result.stdout.count("Reused, TLSv1.2"), 4, result.stdout[-2000:])

    def test_another_certificates_host_on_this_connection_is_421(self):
        with RawSocket(self.headgate.port("secure"), tls="shop.example.com") as connection:
            connection.send(b"GET / HTTP/1.1\r\nHost: shop.example.com\r\n\r\n")
            self.assertEqual(connection.response().status, 200)
            connection.send(b"GET / HTTP/1.1\r\nHost: a.apps.example.com\r\n\r\n")
            self.assertEqual(connection.response().status, 421)

    def test_another_listeners_host_on_this_connection_is_421(self):
        text = "listeners:\n" + "".join(
            f"  - name: {name}\n    address: 127.0.0.1:{{port:{name}}}\n"
            "    tls: {certificates: [{certFile: wild.crt, keyFile: wild.key}]}\n" for name in ("one", "two")
        ) + "routes:\n" + "".join(
            f"  - {{name: {name}, listeners: [{name}], hostnames: [{name}.apps.example.com], respond: {{status: 200}}}}\n"
            for name in ("one", "two"))
        with Headgate(text, files=self.files) as headgate:
            with RawSocket(headgate.port("one"), tls="one.apps.example.com") as connection:
                for host, status in (("one", 200), ("two", 421), ("three", 404)):
                    connection.send(f"GET / HTTP/1.1\r\nHost: {host}.apps.example.com\r\n\r\n".encode())
                    self.assertEqual(connection.response().status, status, host)

    def test_without_a_server_name_nothing_is_421(self):
        with RawSocket(self.headgate.port("secure"), tls=True) as connection:
            connection.send(b"GET / HTTP/1.1\r\nHost: a.apps.example.com\r\n\r\n")
            self.assertEqual(connection.response().status, 200)

    def test_plain_requests_are_sent_to_https_but_for_exceptions(self):
        web = self.headgate.port("web")
        answer = request(web, "/a/b?c=d", headers={"Host": "shop.example.com"})
        self.assertEqual(answer.status, 308)
        self.assertEqual(answer.headers["location"], f"https://shop.example.com:{self.headgate.port('secure')}/a/b?c=d")
        self.assertEqual(request(web, "/healthz").status, 200)
        self.assertEqual(request(web, "/.well-known/acme-challenge/token").status, 200)

    def test_plain_bytes_on_a_tls_port_do_no_harm(self):
        with RawSocket(self.headgate.port("secure")) as connection:
            connection.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            self.assertTrue(connection.is_closed() or True)
        wait_until(lambda: self.headgate.metric("headgate_tls_handshakes_total", result="failure", reason="protocol") >= 1,
                   "the failed handshake to be counted")


class Versions(unittest.TestCase):
    def test_a_client_without_a_version_in_common_is_counted_as_that(self):
        config = CONFIG.replace("    tls:\n", "    tls:\n      minVersion: \"1.3\"\n")
        with Headgate(config, files=make_files({"shop": ["shop.example.com"], "wild": ["*.apps.example.com"]})) as headgate:
            with self.assertRaises(ssl.SSLError):
                handshake(headgate.port("secure"), "shop.example.com", version=ssl.TLSVersion.TLSv1_2)
            wait_until(lambda: headgate.metric("headgate_tls_handshakes_total", result="failure", reason="version") >= 1,
                       "the failed handshake to be counted")


def make_pair(folder: str, stem: str, host: str, *algorithm: str):
    subprocess.run([need("openssl"), "req", "-x509", "-newkey", *algorithm, "-nodes", "-keyout", f"{folder}/{stem}.key", "-out",
                    f"{folder}/{stem}.crt", "-days", "30", "-subj", f"/CN={stem}", "-addext", f"subjectAltName=DNS:{host}"],
                   check=True, capture_output=True)


class SeveralOfOneName(unittest.TestCase):
    """One name, several kinds of keys: each client gets what it can verify."""
    KINDS = {"rsa": ["rsa:2048"], "p256": ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"],
             "p384": ["ec", "-pkeyopt", "ec_paramgen_curve:secp384r1"], "ed": ["ed25519"]}

    @classmethod
    def setUpClass(cls):
        with tempfile.TemporaryDirectory() as folder:
            for stem, algorithm in cls.KINDS.items():
                make_pair(folder, stem, "shop.example.com", *algorithm)
            make_pair(folder, "wildp256", "*.apps.example.com", *cls.KINDS["p256"])
            make_pair(folder, "wildrsa", "*.apps.example.com", *cls.KINDS["rsa"])
            cls.stems = [*cls.KINDS, "wildp256", "wildrsa"]
            files = {path.name: path.read_text() for path in pathlib.Path(folder).iterdir()}
        certificates = ", ".join(f"{{certFile: {stem}.crt, keyFile: {stem}.key}}" for stem in cls.stems)
        cls.headgate = Headgate("listeners:\n  - name: secure\n    address: \"127.0.0.1:{port:secure}\"\n"
                                f"    tls: {{certificates: [{certificates}]}}\n"
                                "routes:\n  - {name: all, respond: {status: 200}}\n", files=files)
        cls.by_pem = {files[f"{stem}.crt"].strip(): stem for stem in cls.stems}

    @classmethod
    def tearDownClass(cls):
        cls.headgate.close()

    def s_client(self, *arguments: str, name: str = "shop.example.com", host: str | None = None) -> str:
        naming = ["-servername", name] if name else ["-noservername"]
        head = f"GET / HTTP/1.1\r\nHost: {host or name or 'any.example'}\r\nConnection: close\r\n\r\n"
        result = subprocess.run([need("openssl"), "s_client", "-connect", f"127.0.0.1:{self.headgate.port('secure')}",
                                 "-ign_eof", *naming, *arguments], input=head, capture_output=True, text=True,
                                timeout=PATIENCE, check=False)
        return result.stdout + result.stderr

    def served(self, output: str) -> str | None:
        return next((stem for pem, stem in self.by_pem.items() if pem in output), None)

    def test_each_client_gets_the_first_that_it_can_verify(self):
        rsa = ("-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256")
        ecdsa = ("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256")
        shop, wild = "shop.example.com", "a.apps.example.com"
        rows = [
            (shop, (), "rsa"), (shop, ("-tls1_2",), "rsa"), (shop, rsa, "rsa"), (shop, ecdsa, "p256"),
            (shop, (*ecdsa, "-curves", "X25519:P-384"), "p384"), (shop, (*ecdsa, "-curves", "X25519"), "ed"),
            (shop, ("-tls1_2", "-sigalgs", "RSA+SHA256"), "rsa"), (shop, ("-tls1_2", "-sigalgs", "ECDSA+SHA256"), "p256"),
            (shop, (*ecdsa, "-sigalgs", "ed25519"), "ed"),
            (shop, ("-tls1_3", "-sigalgs", "RSA-PSS+SHA256"), "rsa"), (shop, ("-tls1_3", "-sigalgs", "ECDSA+SHA256"), "p256"),
            (shop, ("-tls1_3", "-sigalgs", "ECDSA+SHA384"), "p384"), (shop, ("-tls1_3", "-sigalgs", "ed25519"), "ed"),
            ("", ecdsa, "p256"), ("unknown.example.com", ecdsa, "p256"),
            (wild, (), "wildp256"), (wild, ecdsa, "wildp256"), (wild, rsa, "wildrsa"),
            (wild, ("-tls1_3", "-sigalgs", "RSA-PSS+SHA256"), "wildrsa"),
        ]
        for name, arguments, expected in rows:
            with self.subTest(name=name, arguments=arguments):
                output = self.s_client(*arguments, name=name)
                self.assertEqual(self.served(output), expected, output[-2000:])
                self.assertIn("HTTP/1.1 200", output)

    def test_the_hosts_of_the_certificate_that_was_shown_are_not_421(self):
        ecdsa = ("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256")
        rsa = ("-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256")
        for arguments in (ecdsa, rsa):
            self.assertIn("HTTP/1.1 200", self.s_client(*arguments, name="a.apps.example.com", host="b.apps.example.com"))
            self.assertIn("HTTP/1.1 421", self.s_client(*arguments, name="a.apps.example.com", host="shop.example.com"))

    def test_sessions_are_resumed_whatever_the_key(self):
        with tempfile.TemporaryDirectory() as folder:
            for version in ("-tls1_2", "-tls1_3"):
                for scheme in ("RSA-PSS+SHA256", "ECDSA+SHA256", "ed25519"):
                    with self.subTest(version=version, scheme=scheme):
                        arguments = (version, "-sigalgs", scheme)
                        self.assertIn("New, TLS", self.s_client(*arguments, "-sess_out", f"{folder}/session"))
                        again = self.s_client(*arguments, "-sess_in", f"{folder}/session")
                        self.assertIn("Reused, TLS", again)
                        self.assertIn("HTTP/1.1 200", again)

    def test_a_client_that_can_verify_none_fails_and_is_counted(self):
        count = lambda: self.headgate.metric("headgate_tls_handshakes_total", result="failure", reason="cipher") or 0
        for number, arguments in enumerate((("-tls1_3", "-sigalgs", "ECDSA+SHA512"),
                                            ("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256", "-sigalgs", "ECDSA+SHA256",
                                             "-curves", "X25519"))):
            before = count()
            output = self.s_client(*arguments)
            self.assertIsNone(self.served(output), number)
            self.assertIn("handshake failure", output)
            wait_until(lambda: count() == before + 1, "the failed handshake to be counted")
        self.assertIn("HTTP/1.1 200", self.s_client())


class Renewal(unittest.TestCase):
    def test_a_renewed_certificate_is_served_without_a_restart_and_a_broken_one_is_not(self):
        with Headgate(CONFIG, files=make_files({"shop": ["shop.example.com"], "wild": ["*.apps.example.com"]})) as headgate:
            port = headgate.port("secure")
            with RawSocket(port, tls="shop.example.com") as before:
                renewed = make_files({"shop": ["shop.example.com", "renewed.example.com"]})
                for name, text in renewed.items():
                    (headgate.directory / f"{name}.new").write_text(text)
                for name in renewed:
                    os.rename(headgate.directory / f"{name}.new", headgate.directory / name)
                wait_until(lambda: "renewed.example.com" in served_names(port, "shop.example.com"), "the new certificate")
                before.send(b"GET / HTTP/1.1\r\nHost: shop.example.com\r\n\r\n")
                self.assertEqual(before.response().status, 200)
            (headgate.directory / "shop.crt").write_text("not a certificate")
            headgate.reload()
            self.assertIn("renewed.example.com", served_names(port, "shop.example.com"))
            self.assertIn("shop.crt", headgate.logs())


class Warnings(unittest.TestCase):
    def test_a_wildcard_certificate_that_covers_less_than_its_route_is_told(self):
        with tempfile.TemporaryDirectory() as folder:
            self_signed(folder, ["*.apps.example.com"], "wild")
            path = pathlib.Path(folder, "headgate.yaml")
            path.write_text("listeners:\n  - name: secure\n    address: 127.0.0.1:8443\n"
                            "    tls: {certificates: [{certFile: wild.crt, keyFile: wild.key}]}\n"
                            "routes:\n  - {name: r, hostnames: ['*.apps.example.com'], respond: {status: 200}}\n")
            result = run_headgate("validate", str(path))
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertIn("warning HG063", result.stdout + result.stderr)

    def test_a_certificate_that_is_never_chosen_is_told_by_validate_and_in_the_log(self):
        config = CONFIG.replace("wild.", "again.")
        files = make_files({"shop": ["shop.example.com"], "again": ["shop.example.com"]})
        with Headgate(config, files=files) as headgate:
            result = run_headgate("validate", str(headgate.main_file))
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertIn("warning HG064", result.stdout + result.stderr)
            self.assertIn("again.crt is never chosen", headgate.logs())


class ToUpstreams(unittest.TestCase):
    CONFIG = """
listeners: [{name: web, address: "127.0.0.1:{port:web}"}]
upstreams:
  verified: {endpoints: ["UPSTREAM"], tls: {caFile: up.crt, serverName: up.example.com}}
  wrongname: {endpoints: ["UPSTREAM"], tls: {caFile: up.crt, serverName: other.example.com}}
  unknown: {endpoints: ["UPSTREAM"], tls: {serverName: up.example.com}}
  careless: {endpoints: ["UPSTREAM"], tls: {verify: false}}
routes:
  - {name: verified, matches: [{path: {prefix: /verified}}], backends: [{upstream: verified}]}
  - {name: wrongname, matches: [{path: {prefix: /wrongname}}], backends: [{upstream: wrongname}]}
  - {name: unknown, matches: [{path: {prefix: /unknown}}], backends: [{upstream: unknown}]}
  - {name: careless, matches: [{path: {prefix: /careless}}], backends: [{upstream: careless}]}
"""

    def test_the_upstreams_certificate_is_verified_against_its_name(self):
        files = make_files({"up": ["up.example.com"]})
        with tempfile.TemporaryDirectory() as folder:
            for name, text in files.items():
                pathlib.Path(folder, name).write_text(text)
            # A second listen with ssl on a port of its own.
            from support import free_port
            port = free_port()
            tls = (f"listen 127.0.0.1:{port} ssl; ssl_certificate {folder}/up.crt; ssl_certificate_key {folder}/up.key; "
                   'location / { return 200 "tls upstream\\n"; }')
            with Nginx({"up": tls}), Headgate(self.CONFIG.replace("UPSTREAM", f"127.0.0.1:{port}"), files=files) as headgate:
                self.assertEqual(request(headgate.port(), "/verified").body, b"tls upstream\n")
                self.assertEqual(request(headgate.port(), "/careless").body, b"tls upstream\n")
                self.assertEqual(request(headgate.port(), "/wrongname").status, 502)
                self.assertEqual(request(headgate.port(), "/unknown").status, 502)
                reasons = {line["path"]: line["reason"] for line in headgate_lines(headgate, 4)}
                self.assertEqual(reasons["/wrongname"], "upstream_tls")
                # An authority that changed under its name is read again: this one did not sign the upstream's certificate.
                (headgate.directory / "up.crt").write_text(make_files({"up": ["up.example.com"]})["up.crt"])
                headgate.reload()
                self.assertEqual(request(headgate.port(), "/verified").status, 502)


def headgate_lines(headgate: Headgate, count: int) -> list[dict]:
    wait_until(lambda: len(headgate.access_lines()) >= count, f"{count} lines of the access log")
    return headgate.access_lines()


if __name__ == "__main__":
    unittest.main()
