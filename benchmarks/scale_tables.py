"""The tables of docs/engineering/scaling.md, from the files in benchmarks/results/."""

from benchmarks.scale import read_profile, read_sizes, read_validation
from benchmarks.sizing import TARGETS, size_fleet
from benchmarks.validation import CLIENTS_A_WORKER

Table = tuple[list[str], list[list[str]]]
"""Header and rows."""


def list_costs() -> Table:
    profile = read_profile()
    rows = [
        [
            image.name,
            f"{100 * image.share:.1f} %",
            f"{image.upload_bytes / 1000:.0f}",
            f"{image.reply_bytes / 1000:.0f}",
            f"{1000 * sum(image.worker_s) / len(image.worker_s):.1f}",
            f"{1000 * image.front_s:.1f}",
            f"{1000 * image.refused_front_s:.1f}",
        ]
        for image in profile.images
    ]
    mean = [
        "**the mean request**",
        "",
        *(f"{profile.average(name) / 1000:.0f}" for name in ("upload_bytes", "reply_bytes")),
        *(f"{1000 * profile.average(name):.1f}" for name in ("worker_s", "front_s", "refused_front_s")),
    ]
    return ["request", "share", "in, kB", "out, kB", "worker ms", "front ms", "front ms if refused"], [*rows, mean]


def list_comparisons() -> Table:
    def compare(real: float, simulated: float, digits: int = 0) -> str:
        error = f" ({100 * (simulated / real - 1):+.0f} %)" if real else ""
        return f"{real:.{digits}f}, {simulated:.{digits}f}{error}"

    rows = []
    for comparison in read_validation().comparisons:
        workers = str(comparison.workers)
        capacity = compare(comparison.real_capacity, comparison.simulated_capacity or 0, 1)
        rows.append(
            [workers, f"{CLIENTS_A_WORKER * comparison.workers} clients that wait", "", capacity, "", "", "", ""]
        )
        for load in comparison.loads:
            real, simulated = load.real, load.simulated
            assert simulated, "python -m benchmarks.scale simulate"
            rows.append(
                [
                    workers,
                    f"{load.share:g}x, {load.offered_a_second:.1f} a second",
                    str(load.requests),
                    compare(real.answered_a_second, simulated.answered_a_second, 1),
                    compare(real.p50_ms, simulated.p50_ms),
                    compare(real.p99_ms, simulated.p99_ms),
                    f"{100 * real.refused_share:.1f}, {100 * simulated.refused_share:.1f}",
                    "" if load.others_cores is None else f"{load.others_cores:.2f}",
                ]
            )
    header = ["workers", "load", "requests", "answered a second", "p50 ms", "p99 ms", "refused %", "cores others used"]
    return header, rows


def list_sizes() -> Table:
    profile = read_profile()
    rows = [
        [
            str(size.cores),
            f"{size.rate:.1f}",
            f"{size.rate / size.cores:.1f}",
            f"{size.summary.p50_ms:.0f}, {size.summary.p99_ms:.0f}",
            f"{100 * size.summary.refused_share:.2f} %",
            f"{100 * size.front_busy:.0f} %",
            f"{(profile.front_mb + size.cores * profile.worker_mb) / 1000:.1f}",
        ]
        for size in read_sizes().sizes
    ]
    return ["cores", "requests/s", "a core", "p50, p99 ms", "refused", "front busy", "memory GB"], rows


def list_fleets() -> Table:
    profile, sizes = read_profile(), read_sizes().sizes
    rows = []
    for rate in TARGETS:
        for cached in (0.0, 0.9):
            fleet = size_fleet(profile, sizes, rate, cached)
            rows.append(
                [
                    f"{rate:,}",
                    f"{100 * cached:.0f} %",
                    f"{fleet.instances:,}",
                    f"{fleet.cores:,}",
                    f"{fleet.machines:,}",
                    f"{fleet.memory_gb:,}",
                    f"{fleet.gbit_in:,.1f}, {fleet.gbit_out:,.1f}",
                    f"{fleet.gbit_a_machine:.1f}",
                ]
            )
    header = [
        "requests/s", "answered before", "instances", "cores", "machines of 64 cores", "memory GB",
        "Gbit/s in, out", "Gbit/s a machine",
    ]  # fmt: skip
    return header, rows


def list_machine() -> Table:
    profile = read_profile()
    header = ["machine", "measured", "front MB", "a worker MB", "work takes longer with all cores at it"]
    return header, [
        [
            profile.machine,
            profile.measured,
            f"{profile.front_mb:.0f}",
            f"{profile.worker_mb:.0f}",
            f"{profile.busy_slowdown:.2f}x",
        ]
    ]


TABLES = {
    "machine": list_machine,
    "costs": list_costs,
    "comparisons": list_comparisons,
    "sizes": list_sizes,
    "fleets": list_fleets,
}
