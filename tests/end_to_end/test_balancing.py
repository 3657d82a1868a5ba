"""Requests of one key go to one endpoint, and elsewhere only when that one is gone."""

from __future__ import annotations

import collections
import contextlib
import threading
import unittest

from support import Headgate, PythonServer, request, send_text

CONFIG = """
listeners: [{{name: web, address: "127.0.0.1:{{port:web}}"}}]
workers: 2
upstreams:
  header: {{endpoints: [{endpoints}], loadBalancing: {{policy: ringHash, hashOn: {{header: X-User}}}}}}
  cookie: {{endpoints: [{endpoints}], loadBalancing: {{policy: maglev, hashOn: {{cookie: seat}}}}}}
  query: {{endpoints: [{endpoints}], loadBalancing: {{policy: maglev, hashOn: {{query: user}}}}}}
  path: {{endpoints: [{endpoints}], loadBalancing: {{policy: ringHash, hashOn: path}}, connections: {{max: 8}}}}
routes:
  - {{name: header, matches: [{{path: {{prefix: /header}}}}], backends: [{{upstream: header}}]}}
  - {{name: cookie, matches: [{{path: {{prefix: /cookie}}}}], backends: [{{upstream: cookie}}]}}
  - {{name: query, matches: [{{path: {{prefix: /query}}}}], backends: [{{upstream: query}}]}}
  - {{name: path, matches: [{{path: {{prefix: /path}}}}], backends: [{{upstream: path}}], rewrite: {{path: /same}}}}
"""


class Hashing(unittest.TestCase):
    def setUp(self):
        self.stack = contextlib.ExitStack()
        self.keep_alive = True
        self.servers = [self.stack.enter_context(PythonServer(lambda handler, number=number: self.answer(handler, number)))
                        for number in range(5)]
        endpoints = ", ".join(f'"{server.address}"' for server in self.servers)
        self.headgate = self.stack.enter_context(Headgate(CONFIG.format(endpoints=endpoints)))
        self.addCleanup(self.stack.close)

    def answer(self, handler, number: int) -> None:
        send_text(handler, str(number), headers={} if self.keep_alive else {"connection": "close"})

    def ask(self, path: str, **headers: str):
        answer = request(self.headgate.port(), path, headers=headers)
        self.assertEqual(answer.status, 200)
        return answer

    def test_a_key_keeps_its_endpoint_on_every_worker(self):
        for path, headers in (("/header", {"X-User": "{}"}), ("/query?user={}", {}), ("/path/{}", {}),
                              ("/cookie", {"Cookie": "seat={}"})):
            homes = collections.defaultdict(set)
            for _ in range(4):
                for user in range(20):
                    named = {name: value.format(user) for name, value in headers.items()}
                    homes[user].add(self.ask(path.format(user), **named).text)
            self.assertEqual([len(home) for home in homes.values()], [1] * 20, path)
            self.assertGreater(len(set.union(*homes.values())), 2, path)

    def test_a_request_without_a_key_goes_anywhere(self):
        self.assertGreater(len({self.ask("/header").text for _ in range(60)}), 2)

    def test_a_client_without_the_cookie_gets_one_that_leads_back(self):
        for _ in range(10):
            first = self.ask("/cookie")
            cookie = first.headers["set-cookie"]
            self.assertRegex(cookie, r"^seat=[0-9a-f]{16}; Path=/; HttpOnly; SameSite=Lax$")
            again = self.ask("/cookie", Cookie=cookie.split(";")[0])
            self.assertEqual(again.text, first.text)
            self.assertNotIn("set-cookie", again.headers)

    def test_keys_keep_their_endpoint_while_connections_are_short(self):
        homes = {user: self.ask(f"/path/{user}").text for user in range(20)}
        wrong: list[str] = []

        def run(offset: int) -> None:
            for i in range(30):
                user = (i * 7 + offset) % 20
                got = self.ask(f"/path/{user}").text
                if got != homes[user]:
                    wrong.append(f"{user}: {got} for {homes[user]}")

        threads = [threading.Thread(target=run, args=(number,)) for number in range(24)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])

    def test_keys_of_an_endpoint_that_is_gone_move_and_the_others_stay(self):
        self.keep_alive = False  # connections that are kept would outlive the listening socket
        homes = {user: self.ask(f"/path/{user}").text for user in range(30)}
        gone = homes[0]
        self.servers[int(gone)].__exit__()
        for user, home in homes.items():
            now = self.ask(f"/path/{user}").text
            self.assertNotEqual(now, gone)
            if home != gone:
                self.assertEqual(now, home)


if __name__ == "__main__":
    unittest.main()
