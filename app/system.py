"""What this process may use of the machine: a container may be given less than there is."""

import ctypes
import os
import sys
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")
WORKER_BYTES = 1_500_000_000  # TensorFlow's 0.6 GB and the planes of a large image

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h of glibc


def count_cores() -> int:
    """Cores that this process may run on, or the container's share of them, rounded up."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota, _, period = read_line(CGROUP / "cpu.max").partition(" ")
    if quota.isdigit() and period.isdigit():
        cores = min(cores, -(-int(quota) // int(period)))
    return max(1, cores)


def find_memory_bytes() -> int:
    """The machine's memory, or the container's limit where that is less."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = read_line(CGROUP / "memory.max")
    return min(memory, int(limit)) if limit.isdigit() else memory


def choose_worker_count() -> int:
    """A process for each core, as far as the memory goes."""
    return max(1, min(count_cores(), find_memory_bytes() // WORKER_BYTES))


def find_resident_bytes(pid: int) -> int:
    """Memory of a process, pages that it shares with others included; 0 where that is not told, or it has ended."""
    pages = read_line(Path(f"/proc/{pid}/statm")).split()
    return int(pages[1]) * os.sysconf("SC_PAGE_SIZE") if len(pages) > 1 else 0


def keep_freed_memory() -> None:
    """Let this process keep what it has freed for its next image; a page anew from the system costs a microsecond.

    Blocks of 32 MB and more still go back at once. Does nothing where the C library is not glibc.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt:
        mallopt(M_MMAP_THRESHOLD, 32 * 2**20)
        mallopt(M_TRIM_THRESHOLD, 64 * 2**20)


def return_freed_memory() -> None:
    """Give the system back what lies free between what is used; it is tens of MB after thousands of unlike images."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim:
        trim(0)


def read_line(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def raise_file_limit(wanted: int) -> int:
    """Let this process open as many files as wanted, as far as it may. Returns how many it may open now."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return wanted
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return wanted
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    return allowed
