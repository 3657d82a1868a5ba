"""Medians, ratios to nginx, and the tables of the results."""

import json
import pathlib
import platform
import statistics
import time

from harness.load import SCENARIOS


def machine() -> dict[str, object]:
    cpu = [line for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return {"kernel": platform.release(), "cpu": cpu[0].split(":", 1)[1].strip() if cpu else "unknown", "cores": len(cpu),
            "load_average": pathlib.Path("/proc/loadavg").read_text().split()[0],
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}


def value_of(result: dict[str, float]) -> float:
    return result["cpu_us"] if "cpu_us" in result else result["bytes"]


def summarise(rounds: dict[str, list[dict[str, float]]], reference: str = "nginx") -> dict[str, dict[str, float]]:
    """Medians per peer; the ratio is the median of each round's own ratio, as rounds are neighbours in time."""
    summary = {}
    for peer, results in rounds.items():
        entry = {key: statistics.median(result[key] for result in results)
                 for key in ("cpu_us", "user_us", "system_us", "per_second", "busy", "p50_us", "p99_us", "bytes")
                 if all(key in result for result in results)}
        if reference in rounds:
            ratios = [value_of(mine) / value_of(theirs) for mine, theirs in zip(results, rounds[reference])
                      if value_of(theirs) > 0]
            if ratios:
                entry["ratio"] = round(statistics.median(ratios), 3)
                entry["ratio_low"], entry["ratio_high"] = round(min(ratios), 3), round(max(ratios), 3)
        entry["failed"] = sum(result.get("failed", 0) for result in results)
        summary[peer] = entry
    return summary


def cpu_table(summaries: dict[str, dict[str, dict[str, float]]]) -> list[str]:
    lines = ["| | proxy | CPU us per request (user + system) | ratio to nginx (rounds) | requests/s | core busy |",
             "|---|---|---|---|---|---|"]
    for scenario in SCENARIOS:
        title = scenario.title
        for peer, entry in summaries.get(scenario.name, {}).items():
            if "cpu_us" not in entry:
                continue
            spread = f"**{entry['ratio']:.2f}** ({entry['ratio_low']:.2f} - {entry['ratio_high']:.2f})" if "ratio" in entry else "-"
            failed = f" ({entry['failed']} failed)" if entry["failed"] else ""
            lines.append(f"| {title} | {peer} | {entry['cpu_us']:.1f} ({entry['user_us']:.1f} + {entry['system_us']:.1f}) | "
                         f"{spread} | {entry['per_second']:,.0f}{failed} | {entry['busy'] * 100:.0f}% |")
            title = ""
    return lines if len(lines) > 2 else []


def memory_table(summaries: dict[str, dict[str, dict[str, float]]]) -> list[str]:
    found = [scenario for scenario in SCENARIOS if scenario.kind == "idle" and scenario.name in summaries]
    if not found:
        return []
    peers = list(summaries[found[0].name])
    lines = ["| KB per connection | " + " | ".join(peers) + " |", "|---" * (len(peers) + 1) + "|"]
    for scenario in found:
        cells = [f"{summaries[scenario.name][peer]['bytes'] / 1000:.1f}" if peer in summaries[scenario.name] else "-"
                 for peer in peers]
        lines.append(f"| {scenario.title} | " + " | ".join(cells) + " |")
    return lines


def exact_table(exact: dict[str, dict[str, object]]) -> list[str]:
    if not exact:
        return []
    lines = ["| small keep-alive GET | user instructions per request | system calls per request |", "|---|---|---|"]
    for peer, entry in exact.items():
        instructions = f"{entry['instructions']:,.0f}" if "instructions" in entry else "-"
        calls = entry.get("system_calls", {})
        named = ", ".join(f"{name} {count:.2f}" for name, count in calls.items() if name != "total")
        lines.append(f"| {peer} | {instructions} | {calls.get('total', 0):.2f} ({named}) |")
    return lines


def markdown(result: dict[str, object]) -> str:
    facts = result["machine"]
    heading = (f"{facts['cpu']}, {facts['cores']} cores, Linux {facts['kernel']}, {facts['time']}, load {facts['load_average']}; "
               f"{result['rounds']} rounds of {result['seconds']} s; access logs {'on' if result['logs'] else 'off'}; "
               + ", ".join(f"{name} {version}" for name, version in result["versions"].items()))
    tables = [cpu_table(result["summary"]), memory_table(result["summary"]), exact_table(result["exact"])]
    return "\n".join([heading, *("\n" + "\n".join(table) for table in tables if table)]) + "\n"


def save(result: dict[str, object], folder: pathlib.Path) -> pathlib.Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}.json"
    path.write_text(json.dumps(result, indent=1) + "\n")
    path.with_suffix(".md").write_text(markdown(result))
    return path
