"""Reload: every way a file changes, nothing lost while it does, and a bad file changes nothing."""

import os
import shutil
import signal
import socket
import threading
import time
import unittest

from support import (HEADGATE, Child, Headgate, Nginx, RawServer, RawSocket, Wrk, free_port, request, run_headgate,
                     self_signed, wait_until)

CONFIG = """
listeners: [{name: web, address: "127.0.0.1:{port:web}"}]
routes:
  - {name: who, respond: {status: 200, body: "ANSWER"}}
"""


def config(answer: str) -> str:
    return CONFIG.replace("ANSWER", answer)


def answer_of(headgate: Headgate, name: str = "web") -> str:
    return request(headgate.port(name), "/").text


class EveryWayToChange(unittest.TestCase):
    def test_a_plain_rewrite_is_taken(self):
        with Headgate(config("one")) as headgate:
            self.assertEqual(answer_of(headgate), "one")
            headgate.write(config("two"))
            wait_until(lambda: answer_of(headgate) == "two", "the rewrite to take effect", 3)

    def test_a_rename_is_taken_and_the_old_answer_never_comes_back(self):
        with Headgate(config("one")) as headgate:
            headgate.write(config("two"), "next.tmp")
            text = headgate.expand(config("two"))
            (headgate.directory / "next.tmp").write_text(text)
            os.rename(headgate.directory / "next.tmp", headgate.main_file)
            wait_until(lambda: answer_of(headgate) == "two", "the rename to take effect", 3)
            self.assertEqual({answer_of(headgate) for _ in range(20)}, {"two"})

    def test_sighup_reloads(self):
        with Headgate(config("one")) as headgate:
            before = headgate.get_json("/config")["generation"]
            headgate.send_signal(signal.SIGHUP)
            wait_until(lambda: headgate.get_json("/config")["generation"] > before, "SIGHUP to reload")

    def test_post_reload_answers_when_it_is_in_force(self):
        with Headgate(config("one")) as headgate:
            for i in range(10):
                headgate.apply(config(f"answer {i}"))
                self.assertEqual(answer_of(headgate), f"answer {i}")

    def test_a_swap_of_the_data_link_is_taken_at_once(self):
        """As a ConfigMap is mounted: headgate.yaml -> ..data/headgate.yaml, ..data -> a folder with a time in its name."""
        with Headgate({"headgate.yaml": config("one")}) as headgate:
            def put(stamp: str, answer: str) -> None:
                folder = headgate.directory / f"..{stamp}"
                folder.mkdir()
                (folder / "headgate.yaml").write_text(headgate.expand(config(answer)))
                (headgate.directory / "..data_tmp").symlink_to(folder.name)
                os.rename(headgate.directory / "..data_tmp", headgate.directory / "..data")

            put("2026_1", "one")
            (headgate.directory / "link").symlink_to("..data/headgate.yaml")
            os.rename(headgate.directory / "link", headgate.main_file)
            headgate.reload()
            times = []
            for i in range(10):
                put(f"2026_2_{i}", f"swap {i}")
                start = time.monotonic()
                wait_until(lambda i=i: answer_of(headgate) == f"swap {i}", "the swap to take effect", 3, every=0.001)
                times.append(time.monotonic() - start)
            self.assertLess(sorted(times)[len(times) // 2], 1.0)


class ALinkAbove(unittest.TestCase):
    """As git-sync and release folders do it: --config goes through a link that is renamed to another folder."""

    def release(self, headgate: Headgate, name: str, answer: str) -> None:
        folder = headgate.root / name
        folder.mkdir()
        (folder / "token").write_text(f"token-{name}")
        text = headgate.expand(config(answer) + '\nadmin: {address: "127.0.0.1:{port:admin}", tokenFile: token}\n')
        (folder / "headgate.yaml").write_text(text)

    def switch(self, headgate: Headgate, name: str) -> None:
        (headgate.root / "next").symlink_to(name)
        os.rename(headgate.root / "next", headgate.root / "cur")

    def begin(self, path: str) -> Headgate:
        headgate = Headgate(config("none"), wait=False)
        headgate.child.kill()
        self.addCleanup(headgate.close)
        for name in ("a", "b", "c"):
            self.release(headgate, name, f"from {name}")
        self.switch(headgate, "a")
        headgate.child = Child([HEADGATE, "run", "--config", str(headgate.root / path)], headgate.root / "linked.log")
        headgate.wait_ready()
        self.assertEqual(answer_of(headgate), "from a")
        return headgate

    def test_that_is_switched_is_taken_with_what_is_named_relative_to_it(self):
        for path in ("cur", "cur/headgate.yaml"):
            with self.subTest(path=path):
                headgate = self.begin(path)
                self.switch(headgate, "b")
                wait_until(lambda: answer_of(headgate) == "from b", "the switch to be seen by itself", 4)
                shutil.rmtree(headgate.root / "a")
                self.assertEqual(self.reload(headgate, "a"), 401)
                self.assertEqual(self.reload(headgate, "b"), 200)
                self.switch(headgate, "c")
                self.assertEqual(self.reload(headgate, "c"), 200)
                self.assertEqual(answer_of(headgate), "from c", "what a reload calls applied is served")

    def reload(self, headgate: Headgate, release: str) -> int:
        return request(headgate.admin, "/reload", "POST", {"authorization": f"Bearer token-{release}"}).status

    def test_that_dangles_changes_nothing_until_it_leads_somewhere(self):
        headgate = self.begin("cur")
        (headgate.root / "cur").unlink()
        time.sleep(0.3)
        self.assertEqual(answer_of(headgate), "from a")
        self.switch(headgate, "b")
        wait_until(lambda: answer_of(headgate) == "from b", "the new link to be seen", 4)


class ALog(unittest.TestCase):
    def test_that_cannot_be_opened_refuses_the_reload_with_its_place(self):
        with Headgate(config("one")) as headgate:
            headgate.write(config("two") + "accessLog: {to: /nowhere/access.log, query: true}\n")
            refused = headgate.reload()
            self.assertEqual(refused.status, 422)
            self.assertIn("HG060: /nowhere/access.log: No such file", refused.json()["problems"])
            (headgate.directory / "link.log").symlink_to("/nowhere/access.log")
            headgate.write(config("two") + "accessLog: {to: link.log}\n")
            refused = headgate.reload()
            self.assertEqual(refused.status, 422)
            self.assertIn("link.log: No such file", refused.json()["problems"])
            self.assertEqual(answer_of(headgate), "one")


class Addresses(unittest.TestCase):
    TWO = """
listeners:
  - {name: one, address: "127.0.0.1:{port:FIRST}"}
  - {name: two, address: "127.0.0.1:{port:SECOND}"}
routes: [{name: who, respond: {status: 200, body: hi}}]
"""

    def test_two_listeners_swap_ports_and_a_renamed_one_keeps_its_own_without_a_lost_connection(self):
        straight, crossed = (self.TWO.replace("FIRST", a).replace("SECOND", b) for a, b in (("a", "b"), ("b", "a")))
        with Headgate(straight) as headgate:
            failed, count, stop = [], [0], threading.Event()

            def ask() -> None:
                while not stop.is_set():
                    try:
                        count[0] += 1
                        if request(headgate.port("a"), "/").status != 200:
                            failed.append("status")
                    except OSError as error:
                        failed.append(repr(error))

            thread = threading.Thread(target=ask)
            thread.start()
            for _ in range(10):
                headgate.apply(crossed)
                headgate.apply(straight.replace("name: two", "name: zwei"))
                headgate.apply(straight)
            stop.set()
            thread.join()
            self.assertEqual(failed, [])
            self.assertGreater(count[0], 10)


class WhatTakesARestart(unittest.TestCase):
    def test_is_told_by_the_reload(self):
        with Headgate(config("one")) as headgate:
            headgate.write(config("two") + "workers: 1\nadmin: {address: \"127.0.0.1:1\"}\nmetrics: none\n")
            answer = run_headgate("reload", "--admin", f"127.0.0.1:{headgate.admin}")
            self.assertEqual(answer.returncode, 0)
            for what in ("number of workers", "admin address", "metrics address"):
                self.assertIn(f"warning: another {what} takes a restart\n", answer.stderr)
            self.assertIn("takes a restart", headgate.reload().json()["problems"])
            self.assertIn("Z warning another admin address takes a restart\n", headgate.logs())


class ABadFile(unittest.TestCase):
    def test_changes_nothing_is_told_and_is_mended_by_the_next_good_one(self):
        with Headgate(config("one")) as headgate:
            before = headgate.get_json("/config")
            headgate.write(config("two") + "\nroutez: []")
            refused = headgate.reload()
            self.assertEqual(refused.status, 422)
            self.assertIn("HG010", refused.json()["problems"])
            self.assertEqual(answer_of(headgate), "one")
            after = headgate.get_json("/config")
            self.assertEqual((after["hash"], after["generation"]), (before["hash"], before["generation"]))
            ready = request(headgate.metrics, "/readyz?verbose")
            self.assertEqual(ready.status, 200)
            self.assertIn("HG010", ready.text)
            self.assertEqual(headgate.metric("headgate_config_last_reload_successful"), 0)
            self.assertGreaterEqual(headgate.metric("headgate_config_reloads_total", result="failure"), 1)
            headgate.apply(config("three"))
            self.assertEqual(answer_of(headgate), "three")
            self.assertEqual(headgate.metric("headgate_config_last_reload_successful"), 1)

    def test_without_a_listener_closes_none(self):
        with Headgate(config("one")) as headgate:
            for text in ("", "# nothing\n", "~\n", "routes: []\n"):
                headgate.main_file.write_text(text)
                refused = headgate.reload()
                self.assertEqual(refused.status, 422, text)
                self.assertIn("HG045", refused.json()["problems"])
                self.assertEqual(answer_of(headgate), "one")
                self.assertEqual(headgate.metric("headgate_config_last_reload_successful"), 0)
            headgate.apply(config("two"))
            self.assertEqual(answer_of(headgate), "two")

    def test_of_a_directory_leaves_the_others_alone(self):
        route = "routes: [{name: NAME, matches: [{path: {exact: /NAME}}], respond: {status: 200, body: TEXT}}]"
        files = {"headgate.yaml": 'listeners: [{name: web, address: "127.0.0.1:{port:web}"}]',
                 "a.yaml": route.replace("NAME", "a").replace("TEXT", "a1"),
                 "b.yaml": route.replace("NAME", "b").replace("TEXT", "b1")}
        with Headgate(files) as headgate:
            headgate.write("routes: [", "a.yaml")
            headgate.write(route.replace("NAME", "b").replace("TEXT", "b2"), "b.yaml")
            self.assertEqual(headgate.reload().status, 422)
            self.assertEqual(request(headgate.port("web"), "/a").text, "a1")
            self.assertEqual(request(headgate.port("web"), "/b").text, "b2")

    def test_a_listener_on_a_port_that_is_taken_is_refused_and_nothing_changes(self):
        with socket.create_server(("127.0.0.1", 0)) as taken, Headgate(config("one")) as headgate:
            port = taken.getsockname()[1]
            headgate.write(config("two").replace("]", f', {{name: more, address: "127.0.0.1:{port}"}}]', 1))
            refused = headgate.reload()
            self.assertEqual(refused.status, 409)
            self.assertIn(str(port), refused.json()["problems"])
            self.assertEqual(answer_of(headgate), "one")


class Listeners(unittest.TestCase):
    def test_are_added_and_removed(self):
        both = config("two").replace("]", ', {name: more, address: "127.0.0.1:{port:more}"}]', 1)
        with Headgate(config("one")) as headgate:
            headgate.apply(both)
            self.assertEqual((answer_of(headgate), answer_of(headgate, "more")), ("two", "two"))
            headgate.apply(config("three"))
            self.assertEqual(answer_of(headgate), "three")

            def refused() -> bool:
                try:
                    socket.create_connection(("127.0.0.1", headgate.port("more")), 1).close()
                except ConnectionRefusedError:
                    return True
                return False
            wait_until(refused, "the listener to close")

    def test_a_certificate_that_changes_is_served_without_a_signal(self):
        text = """
listeners:
  - name: web
    address: "127.0.0.1:{port:web}"
    tls: {certificates: [{certFile: tls.crt, keyFile: tls.key}]}
routes: [{name: who, respond: {status: 200}}]
"""
        import pathlib
        import tempfile
        with tempfile.TemporaryDirectory() as folder:
            self_signed(folder, ["one.example.com"])
            files = {name: pathlib.Path(folder, name).read_text() for name in ("tls.crt", "tls.key")}
            with Headgate(text, files=files) as headgate:
                def names() -> list[str]:
                    return headgate.get_json("/certificates")["certificates"][0]["names"]
                self.assertEqual(names(), ["one.example.com"])
                self_signed(headgate.directory, ["two.example.com"])
                wait_until(lambda: names() == ["two.example.com"], "the new certificate", 10)
                (headgate.directory / "tls.crt").write_text("garbage")
                wait_until(lambda: "tls.crt" in request(headgate.metrics, "/readyz?verbose").text, "the broken one to be told", 10)
                self.assertEqual(names(), ["two.example.com"])
                with RawSocket(headgate.port("web"), tls="two.example.com") as connection:
                    answer = connection.send(b"GET / HTTP/1.1\r\nHost: two.example.com\r\n\r\n").response()
                self.assertEqual(answer.status, 200)


PROXIED = """
listeners: [{name: web, address: "127.0.0.1:{port:web}"}]
upstreams:
  v1: {endpoints: ["V1"]}
  v2: {endpoints: ["V2"]}
routes:
  - {name: app, backends: [{upstream: v1, weight: A}, {upstream: v2, weight: B}]}
"""


class UnderLoad(unittest.TestCase):
    def test_a_hundred_reloads_fail_no_request(self):
        with Nginx({"v1": 'location / { return 200 "v1"; }', "v2": 'location / { return 200 "v2"; }'}) as nginx:
            text = PROXIED.replace("V1", nginx.address("v1")).replace("V2", nginx.address("v2"))
            with Headgate(text.replace("A", "50").replace("B", "50")) as headgate:
                with Wrk(f"http://127.0.0.1:{headgate.port('web')}/", 60, connections=16) as load:
                    for i in range(100):
                        headgate.apply(text.replace("A", str(i)).replace("B", str(100 - i)))
                    self.assertTrue(load.running())
                    counted = load.stop()
                self.assertGreater(counted.requests, 100)
                self.assertEqual(counted.failures, 0, counted.output)
                self.assertEqual(headgate.metric("headgate_proxy_errors_total"), 0)
                self.assertGreaterEqual(headgate.metric("headgate_config_reloads_total", result="success"), 101)
                wait_until(lambda: headgate.metric("headgate_config_snapshots_active") == 1, "old generations to go")

    def test_a_long_download_lives_on(self):
        with Nginx({"v1": "limit_rate 2m;"}, files={"big": os.urandom(4 << 20)}) as nginx:
            text = PROXIED.replace("V1", nginx.address("v1")).replace("V2", nginx.address("v1"))
            with Headgate(text.replace("A", "1").replace("B", "1")) as headgate:
                result = {}

                def download() -> None:
                    result["answer"] = request(headgate.port("web"), "/big")
                thread = threading.Thread(target=download)
                thread.start()
                for i in range(10):
                    headgate.apply(text.replace("A", str(i + 2)).replace("B", "1"))
                thread.join(60)
                self.assertEqual(result["answer"].status, 200)
                self.assertEqual(result["answer"].body, (nginx.www / "big").read_bytes())

    def test_a_websocket_lives_on_and_its_generation_does_not(self):
        def echo(connection: socket.socket) -> None:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += connection.recv(1)
            import base64
            import hashlib
            key = next(line.split(b": ")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key"))
            accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
            connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                               b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
            while data := connection.recv(4096):
                connection.sendall(data)

        with RawServer(echo) as server:
            text = PROXIED.replace("V1", server.address).replace("V2", server.address)
            with Headgate(text.replace("A", "1").replace("B", "1")) as headgate, RawSocket(headgate.port("web")) as client:
                client.send(b"GET /chat HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
                self.assertIn(b"101", client.until(b"\r\n\r\n"))
                for i in range(5):
                    headgate.apply(text.replace("A", str(i + 2)).replace("B", "1"))
                    client.send(b"ping")
                    self.assertEqual(client.exactly(4), b"ping")
                self.assertEqual(headgate.metric("headgate_tunnels_active"), 1)
                wait_until(lambda: headgate.metric("headgate_config_snapshots_active") == 1, "old generations to go")


if __name__ == "__main__":
    unittest.main()
