"""Operating system resources: cores and memory within the container's limits, open files, memory of the C library."""

import ctypes
import os
import sys
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")
WORKER_BYTES = 1_500_000_000  # TensorFlow's 0.6 GB and the planes of a large image

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h of glibc
PR_SET_DUMPABLE = 4  # linux/prctl.h


def count_cores() -> int:
    """Cores that this process may run on, or the container's CPU quota, rounded up."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota, _, period = read_line(CGROUP / "cpu.max").partition(" ")
    if quota.isdigit() and period.isdigit():
        cores = min(cores, -(-int(quota) // int(period)))
    return max(1, cores)


def find_memory_bytes() -> int:
    """The machine's memory, or the container's limit if that is less."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = read_line(CGROUP / "memory.max")
    return min(memory, int(limit)) if limit.isdigit() else memory


def choose_worker_count() -> int:
    """One process per core, limited by memory."""
    return max(1, min(count_cores(), find_memory_bytes() // WORKER_BYTES))


def find_resident_bytes(pid: int) -> int:
    """Resident memory of a process, shared pages included; 0 if it has ended, or on systems without /proc."""
    pages = read_line(Path(f"/proc/{pid}/statm")).split()
    return int(pages[1]) * os.sysconf("SC_PAGE_SIZE") if len(pages) > 1 else 0


def keep_freed_memory() -> None:
    """Let this process keep freed memory for its next image; a new page from the system costs a microsecond.

    Blocks of 32 MB or more still return at once. Does nothing if the C library is not glibc.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt:
        mallopt(M_MMAP_THRESHOLD, 32 * 2**20)
        mallopt(M_TRIM_THRESHOLD, 64 * 2**20)


def return_freed_memory() -> None:
    """Return fragmented free memory to the system: tens of MB after thousands of images of different sizes."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim:
        trim(0)


def forbid_inspection() -> None:
    """Prevent other processes of the same user from inspecting this process.

    On Linux they can no longer read its environment (/proc/PID/environ) and memory (/proc/PID/mem), trace it, or get a
    core dump of it (prctl(2), PR_SET_DUMPABLE). The process keeps this until its end; its child programs start without
    it. It does not stop root, and it protects no files: a token file needs permissions of its own. Does nothing on
    other systems. Raises OSError if the kernel refuses.
    """
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def read_line(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def raise_file_limit(wanted: int) -> int:
    """Raise the limit of open files to `wanted`, or as far as the hard limit allows. Returns the new limit."""
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
