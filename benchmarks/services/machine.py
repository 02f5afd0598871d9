"""What the machine is, and what a server's process tree takes of it."""

import contextlib
import os
import platform
import re
import time
from pathlib import Path
from typing import NamedTuple

PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")
IDLE_SHARE, IDLE_SECONDS, IDLE_WITHIN_SECONDS = 0.93, 0.3, 60


class Usage(NamedTuple):
    cpu_s: float
    """User and system, of processes that have ended, too."""
    peak_mb: float
    """Resident: the sum of each process's peak since `reset_peaks`. What processes share counts for each."""
    rss_mb: float


def describe_machine() -> dict[str, str | int | float]:
    model = re.search(r"model name\s*: (.*)", (PROC / "cpuinfo").read_text())
    return {
        "cpu": model.group(1).strip() if model else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
    }


def wait_until_idle() -> None:
    """Until the machine does next to nothing. Raises RuntimeError where it goes on working.

    Some servers work on for seconds after the load has gone, on what nobody waits for, and would take it from the next.
    """
    end = time.monotonic() + IDLE_WITHIN_SECONDS
    while time.monotonic() < end:
        before = read_cpu_ticks()
        time.sleep(IDLE_SECONDS)
        idle, total = (after - earlier for earlier, after in zip(before, read_cpu_ticks(), strict=True))
        if total and idle / total >= IDLE_SHARE:
            return
    raise RuntimeError(f"Other programs still kept the machine busy after {IDLE_WITHIN_SECONDS} s.")


def read_cpu_ticks() -> tuple[int, int]:
    """(idle, all) of all cores since the machine started."""
    fields = [int(field) for field in (PROC / "stat").read_text().split("\n", 1)[0].split()[1:9]]
    return fields[3] + fields[4], sum(fields)


def list_tree(pid: int) -> list[int]:
    """A process and all below it."""
    children: dict[int, list[int]] = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                children.setdefault(int(read_stat(int(entry.name))[1]), []).append(int(entry.name))
    tree, pending = [], [pid]
    while pending:
        one = pending.pop()
        tree.append(one)
        pending += children.get(one, [])
    return tree


def read_stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat behind the name."""
    return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()


def measure_tree(pid: int) -> Usage:
    cpu_s = peak_mb = rss_mb = 0.0
    for one in list_tree(pid):
        with contextlib.suppress(OSError):  # it may just have ended
            cpu_s += sum(int(field) for field in read_stat(one)[11:15]) / TICKS
            status = (PROC / str(one) / "status").read_text()
            peak_mb += read_mb(status, "VmHWM")
            rss_mb += read_mb(status, "VmRSS")
    return Usage(cpu_s, peak_mb, rss_mb)


def read_mb(status: str, field: str) -> float:
    found = re.search(rf"{field}:\s*(\d+) kB", status)
    return int(found.group(1)) * 1024 / 1e6 if found else 0.0


def reset_peaks(pid: int) -> None:
    """Let the peaks of resident memory begin anew at what is resident now."""
    for one in list_tree(pid):
        with contextlib.suppress(OSError):
            (PROC / str(one) / "clear_refs").write_text("5")
