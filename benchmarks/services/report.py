"""The results as tables in Markdown: targets with met or not met, and every work with the ratio to each peer."""

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.services.targets import TARGETS, Results, Target, show_name
from benchmarks.services.turns import OWN


def write_report(results: Results) -> str:
    machine = results["machine"]
    lines = [
        f"{machine['cores']} cores of {machine['cpu']}, {machine['memory_gb']} GB, {machine['system']}; "
        f"{results['workers']} processes each. Each turn began on an idle machine. Measured: "
        + ", ".join(f"{name} {part['when']}" for name, part in results["parts"].items())
        + ".",
        "",
        write_targets(results),
        *(f"### {name}\n\n{write_work(work)}" for name, work in results["works"].items()),
        write_figures(results["figures"]),
    ]
    return "\n".join(lines)


def write_targets(results: Results, targets: Sequence[Target] = TARGETS) -> str:
    rows = []
    for target in targets:
        measured = target.judge(results)
        verdict = "not measured" if measured is None else "met" if measured.met else "**not met**"
        rows.append([target.work, target.wanted, measured.text if measured else "", verdict])
    return write_table(["work", "wanted", "measured", ""], rows)


def write_work(work: Mapping[str, Any]) -> str:
    """One work: the service, its peers and the ratio to each; then who was left out and why."""
    own = work["servers"][OWN]["images_per_s"]
    rows = [
        [
            show_name(name),
            f"{one['images_per_s']:.1f}",
            "" if name == OWN else f"{own / one['images_per_s']:.2f}x",
            f"{one['p50_ms']:.1f}",
            f"{one['p99_ms']:.1f}",
            f"{one['cpu_ms_per_image']:.2f}",
            f"{one['peak_mb']:.0f}",
            f"{one['bytes']:.0f}",
        ]
        for name, one in work["servers"].items()
    ]
    header = ["server", "images/s", "convserve is", "p50 ms", "p99 ms", "CPU ms an image", "peak RSS MB", "bytes"]
    left_out = "".join(f"\nLeft out: {show_name(name)}, {why}\n" for name, why in work["left_out"].items())
    return write_table(header, rows) + left_out


def write_figures(figures: Mapping[str, Any]) -> str:
    """What was measured of this service alone: a table for each group."""
    parts = []
    for name, group in figures.items():
        if not isinstance(group, Mapping):
            continue
        first = next(iter(group.values()))
        if isinstance(first, Mapping):
            rows = [[key, *(show(value) for value in row.values())] for key, row in group.items()]
            parts.append(f"### {name}\n\n" + write_table(["", *first], rows))
        else:
            parts.append(
                f"### {name}\n\n" + write_table(["", ""], [[key, show(value)] for key, value in group.items()])
            )
    return "\n".join(parts)


def show(value: Any) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def write_table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cell for cell in line) + " |" for line in lines) + "\n"
