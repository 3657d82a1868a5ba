"""Loads a peer and measures what it costs: CPU time per request, memory per idle connection."""

import dataclasses
import json
import pathlib
import re
import subprocess
import sys
import time

from harness.client import BROWSER
from harness.peers import Peer
from harness.process import TICKS, BenchError

HERE = pathlib.Path(__file__).resolve().parent
SCRIPT = HERE.parent / "peers" / "browser.lua"
CLIENT = HERE / "client.py"


@dataclasses.dataclass(frozen=True)
class Scenario:
    name: str
    title: str
    path: str = "/small"
    connections: int = 64
    tls: bool = False
    close: bool = False
    kind: str = "wrk"  # wrk | h2load | handshakes | idle
    streams: int = 0  # h2load: requests of a connection at one time
    message: bool = False  # h2load: POSTs a message instead of asking for a page
    peers: tuple[str, ...] = ("headgate", "nginx", "haproxy", "envoy")


ALL = ("headgate", "nginx", "haproxy", "h2o", "envoy")
# The gRPC-like message: no compression, 32 bytes (a length of four bytes before them).
MESSAGE = b"\0" + (32).to_bytes(4, "big") + b"a message of thirty-two bytes..."

SCENARIOS = [
    Scenario("small", "small GET, keep-alive"),
    Scenario("10k", "10 KiB, keep-alive", path="/10k"),
    Scenario("1m", "1 MiB, keep-alive", path="/1m", connections=16),
    Scenario("close", "new connection per request", close=True),
    Scenario("tls", "small GET, TLS 1.3 keep-alive", tls=True),
    Scenario("handshake", "TLS 1.3 full handshake per request", connections=4, tls=True, close=True, kind="handshakes"),
    Scenario("h2", "small GET, HTTP/2 over TLS 1.3, 8 x 32 streams", tls=True, kind="h2load", connections=8, streams=32,
             peers=ALL),
    Scenario("h2c", "small GET, HTTP/2 in the clear, 8 x 32 streams", kind="h2load", connections=8, streams=32, peers=ALL),
    Scenario("grpc", "gRPC-like unary, HTTP/2 both sides, 8 x 32 streams", path="/bench.Echo/Unary", kind="h2load", connections=8,
             streams=32, message=True),
    Scenario("idle", "memory per idle connection", connections=5000, kind="idle"),
    Scenario("idle-tls", "memory per idle TLS connection", connections=2000, tls=True, kind="idle"),
    Scenario("idle-h2", "memory per idle HTTP/2 connection over TLS", connections=2000, tls=True, kind="idle", streams=1, peers=ALL),
]


def pinned(core: int, command: list[str]) -> list[str]:
    return ["taskset", "-c", str(core), *command]


def run_wrk(peer: Peer, scenario: Scenario, seconds: int, core: int) -> dict[str, int]:
    url = f"http{'s' if scenario.tls else ''}://127.0.0.1:{peer.tls if scenario.tls else peer.plain}{scenario.path}"
    command = pinned(core, ["wrk", "-t1", f"-c{scenario.connections}", f"-d{seconds}s", "--timeout", "10s",
                            "-s", str(SCRIPT), url])
    result = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60, check=False,
                            env={"PATH": "/usr/local/bin:/usr/bin:/bin", **({"BENCH_CLOSE": "1"} if scenario.close else {})})
    line = next((text for text in result.stdout.splitlines() if text.startswith("@@")), None)
    if line is None:
        raise BenchError(f"wrk on {peer.name} said: {result.stdout}{result.stderr}")
    found = json.loads(line[2:])
    failed = found["connect"] + found["status"] + found["timeout"] + found["write"]
    # wrk counts the end of a connection that the server closes as a read error where it has not seen the end coming.
    failed += 0 if scenario.close else found["read"]
    return {"requests": found["requests"], "failed": failed, "seconds": found["duration_us"] / 1e6,
            "p50_us": found["p50_us"], "p99_us": found["p99_us"]}


def fields_of(scenario: Scenario) -> list[str]:
    """What a browser or a gRPC client sends besides; HTTP/2 has no Connection."""
    headers = ({"content-type": "application/grpc", "te": "trailers", "grpc-timeout": "10S", "user-agent": "grpc-c++/1.60.0"}
               if scenario.message else {name.lower(): value for name, value in BROWSER.items() if name != "Host"})
    return [word for name, value in headers.items() for word in ("-H", f"{name}: {value}")]


def run_h2load(peer: Peer, scenario: Scenario, seconds: int, core: int) -> dict[str, int]:
    url = f"http{'s' if scenario.tls else ''}://127.0.0.1:{peer.tls if scenario.tls else peer.h2c}{scenario.path}"
    command = ["h2load", "-t1", f"-c{scenario.connections}", f"-m{scenario.streams}", f"-D{seconds}", *fields_of(scenario)]
    if scenario.message:
        message = peer.directory / "message"
        message.write_bytes(MESSAGE)
        command += ["-d", str(message)]
    result = subprocess.run(pinned(core, [*command, url]), capture_output=True, text=True, timeout=seconds + 60, check=False)
    done = re.search(r"requests: \d+ total, .* (\d+) succeeded, (\d+) failed, \d+ errored, \d+ timeout", result.stdout)
    statuses = re.search(r"status codes: \d+ 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx", result.stdout)
    protocol = re.search(r"Application protocol: (\S+)", result.stdout)
    if not done or not statuses or not protocol or not protocol[1].startswith("h2"):
        raise BenchError(f"h2load on {peer.name} said: {result.stdout}{result.stderr}")
    # At the end of its time h2load leaves what is under way, which may have a status already.
    refused = sum(map(int, statuses.groups()))
    return {"requests": int(done[1]) - refused, "failed": int(done[2]) + refused, "seconds": float(seconds)}


def run_handshakes(peer: Peer, scenario: Scenario, seconds: int, core: int) -> dict[str, int]:
    command = pinned(core, [sys.executable, str(CLIENT), "handshakes", str(peer.tls), scenario.path, str(seconds),
                            str(scenario.connections)])
    result = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60, check=False)
    if result.returncode != 0:
        raise BenchError(f"handshakes with {peer.name}: {result.stderr[-1000:]}")
    found = json.loads(result.stdout.splitlines()[-1])
    return {"requests": found["requests"], "failed": found["resumed"], "seconds": found["seconds"]}


def measure_cpu(peer: Peer, scenario: Scenario, seconds: int, core: int) -> dict[str, float]:
    """One round: requests, CPU microseconds per request, requests per second, how busy the proxy's core was."""
    run = {"wrk": run_wrk, "h2load": run_h2load, "handshakes": run_handshakes}[scenario.kind]
    before, begin = peer.process.cpu(), time.monotonic()
    found = run(peer, scenario, seconds, core)
    elapsed = time.monotonic() - begin
    used = peer.process.cpu() - before
    if not peer.process.alive():
        raise BenchError(f"{peer.name} ended under load: {peer.process.log.read_text(errors='replace')[-2000:]}")
    peer.truncate_log()
    done = found["requests"]
    if done == 0:
        raise BenchError(f"{peer.name} answered nothing in {scenario.name}")
    # The total is exact; its parts are samples of the kernel's clock (250 to 1000 a second).
    ticks = used.user + used.system
    user = used.user / ticks if ticks else 0
    total = used.total / 1000 / done
    return {**found, "cpu_us": round(total, 3), "user_us": round(total * user, 3),
            "system_us": round(total * (1 - user), 3), "per_second": round(done / found["seconds"]),
            "busy": round(used.total / 1e9 / elapsed, 3), "ticks": ticks, "tick_ms": 1000 / TICKS}


def measure_memory(peer: Peer, scenario: Scenario, core: int) -> dict[str, float]:
    """Proportional set size per idle connection that carried one request, of a freshly started and warmed peer."""
    port = peer.tls if scenario.tls else peer.plain
    warm = pinned(core, [sys.executable, str(CLIENT), "requests", str(peer.plain), scenario.path, "200", "8"])
    result = subprocess.run(warm, capture_output=True, text=True, timeout=60, check=False)
    if result.returncode != 0:
        raise BenchError(f"requests to {peer.name}: {result.stderr[-1000:]}")
    time.sleep(0.5)
    before = peer.process.memory()
    command = pinned(core, [sys.executable, str(CLIENT), "idle", str(port), scenario.path, "0",
                            str(scenario.connections), *(["h2"] if scenario.streams else ["tls"] if scenario.tls else [])])
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as client:
        try:
            if client.stdout.readline().strip() != "ready":
                raise BenchError(f"idle connections to {peer.name}: {client.stderr.read()[-1000:]}")
            time.sleep(1)
            after = peer.process.memory()
        finally:
            client.stdin.close()
            try:
                client.wait(30)
            except subprocess.TimeoutExpired:
                client.kill()
    return {"connections": scenario.connections, "before_bytes": before, "after_bytes": after,
            "bytes": round((after - before) / scenario.connections)}
