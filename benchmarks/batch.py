"""`convserve batch` on this machine and on Ray: images a second, and memory while thousands go through.

    python -m benchmarks.batch [--photos 300] [--small 5000]

Both run as the command does, with a process for each core. Memory is that of the command and everything it started
(proportional set size), looked at when a tenth, half and nine tenths of the results are there.
"""

import argparse
import contextlib
import io
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

MARKS = (0.1, 0.5, 0.9)


def draw_archive(folder: Path, count: int, size: tuple[int, int]) -> None:
    """JPEGs that look like nothing but cost what photographs do."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    for number in range(count):
        coarse = random.integers(0, 256, (size[1] // 8 + 1, size[0] // 8 + 1, 3), np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=90)
        (folder / f"{number:05}.jpg").write_bytes(buffer.getvalue())


def list_tree(root: int) -> set[int]:
    """A process and all that descend from it."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    tree, grown = {root}, True
    while grown:
        more = {pid for pid, parent in parents.items() if parent in tree} - tree
        tree |= more
        grown = bool(more)
    return tree


def measure_memory_mb(root: int) -> float:
    total = 0
    for pid in list_tree(root):
        with contextlib.suppress(OSError):
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


def run(on: str, source: Path, out: Path, count: int) -> str:
    """A row of the table."""
    command = [str(Path(sys.executable).with_name("convserve")), "batch", "--kernel", "gaussian", "--on", on]
    started = time.perf_counter()
    process = subprocess.Popen([*command, "--in", str(source), "--out", str(out)], stderr=subprocess.DEVNULL)
    first_at, memory, done = 0.0, [], 0
    while process.poll() is None:
        done = sum(entry.name.endswith(".jpg") for entry in os.scandir(out)) if out.exists() else 0
        if done and not first_at:
            first_at, first_done = time.perf_counter(), done
        if len(memory) < len(MARKS) and done >= MARKS[len(memory)] * count:
            memory.append(f"{measure_memory_mb(process.pid):.0f}")
        time.sleep(0.05)
    ended = time.perf_counter()
    if process.returncode:
        raise SystemExit(f"--on {on} ended with {process.returncode}")
    rate = (count - first_done) / (ended - first_at)
    return f"| {on} | {count} | {rate:.1f} | {first_at - started:.1f} | {ended - started:.1f} | {', '.join(memory)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=300, help="of 1200 x 800")
    parser.add_argument("--small", type=int, default=5000, help="images of 64 x 48")
    given = parser.parse_args()
    print("| on | images | a second | s until the first | s in all | memory in MB at 10, 50, 90 % |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name, count, size in (("photos", given.photos, (1200, 800)), ("small", given.small, (64, 48))):
            if count:
                draw_archive(Path(folder, name), count, size)
                for on in ("local", "ray"):
                    print(run(on, Path(folder, name), Path(folder, f"{name}-{on}"), count), flush=True)


if __name__ == "__main__":
    main()
