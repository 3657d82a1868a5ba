"""No POST is lost to an upstream that closes an idle connection just then: Node states its limit, gunicorn does not."""

import concurrent.futures
import contextlib
import pathlib
import socket
import subprocess
import tempfile
import threading
import time
import unittest

from support import PATIENCE, Headgate, free_port, need, request, wait_until

CLIENTS = 8
UPSTREAMS = "\n".join(f'  app{n}: {{{{endpoints: ["127.0.0.1:{{app}}"]}}}}' for n in range(CLIENTS))
ROUTES = "\n".join(f"  - {{{{name: app{n}, matches: [{{{{path: {{{{prefix: /{n}}}}}}}}}], backends: [{{{{upstream: app{n}}}}}]}}}}"
                   for n in range(CLIENTS))
# An upstream for each client, so that each has an idle connection of its own.
CONFIG = f"""
listeners: [{{{{name: web, address: "127.0.0.1:{{{{port:web}}}}"}}}}]
workers: 1
upstreams:
{UPSTREAMS}
routes:
{ROUTES}
"""
NODE = """
const server = require('http').createServer((request, response) => {
  request.resume();
  request.on('end', () => response.end('ok'));
});
server.keepAliveTimeout = 2000;
server.listen(%d, '127.0.0.1');
"""
GUNICORN = """
def app(environ, start_response):
    environ['wsgi.input'].read()
    start_response('200 OK', [('Content-Length', '2')])
    return [b'ok']
"""
LIMIT = 2.0  # of both, in seconds
DELAY = 0.1  # of each direction, as between two continents: for twice as long nobody knows that a connection is closed


@contextlib.contextmanager
def upstream(command: list[str], folder: str, port: int):
    with open(f"{folder}/log", "wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        wait_until(lambda: request(port, "/", timeout=1).status == 200, command[0])
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE)


def pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            time.sleep(DELAY)
            target.sendall(data)
    time.sleep(DELAY)
    for end in (source, target):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def far_away(port: int):
    """A port that leads to `port` with a delay in each direction."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    near, _ = listener.accept()
                    far = socket.create_connection(("127.0.0.1", port))
                    for pair in ((near, far), (far, near)):
                        threading.Thread(target=pump, args=pair, daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def lost(app: int, seen_before: int) -> int:
    """How many POSTs failed that met a connection around the time that its upstream closes it: both are up to a second
    later than they say."""
    with (far_away(app) as far, Headgate(CONFIG.format(app=far)) as headgate,
          concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool):
        def ask(number: int, method: str) -> int:
            return request(headgate.port("web"), f"/{number}", method, body=b"x" * 100 if method == "POST" else None).status

        def one(number: int) -> bool:
            for _ in range(seen_before):
                ask(number, "GET")
                time.sleep(LIMIT + 2)
            ask(number, "GET")
            time.sleep(LIMIT - 3 * DELAY + (1 + 4 * DELAY) * number / CLIENTS)
            return ask(number, "POST") == 200

        return list(pool.map(one, range(CLIENTS))).count(False)


class KeepAlive(unittest.TestCase):
    def test_what_node_states_is_believed(self):
        with tempfile.TemporaryDirectory(prefix="hg-node-") as folder:
            port = free_port()
            pathlib.Path(folder, "app.js").write_text(NODE % port)
            with upstream([need("node"), "app.js"], folder, port):
                self.assertEqual(lost(port, seen_before=0), 0)

    def test_what_was_seen_of_gunicorn_is_remembered(self):
        with tempfile.TemporaryDirectory(prefix="hg-gunicorn-") as folder:
            port = free_port()
            pathlib.Path(folder, "app.py").write_text(GUNICORN)
            command = [need("gunicorn"), "--worker-class", "gthread", "--threads", "2", "--keep-alive", str(int(LIMIT)),
                       "--bind", f"127.0.0.1:{port}", "app:app"]
            with upstream(command, folder, port):
                self.assertEqual(lost(port, seen_before=3), 0)


if __name__ == "__main__":
    unittest.main()
