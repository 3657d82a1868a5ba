"""What the end-to-end scripts share: headgate, nginx and clients as child processes, on loopback and free ports.

Everything is a context manager that ends its processes and removes its files. Python's standard library only.
"""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import http.server
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import unittest

HEADGATE = os.environ.get("HEADGATE_BINARY", "build/release/headgate")
SANITIZED = bool(os.environ.get("HEADGATE_SANITIZE"))
# What one step of a test may take; sanitizers and a busy machine make everything slower.
PATIENCE = 120.0 if SANITIZED else 60.0


# Go programs that tools/setup.sh builds, where Go and its module proxy are there.
TOOLS = pathlib.Path(__file__).resolve().parents[2] / "build/tools/bin"


def need(program: str) -> str:
    """The program's path; the case is skipped, by name, on a machine without it."""
    found = shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin:{TOOLS}")
    if not found:
        raise unittest.SkipTest(f"{program} is not installed")
    return found


_taken: set[int] = set()


def free_port() -> int:
    """A port that nobody listens on, below the range that the kernel hands to clients; never the same one twice."""
    for _ in range(1000):
        port = 10_000 + int.from_bytes(os.urandom(2), "big") % 20_000
        if port in _taken:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        _taken.add(port)
        return port
    raise RuntimeError("no free port")


def wait_until(condition, what: str, patience: float | None = None, every: float = 0.01):
    """Calls condition() until it returns something true, which is returned; exceptions count as not yet."""
    deadline = time.monotonic() + (patience or PATIENCE)
    last: Exception | None = None
    while time.monotonic() < deadline:
        try:
            result = condition()
            if result:
                return result
        except (OSError, http.client.HTTPException, AssertionError) as error:
            last = error
        time.sleep(every)
    raise AssertionError(f"waited in vain for {what}" + (f": {last}" if last else ""))


@dataclasses.dataclass
class Response:
    status: int
    headers: dict[str, str]  # names in lower case; of several with one name the last
    body: bytes
    all_headers: list[tuple[str, str]] = dataclasses.field(default_factory=list)

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def json(self):
        return json.loads(self.body)


def request(port: int, path: str = "/", method: str = "GET", headers: dict[str, str] | None = None,
            body: bytes | None = None, host: str = "127.0.0.1", timeout: float | None = None) -> Response:
    """One request on a connection of its own, by Python's own client."""
    connection = http.client.HTTPConnection(host, port, timeout=timeout or PATIENCE)
    try:
        connection.request(method, path, body=body, headers=headers or {})
        answer = connection.getresponse()
        fields = [(name.lower(), value) for name, value in answer.getheaders()]
        return Response(answer.status, dict(fields), answer.read(), fields)
    finally:
        connection.close()


def curl(*arguments: str, check: bool = True) -> Response:
    """Runs curl with the arguments; the last response's status, headers and body. check: curl's exit code must be 0."""
    with tempfile.TemporaryDirectory(prefix="hg-curl-") as folder:
        head, body = f"{folder}/head", f"{folder}/body"
        result = subprocess.run([need("curl"), "--silent", "--show-error", "--max-time", str(PATIENCE), "--noproxy", "*",
                                 "--dump-header", head, "--output", body, *arguments],
                                capture_output=True, text=True, check=False)
        if check and result.returncode != 0:
            raise AssertionError(f"curl {' '.join(arguments)}: exit {result.returncode}: {result.stderr}")
        text = pathlib.Path(head).read_text("latin-1") if os.path.exists(head) else ""
        content = pathlib.Path(body).read_bytes() if os.path.exists(body) else b""
    blocks = [block for block in re.split(r"\r?\n\r?\n", text) if block.startswith("HTTP/")]
    if not blocks:
        return Response(0, {}, content)
    first, *lines = blocks[-1].splitlines()
    fields = [(name.strip().lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    return Response(int(first.split()[1]), dict(fields), content, fields)


class RawSocket:
    """A connection that sends bytes as they are written here. tls: True (no verification) or a server name."""

    def __init__(self, port: int, host: str = "127.0.0.1", timeout: float | None = None, tls: bool | str = False,
                 source: str | None = None):
        self.socket = socket.create_connection((host, port), timeout=timeout or PATIENCE,
                                               source_address=(source, 0) if source else None)
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            self.socket = context.wrap_socket(self.socket, server_hostname=tls if isinstance(tls, str) else None)

    def __enter__(self) -> "RawSocket":
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data: bytes) -> "RawSocket":
        self.socket.sendall(data)
        return self

    def until_close(self) -> bytes:
        """Everything up to the end of the stream; a reset ends it too."""
        data = b""
        with contextlib.suppress(ConnectionResetError):
            while piece := self.socket.recv(65536):
                data += piece
        return data

    def until(self, end: bytes) -> bytes:
        """Reads up to and with `end`, byte by byte; fails when the stream ends before."""
        data = b""
        while not data.endswith(end):
            piece = self.socket.recv(1)
            if not piece:
                raise AssertionError(f"the stream ended after {data!r}")
            data += piece
        return data

    def exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            piece = self.socket.recv(count - len(data))
            if not piece:
                raise AssertionError(f"the stream ended after {len(data)} of {count} bytes")
            data += piece
        return data

    def response(self) -> Response:
        """One response with a Content-Length, a chunked body, or none."""
        head = self.until(b"\r\n\r\n").decode("latin-1")
        first, *lines = head.rstrip("\r\n").split("\r\n")
        fields = [(name.strip().lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
        named = dict(fields)
        status = int(first.split()[1])
        body = b""
        if named.get("transfer-encoding") == "chunked":
            while size := int(self.until(b"\r\n").split(b";")[0], 16):
                body += self.exactly(size)
                self.exactly(2)
            while self.until(b"\r\n") != b"\r\n":
                pass
        elif "content-length" in named and status not in (204, 304):
            body = self.exactly(int(named["content-length"]))
        return Response(status, named, body, fields)

    def is_closed(self) -> bool:
        """Waits for the other side to end the stream."""
        with contextlib.suppress(ConnectionResetError):
            return self.socket.recv(1) == b""
        return True


def raw(port: int, data: bytes, **options) -> bytes:
    """Sends bytes, returns everything that comes back until the end."""
    with RawSocket(port, **options) as connection:
        return connection.send(data).until_close()


def refuse_findings(text: str) -> None:
    """Fails when a sanitizer said something in a program's output."""
    if SANITIZED and re.search(r"(Address|Leak|Thread|UndefinedBehavior)Sanitizer|runtime error:", text):
        raise AssertionError(text)


class Child:
    """A process of the test's own with its output in a file."""

    def __init__(self, command: list[str], log: pathlib.Path, env: dict[str, str] | None = None):
        self.log = log
        with log.open("ab") as output:
            self.process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT,
                                            env={**os.environ, **(env or {})})

    def running(self) -> bool:
        return self.process.poll() is None

    def stop(self, number: int = signal.SIGTERM, patience: float | None = None) -> int:
        """Sends the signal and waits for the end; the exit code (negative: the signal that killed it)."""
        if self.running():
            self.process.send_signal(number)
        return self.wait(patience)

    def wait(self, patience: float | None = None) -> int:
        try:
            return self.process.wait(patience or PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"the process did not end:\n{self.log.read_text(errors='replace')}") from None

    def kill(self) -> None:
        """Ends it at once, whatever it is doing; fails when a sanitizer said something while it ran."""
        if self.running():
            self.process.kill()
        self.process.wait()
        refuse_findings(self.log.read_text(errors="replace") if self.log.exists() else "")


class Headgate:
    """A running headgate on a configuration: a text, or {file name: text} for a directory.

    In the text, {port:NAME} is a free port (the same for the same NAME), {dir} the configuration's folder. Unless the
    text has them, admin, metrics, accessLog (to access.log) and a drain without lame duck are added.

        with Headgate(config) as headgate:
            request(headgate.port("web"), "/")
    """

    def __init__(self, config: str | dict[str, str], *, env: dict[str, str] | None = None, defaults: bool = True,
                 wait: bool = True, files: dict[str, str] | None = None, wrapper: tuple[str, ...] = ()):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="hg-e2e-"))
        self.directory = self.root / "config"
        self.directory.mkdir()
        self.is_directory = isinstance(config, dict)
        self.main_file = self.directory / "headgate.yaml"
        self.access_log = self.root / "access.log"
        self._ports: dict[str, int] = {}
        self._defaults = defaults
        for name, text in (files or {}).items():
            (self.directory / name).write_text(text)
        for name, text in (config if isinstance(config, dict) else {"headgate.yaml": config}).items():
            self.write(text, name)
        path = self.directory if self.is_directory else self.main_file
        self.child = Child([*wrapper, HEADGATE, "run", "--config", str(path)], self.root / "headgate.log", env)
        if wait:
            try:
                self.wait_ready()
            except AssertionError:
                self.close()
                raise

    def __enter__(self) -> "Headgate":
        return self

    def __exit__(self, *_):
        self.close()

    # ---- configuration

    def port(self, name: str = "web") -> int:
        if name not in self._ports:
            self._ports[name] = free_port()
        return self._ports[name]

    @property
    def admin(self) -> int:
        return self.port("admin")

    @property
    def metrics(self) -> int:
        return self.port("metrics")

    def expand(self, text: str, name: str = "headgate.yaml") -> str:
        text = re.sub(r"\{port:([\w-]+)\}", lambda match: str(self.port(match[1])), text)
        text = text.replace("{dir}", str(self.directory))
        if name != "headgate.yaml" or not self._defaults:
            return text
        for key, value in (("admin", f"{{address: 127.0.0.1:{self.admin}}}"),
                           ("metrics", f"{{address: 127.0.0.1:{self.metrics}}}"),
                           ("accessLog", f"{{to: {self.access_log}}}"),
                           ("drain", "{lameDuck: 0s, timeout: 10s}"),
                           ("workers", "2")):
            if not re.search(rf"^{key}:", text, re.MULTILINE):
                text += f"\n{key}: {value}"
        return text + "\n"

    def write(self, text: str, name: str = "headgate.yaml") -> str:
        """Rewrites a file in place; the expanded text."""
        expanded = self.expand(text, name)
        (self.directory / name).write_text(expanded)
        return expanded

    # ---- the process

    @property
    def pid(self) -> int:
        return self.child.process.pid

    def wait_ready(self) -> None:
        def ready() -> bool:
            if not self.child.running():
                raise RuntimeError(f"headgate ended with {self.child.process.returncode}:\n{self.logs()}")
            return request(self.metrics, "/readyz", timeout=1).status == 200
        try:
            wait_until(ready, "headgate to be ready")
        except (AssertionError, RuntimeError) as error:
            self.close()
            raise AssertionError(f"{error}\n") from None

    def logs(self) -> str:
        return self.child.log.read_text(errors="replace") if self.child.log.exists() else ""

    def access_lines(self) -> list[dict]:
        text = self.access_log.read_text()
        whole = text[:text.rfind("\n") + 1]  # a line may be on its way into the file
        return [json.loads(line) for line in whole.splitlines()]

    def reload(self) -> Response:
        """POST /reload: returns when it was applied or refused (200, 409, 422, 503)."""
        return request(self.admin, "/reload", "POST")

    def apply(self, text: str, name: str = "headgate.yaml") -> Response:
        """Rewrites a file and reloads; fails unless it was taken."""
        self.write(text, name)
        answer = self.reload()
        if answer.status != 200:
            raise AssertionError(f"reload: {answer.status} {answer.text}")
        return answer

    def send_signal(self, number: int) -> None:
        self.child.process.send_signal(number)

    def stop(self, number: int = signal.SIGTERM, patience: float | None = None) -> int:
        return self.child.stop(number, patience)

    def get_json(self, path: str):
        return request(self.admin, path).json()

    def hash(self) -> str:
        return self.get_json("/config")["hash"]

    def scrape(self) -> str:
        return request(self.metrics, "/metrics").text

    def metric(self, name: str, **labels: str) -> float:
        """The sum of the samples with these labels (others may have any value); 0 when there is none."""
        total = 0.0
        for line in self.scrape().splitlines():
            match = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)(?: \d+)?", line)
            if not match or match[1] != name:
                continue
            found = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', match[2] or ""))
            if all(found.get(key) == value for key, value in labels.items()):
                total += float(match[3])
        return total

    def close(self) -> None:
        self.child.kill()
        shutil.rmtree(self.root, ignore_errors=True)


class Nginx:
    """A real nginx with named servers: {name: body of a server block}; each listens on a free port of loopback.

        with Nginx({"v1": 'location / { return 200 "v1\\n"; }'}) as nginx:
            nginx.port("v1")
    """

    def __init__(self, servers: dict[str, str], *, http: str = "", files: dict[str, bytes] | None = None,
                 listen: dict[str, str] | None = None):
        """listen: more words for a server's listen directive, "http2"."""
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="hg-nginx-"))
        self.root.chmod(0o755)
        self.www = self.root / "www"
        self.www.mkdir()
        for name, content in (files or {}).items():
            (self.www / name).write_bytes(content)
        self._ports = {name: free_port() for name in servers}
        blocks = "".join(f"  server {{ listen 127.0.0.1:{self._ports[name]} backlog=4096 reuseport {(listen or {}).get(name, '')}; "
                         f"root {self.www}; {body} }}\n" for name, body in servers.items())
        temporary = "".join(f"  {kind}_temp_path {self.root}/{kind};\n"
                            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        user = "user root;\n" if os.geteuid() == 0 else ""
        (self.root / "nginx.conf").write_text(
            f"{user}daemon off;\nmaster_process on;\nworker_processes 1;\npid {self.root}/nginx.pid;\n"
            f"error_log {self.root}/error.log warn;\nevents {{ worker_connections 4096; }}\n"
            f"http {{\n  access_log off;\n  keepalive_requests 1000000;\n  keepalive_timeout 65s;\n{temporary}{http}\n{blocks}}}\n")
        self.start()

    def start(self) -> None:
        self.child = Child([need("nginx"), "-p", str(self.root), "-e", str(self.root / "error.log"),
                            "-c", str(self.root / "nginx.conf")], self.root / "out.log")
        for name, port in self._ports.items():
            wait_until(lambda port=port: socket.create_connection(("127.0.0.1", port), 1).close() or True,
                       f"nginx's server {name}\n{self.child.log.read_text()}")

    def __enter__(self) -> "Nginx":
        return self

    def __exit__(self, *_):
        self.close()

    def port(self, name: str) -> int:
        return self._ports[name]

    def address(self, name: str) -> str:
        return f"127.0.0.1:{self._ports[name]}"

    def stop(self, number: int = signal.SIGTERM) -> int:
        return self.child.stop(number)

    def close(self) -> None:
        if self.child.running():
            self.child.stop(signal.SIGTERM)
        shutil.rmtree(self.root, ignore_errors=True)


@dataclasses.dataclass
class Load:
    """What wrk counted."""
    requests: int
    seconds: float
    socket_errors: int
    bad_statuses: int  # not 2xx or 3xx
    output: str

    @property
    def failures(self) -> int:
        return self.socket_errors + self.bad_statuses

    @property
    def rate(self) -> float:
        return self.requests / self.seconds if self.seconds else 0.0


class Wrk:
    """wrk in the background; result() waits for its end and parses what it printed."""

    def __init__(self, url: str, seconds: float, connections: int = 16, threads: int = 1,
                 headers: dict[str, str] | None = None, script: str | None = None):
        self.seconds = seconds
        self._script = None
        command = [need("wrk"), "-t", str(threads), "-c", str(connections), "-d", f"{max(1, round(seconds))}s",
                   "--timeout", f"{round(PATIENCE)}s"]
        for name, value in (headers or {}).items():
            command += ["-H", f"{name}: {value}"]
        if script:
            self._script = tempfile.NamedTemporaryFile("w", suffix=".lua", delete=False)
            self._script.write(script)
            self._script.close()
            command += ["-s", self._script.name]
        self.process = subprocess.Popen([*command, url], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def __enter__(self) -> "Wrk":
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
        if self._script:
            os.unlink(self._script.name)

    def running(self) -> bool:
        return self.process.poll() is None

    def stop(self) -> Load:
        """Ends it early (wrk prints its numbers when interrupted)."""
        if self.running():
            self.process.send_signal(signal.SIGINT)
        return self.result()

    def result(self) -> Load:
        output, _ = self.process.communicate(timeout=self.seconds + PATIENCE)
        counted = re.search(r"(\d+) requests in ([\d.]+)(ms|s|m)", output)
        if not counted:
            raise AssertionError(f"wrk said:\n{output}")
        errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", output)
        bad = re.search(r"Non-2xx or 3xx responses: (\d+)", output)
        unit = {"ms": 0.001, "s": 1.0, "m": 60.0}[counted[3]]
        return Load(int(counted[1]), float(counted[2]) * unit, sum(map(int, errors.groups())) if errors else 0,
                    int(bad[1]) if bad else 0, output)


class PythonServer:
    """An HTTP/1.1 server whose answers are Python: handle(handler) with a http.server.BaseHTTPRequestHandler."""

    def __init__(self, handle):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                handle(self)

            do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = do_OPTIONS = do_GET

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            request_queue_size = 512
            daemon_threads = True

            def handle_error(self, *_):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.address = f"127.0.0.1:{self.port}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()

    def __enter__(self) -> "PythonServer":
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def send_text(handler, text: str, status: int = 200, headers: dict[str, str] | None = None) -> None:
    """An answer with Content-Length, for PythonServer's handle()."""
    body = text.encode()
    handler.send_response(status)
    for name, value in (headers or {}).items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    if handler.command != "HEAD":
        handler.wfile.write(body)


class RawServer:
    """A TCP server that runs serve(socket) in a thread for each connection."""

    def __init__(self, serve):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        self.accepted = 0
        self._serve = serve
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                self.accepted += 1
                threading.Thread(target=self._run, args=(connection,), daemon=True).start()

    def _run(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            self._serve(connection)

    def __enter__(self) -> "RawServer":
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def self_signed(folder: pathlib.Path | str, names: list[str], stem: str = "tls", days: int = 30) -> tuple[str, str]:
    """A certificate and its key by openssl; their paths."""
    certificate, key = f"{folder}/{stem}.crt", f"{folder}/{stem}.key"
    alternatives = ",".join(f"IP:{name}" if re.fullmatch(r"[\d.]+", name) else f"DNS:{name}" for name in names)
    subprocess.run([need("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-keyout", key, "-out", certificate, "-days", str(days), "-subj", f"/CN={names[0]}",
                    "-addext", f"subjectAltName={alternatives}"], check=True, capture_output=True)
    return certificate, key


def run_headgate(*arguments: str, env: dict[str, str] | None = None, patience: float | None = None):
    """One run of the binary to its end: CompletedProcess with stdout, stderr, returncode."""
    result = subprocess.run([HEADGATE, *arguments], capture_output=True, text=True, check=False,
                            timeout=patience or PATIENCE, env={**os.environ, **(env or {})})
    refuse_findings(result.stderr)
    return result
