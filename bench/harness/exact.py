"""Figures that a noisy machine does not change: instructions and system calls per request."""

import pathlib
import re
import shutil
import subprocess
import sys
import time

from harness.load import CLIENT, pinned
from harness.peers import Peer
from harness.process import BenchError


def send(peer: Peer, count: int, connections: int, core: int, seconds: int) -> None:
    command = pinned(core, [sys.executable, str(CLIENT), "requests", str(peer.plain), "/small", str(count), str(connections)])
    result = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
    if result.returncode != 0:
        raise BenchError(f"requests to {peer.name}: {result.stderr[-1000:]}")


def instructions(peer: Peer, cores: tuple[int, int], few: int = 2000, many: int = 12000, connections: int = 64) -> float:
    """User instructions per small keep-alive request: the slope between two numbers of requests, under callgrind."""
    if not shutil.which("valgrind"):
        raise BenchError("valgrind is missing: ./dev setup bench")
    counts = []
    for requests in (few, many):
        out = peer.directory / f"callgrind.{peer.name}.{requests}"
        log = peer.directory / f"callgrind.{peer.name}.{requests}.log"
        peer.start(cores[0], ["valgrind", "--tool=callgrind", "--fair-sched=yes", f"--callgrind-out-file={out}", f"--log-file={log}"], 120)
        try:
            send(peer, requests, connections, cores[1], 300)
        finally:
            peer.stop(30)
        collected = re.search(r"Collected : (\d+)", log.read_text())
        if not collected:
            raise BenchError(f"callgrind has no result for {peer.name}: {log.read_text()[-1000:]}")
        counts.append(int(collected[1]))
    return (counts[1] - counts[0]) / (many - few)


def system_calls(peer: Peer, cores: tuple[int, int], count: int = 20000, connections: int = 64) -> dict[str, float]:
    """System calls per small keep-alive request, by name; counted by strace, which slows the peer and thereby favours batches."""
    if not shutil.which("strace"):
        raise BenchError("strace is missing: ./dev setup bench")
    send(peer, 2000, connections, cores[1], 60)
    out = peer.directory / f"strace.{peer.name}"
    command = ["strace", "-c", "-f", "-q", "-o", str(out)]
    for pid in peer.process.pids():
        command += ["-p", str(pid)]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as tracer:
        time.sleep(1)
        if tracer.poll() is not None:
            raise BenchError(f"strace: {tracer.stderr.read().decode(errors='replace')}")
        try:
            send(peer, count, connections, cores[1], 120)
        finally:
            tracer.terminate()
            tracer.wait(20)
    return parse_strace(out, count)


def parse_strace(path: pathlib.Path, count: int) -> dict[str, float]:
    found: dict[str, float] = {}
    for line in path.read_text().splitlines():
        fields = line.split()
        if len(fields) < 5 or not re.fullmatch(r"[\d.]+", fields[0]) or not fields[3].isdigit():
            continue
        found[fields[-1]] = int(fields[3]) / count
    if "total" not in found:
        raise BenchError(f"strace wrote no summary: {path}")
    return {name: round(value, 3) for name, value in found.items() if value >= 0.005}
