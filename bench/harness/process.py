"""Processes of the benchmark: started pinned to a core, measured from /proc, ended by their ids."""

import os
import pathlib
import resource
import signal
import socket
import subprocess
import time

TICKS = os.sysconf("SC_CLK_TCK")


class BenchError(Exception):
    """Something that the user has to know, without a traceback."""


def raise_file_limit() -> int:
    """Lifts the soft limit of open files to the hard one; children inherit it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def cores() -> tuple[int, int]:
    """The proxy's core and the one of the client and the upstream."""
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        raise BenchError("two cores are needed: one for the proxy, one for the client and the upstream")
    return allowed[0], allowed[1]


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that nobody listens on, below the range of outgoing connections."""
    found: list[int] = []
    first = 20000 + os.getpid() * 50 % 10000  # two runs at a time look in different places
    for port in range(first, 32000):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    raise BenchError("no free ports")


class Cpu:
    """CPU time so far: total in nanoseconds (exact), and the kernel's split into user and system (sampled ticks)."""

    def __init__(self, total: int = 0, user: int = 0, system: int = 0):
        self.total, self.user, self.system = total, user, system

    def __sub__(self, other: "Cpu") -> "Cpu":
        return Cpu(self.total - other.total, self.user - other.user, self.system - other.system)


class Process:
    """A command in a session of its own; its descendants are measured and ended with it."""

    def __init__(self, command: list[str], core: int, log: pathlib.Path, env: dict[str, str] | None = None):
        self.command, self.log = command, log
        with open(log, "ab") as out:
            self.child = subprocess.Popen(
                ["taskset", "-c", str(core), *command], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                start_new_session=True, env={**os.environ, **(env or {})})

    @property
    def pid(self) -> int:
        return self.child.pid

    def pids(self) -> list[int]:
        """The process and its descendants: by session, which no peer leaves."""
        found = []
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                try:
                    if os.getsid(int(entry)) == self.pid:
                        found.append(int(entry))
                except ProcessLookupError:
                    pass
        return found

    def cpu(self) -> Cpu:
        total, user, system = 0, 0, 0
        for pid in self.pids():
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            user += int(fields[11])
            system += int(fields[12])
            for task in os.listdir(f"/proc/{pid}/task"):
                try:
                    total += int(pathlib.Path(f"/proc/{pid}/task/{task}/schedstat").read_text().split()[0])
                except (FileNotFoundError, ProcessLookupError):
                    pass
        if total == 0:  # a kernel without schedstat
            total = (user + system) * 1_000_000_000 // TICKS
        return Cpu(total, user, system)

    def memory(self) -> int:
        """Proportional set size in bytes."""
        total = 0
        for pid in self.pids():
            for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
        return total

    def alive(self) -> bool:
        return self.child.poll() is None

    def wait_for_port(self, port: int, seconds: float = 20) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not self.alive():
                break
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.05)
        tail = self.log.read_text(errors="replace")[-2000:]
        raise BenchError(f"{self.command[0]} does not listen on port {port}:\n{tail}")

    def stop(self, seconds: float = 8) -> None:
        """TERM, then KILL, to the process and then to what it left behind."""
        for sign, patience in ((signal.SIGTERM, seconds), (signal.SIGKILL, 5)):
            for pid in self.pids():
                try:
                    os.kill(pid, sign)
                except ProcessLookupError:
                    pass
            try:
                self.child.wait(patience)
            except subprocess.TimeoutExpired:
                continue
            if not self.pids():
                return
