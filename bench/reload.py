"""How long a change of one weight takes to be in effect, from the swap of `..data`, and what the process spends on it.

usage: bench/reload.py [--routes N] [--files N] [--certificates N] [--runs N] [BINARY]
"""

import argparse
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from harness.process import free_ports

ROOT = pathlib.Path(__file__).resolve().parent.parent


def write_certificates(folder: pathlib.Path, count: int) -> None:
    """One key for all: what is measured is reading and parsing."""
    folder.mkdir()
    for n in range(count):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-days", "30", "-subj", f"/CN=h{n}.example.com", "-addext",
                        f"subjectAltName=DNS:h{n}.example.com", "-keyout", folder / f"{n}.key", "-out",
                        folder / f"{n}.crt"], check=True, capture_output=True)


def main_file(ports: list[int], certificates: int) -> str:
    pairs = "\n".join(f"        - {{certFile: certs/{n}.crt, keyFile: certs/{n}.key}}" for n in range(certificates))
    tls = f"  - name: secure\n    address: 127.0.0.1:{ports[1]}\n    tls:\n      certificates:\n{pairs}\n" if pairs else ""
    return (f"workers: 2\nadmin: {{address: 127.0.0.1:{ports[2]}}}\nmetrics: none\naccessLog: {{to: off}}\n"
            f"fileRoots: [..]\nlisteners:\n  - {{name: web, address: 127.0.0.1:{ports[0]}}}\n{tls}")


def routes_file(number: int, routes: int, weight: int) -> str:
    upstreams = "".join(f"  u{number}-{n}: {{endpoints: [\"127.0.0.1:{1024 + n}\"]}}\n" for n in range(2))
    lines = [f"upstreams:\n{upstreams}routes:\n"]
    for n in range(routes):
        lines.append(f"  - name: r{number}-{n}\n    hostnames: [h{number}.example.com]\n"
                     f"    matches: [{{path: {{prefix: /p{n}}}}}]\n    backends:\n"
                     f"      - {{upstream: u{number}-0, weight: {weight if n == 0 else 90}}}\n"
                     f"      - {{upstream: u{number}-1, weight: 10}}\n")
    return "".join(lines)


class Volume:
    """A folder as a ConfigMap mounts it: every version is a folder of its own behind `..data`."""

    def __init__(self, folder: pathlib.Path, ports: list[int], options: argparse.Namespace):
        self.folder, self.ports, self.options = folder, ports, options
        self.version = 0
        self.swap()
        for path in sorted((folder / "..data").iterdir()):
            (folder / path.name).symlink_to(f"..data/{path.name}")

    def prepare(self) -> pathlib.Path:
        self.version += 1
        new = self.folder / f"..v{self.version}"
        new.mkdir()
        (new / "headgate.yaml").write_text(main_file(self.ports, self.options.certificates))
        each = self.options.routes // self.options.files
        for number in range(self.options.files):
            weight = 50 + self.version % 40 if number == 0 else 90
            (new / f"team{number}.yaml").write_text(routes_file(number, each, weight))
        return new

    def swap(self) -> float:
        new = self.prepare()
        link = self.folder / "..next"
        link.symlink_to(new.name)
        at = time.monotonic()
        link.rename(self.folder / "..data")
        return at


def cpu_milliseconds(pid: int) -> dict[str, float]:
    """Of each thread, by its name and number."""
    return {f"{(task / 'comm').read_text().strip()}-{task.name}": int((task / "schedstat").read_text().split()[0]) / 1e6
            for task in pathlib.Path(f"/proc/{pid}/task").iterdir()}


def wait_for_line(log: pathlib.Path, count: int) -> str:
    """The log's line of that number that says that a configuration is in force."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        lines = [line for line in log.read_text().splitlines() if " in force: generation" in line]
        if len(lines) >= count:
            return lines[count - 1]
        time.sleep(0.001)
    raise SystemExit(f"nothing came into force:\n{log.read_text()[-2000:]}")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--routes", type=int, default=10_000)
    parser.add_argument("--files", type=int, default=100)
    parser.add_argument("--certificates", type=int, default=50)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("binary", nargs="?", default=ROOT / "build/release/headgate")
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="headgate-reload-"))
    process = None
    try:
        (folder / "config").mkdir()
        write_certificates(folder / "config/certs", options.certificates)
        volume = Volume(folder / "config", free_ports(3), options)
        log = folder / "log"
        with open(log, "wb") as out:
            process = subprocess.Popen([options.binary, "run", "--config", folder / "config"], stdin=subprocess.DEVNULL,
                                       stdout=out, stderr=out)
        wait_for_line(log, 1)
        took, cpu, of_worker = [], [], []
        for run in range(options.runs):
            time.sleep(1.2)
            before = cpu_milliseconds(process.pid)
            at = volume.swap()
            line = wait_for_line(log, run + 2)
            took.append((time.monotonic() - at) * 1e3)
            time.sleep(0.3)
            spent = {name: value - before.get(name, 0) for name, value in cpu_milliseconds(process.pid).items()}
            cpu.append(sum(spent.values()))
            of_worker.append(max(value for name, value in spent.items() if name.startswith("worker")))
            print(f"{took[-1]:7.1f} ms, {cpu[-1]:7.1f} ms of CPU, {of_worker[-1]:.2f} ms of them of a worker; "
                  f"{line.split('in force: ')[1]}")
        print(f"{options.routes} routes in {options.files} files, {options.certificates} certificates: "
              f"median {statistics.median(took):.1f} ms after the swap, {statistics.median(cpu):.1f} ms of CPU, "
              f"{statistics.median(of_worker):.2f} ms (at most {max(of_worker):.2f} ms) of the busiest worker")
        return 0
    finally:
        if process is not None:
            process.terminate()
            process.wait()
        shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
