"""A file limit that is far too low for the clients that come: nobody gets a wrong answer, and the control side lives."""

from __future__ import annotations

import os
import selectors
import socket
import time
import unittest

from support import PATIENCE, Headgate, RawServer, need, request

CLIENTS = 400
CONFIG = """
workers: 2
listeners: [{name: web, address: "127.0.0.1:{port:web}"}]
upstreams: {up: {endpoints: ["127.0.0.1:PORT"], protocol: http/1.1}}
routes: [{name: all, backends: [{upstream: up}]}]
"""


def answer_slowly(connection: socket.socket) -> None:
    while connection.recv(4096):
        time.sleep(0.02)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


def cpu_seconds(pid: int) -> float:
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def ask_all_at_once(port: int, meanwhile) -> list[bytes]:
    """One request on each of CLIENTS connections that are all there first; the answers."""
    answers: dict[socket.socket, bytes] = {}
    selector = selectors.DefaultSelector()
    for _ in range(CLIENTS):
        client = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        answers[client] = b""
        selector.register(client, selectors.EVENT_READ)
    until = time.monotonic() + PATIENCE
    while selector.get_map() and time.monotonic() < until:
        meanwhile()
        for key, _ in selector.select(0.1):
            data = key.fileobj.recv(4096)
            answers[key.fileobj] += data
            if not data:
                selector.unregister(key.fileobj)
    for client in answers:
        client.close()
    return list(answers.values())


class AFileLimitOf256(unittest.TestCase):
    def test_makes_clients_wait_and_harms_nobody(self):
        prlimit = need("prlimit")
        with RawServer(answer_slowly) as upstream:
            config = CONFIG.replace("PORT", str(upstream.port))
            with Headgate(config, wrapper=(prlimit, "--nofile=256:256")) as headgate:
                scrapes = []
                answers = ask_all_at_once(headgate.port(), lambda: scrapes.append(request(headgate.metrics, "/metrics").status))
                self.assertEqual(set(scrapes), {200})
                self.assertEqual(len(answers), CLIENTS)
                for text in answers:
                    whole = text.startswith(b"HTTP/1.1 200 ")
                    refused = text.startswith(b"HTTP/1.1 503 ") and b"\r\nretry-after: " in text.lower()
                    self.assertTrue(whole or refused, text)
                self.assertEqual(request(headgate.port(), "/").status, 200)
                self.assertGreater(headgate.metric("headgate_accept_errors_total", listener="web"), 0)
                self.assertIn("listener web: clients wait, the process's file limit", headgate.logs())

    def test_costs_no_cpu_while_clients_wait_and_is_over_at_once(self):
        """Clients that only hold their connections take every place; a client that waits has its answer as they go."""
        prlimit = need("prlimit")
        with RawServer(answer_slowly) as upstream:
            config = CONFIG.replace("PORT", str(upstream.port))
            with Headgate(config, wrapper=(prlimit, "--nofile=256:256")) as headgate:
                best_cpu = best_wait = PATIENCE
                for _ in range(10):
                    holders = [socket.create_connection(("127.0.0.1", headgate.port()), timeout=PATIENCE) for _ in range(CLIENTS)]
                    before = cpu_seconds(headgate.pid)
                    time.sleep(1)
                    best_cpu = min(best_cpu, cpu_seconds(headgate.pid) - before)
                    for holder in holders:
                        holder.close()
                    began = time.monotonic()
                    self.assertEqual(request(headgate.port(), "/").status, 200)
                    best_wait = min(best_wait, time.monotonic() - began)
                    if best_cpu < 0.3 and best_wait < 0.1:  # the upstream takes 20 ms of it
                        return
                self.fail(f"it took {best_cpu} s of CPU a second while full, and {best_wait} s to recover")


if __name__ == "__main__":
    unittest.main()
