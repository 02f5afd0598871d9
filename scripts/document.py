"""Write the generated parts of README.md and docs/; with --check only tell whether they are up to date.

    .venv/bin/python scripts/document.py [--check] [--images]

--images draws docs/gallery.png anew, too, with the project's own sample image.
"""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.api.parameters import FilterQuery
from app.api.problem_types import PROBLEM_TYPES
from app.context import Record, StepTime
from app.images.formats import FORMATS
from app.main import create_app, make_server
from app.pool.ipc import Report
from app.settings import AccessSettings, Settings
from kernels.catalogue import ENTRIES, Entry

ROOT = Path(__file__).resolve().parent.parent
MARKED = re.compile(r"(<!-- generated: (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)


def write_table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"


def write_kernels() -> str:
    return write_table(
        ["name", "what", "weights, divisor", "sum", "response", "source"], [write_kernel(entry) for entry in ENTRIES]
    )


def write_kernel(entry: Entry) -> list[str]:
    kernel = entry.make_kernel()
    if entry.parameters:
        weights = ", ".join(
            f"`{p.name}` {p.minimum:g}..{p.maximum:g}" + ("" if p.default is None else f" [{p.default:g}]")
            for p in entry.parameters
        )
    else:
        parts = ["; ".join(" ".join(f"{weight:g}" for weight in row) for row in part) for part in kernel.parts]
        shown = parts if len(parts) <= 2 else [parts[0], f"turned by 45° {len(parts) - 1} times"]
        weights = " and ".join(f"`{part}`" if part[0] in "-0123456789" else part for part in shown)
        if kernel.divisor != 1:
            weights += f", divided by {kernel.divisor:g}"
    how = kernel.default_response + ("" if kernel.combine == "single" else f" of the {kernel.combine}")
    return [f"`{entry.name}`", entry.title, weights, f"{kernel.sum:g}", how, entry.source]


def write_names() -> str:
    return ", ".join(f"`{entry.name}`" for entry in ENTRIES) + "\n"


def write_parameters() -> str:
    rows = [
        [f"`{name}`", field.description or "", "" if field.default is None else f"`{show_default(field.default)}`"]
        for name, field in FilterQuery.model_fields.items()
    ]
    return write_table(["parameter", "what", "default"], rows)


def show_default(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)


def write_settings() -> str:
    rows = []
    for name, field in (*Settings.model_fields.items(), *AccessSettings.model_fields.items()):
        nothing = field.default_factory or field.default is None or not str(field.default).strip("()")
        default = "" if nothing else f"`{str(field.default).lower()}`"
        rows.append([f"`CONVSERVE_{name.upper()}`", field.description or "", default])
    return write_table(["variable", "what", "default"], rows)


def write_formats() -> str:
    def tick(holds: bool) -> str:
        return "yes" if holds else "no"

    rows = [
        [
            f"`{format.name}`",
            "yes" if format.pillow else "written only",
            tick(format.holds_alpha),
            tick(format.holds_frames),
            tick(format.holds_16_bit),
            tick(format.holds_profile),
        ]
        for format in FORMATS.values()
    ]
    return write_table(["format", "read", "alpha", "frames", "16 bits", "ICC profile"], rows)


def write_problems() -> str:
    return write_table(
        ["status", "type", "when"],
        [
            [str(int(kind.status)), f"`/problems#{kind.slug}`", kind.meaning]
            for kind in PROBLEM_TYPES.values()
            if kind.status < 500
        ],
    )


def write_metrics() -> str:
    app = create_app(Settings(), AccessSettings())
    make_server(app)
    metrics = app.state.service.metrics
    steps = [StepTime("decode", 0, 0.0)]
    # Labels show once they are used.
    metrics.count(Record("", problem="overloaded", status=200, kernels=("blur",), steps=steps))
    rows = []
    for metric in metrics.registry.collect():
        if metric.name.startswith("process_"):  # Prometheus' own, the same for every program
            continue
        name = metric.name + {"counter": "_total", "info": "_info"}.get(metric.type, "")
        labels = dict.fromkeys(label for sample in metric.samples for label in sample.labels if label != "le")
        rows.append([f"`{name}`", metric.type, ", ".join(f"`{label}`" for label in labels), metric.documentation])
    return write_table(["metric", "type", "labels", "what"], rows)


sys.path.append(str(ROOT))  # the benchmarks are not installed


def write_scale(name: str) -> str:
    from benchmarks.scale_tables import TABLES

    return write_table(*TABLES[name]())


def read_results() -> dict[str, Any]:
    results: dict[str, Any] = json.loads((ROOT / "benchmarks/results/services.json").read_text("utf-8"))
    return results


def write_services() -> str:
    from benchmarks.services.report import write_report

    return write_report(read_results())


SECTIONS: dict[str, Callable[[], str]] = {
    "kernels": write_kernels,
    "kernel-names": write_names,
    "parameters": write_parameters,
    "settings": write_settings,
    "formats": write_formats,
    "problems": write_problems,
    "metrics": write_metrics,
    "scale-machine": lambda: write_scale("machine"),
    "scale-costs": lambda: write_scale("costs"),
    "scale-comparisons": lambda: write_scale("comparisons"),
    "scale-sizes": lambda: write_scale("sizes"),
    "scale-fleets": lambda: write_scale("fleets"),
    "services": write_services,
}


def draw_gallery() -> None:
    from app.api.routes.home import encode_sample
    from app.tasks.gallery import choose_steps, make_contact_sheet
    from kernels.catalogue import Catalogue

    names = "sharpen,edge,top-sobel,emboss,gaussian,motion,sobel"
    steps = choose_steps(names, Catalogue(), len(ENTRIES))
    (ROOT / "docs/gallery.png").write_bytes(make_contact_sheet(encode_sample(), steps, 220, Settings(), Report()))


def main() -> int:
    from benchmarks.services.chart import draw_chart

    stale = []
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        text = path.read_text("utf-8")
        fresh = MARKED.sub(lambda match: match[1] + SECTIONS[match[2]]() + match[3], text)
        if fresh != text:
            stale.append(path.relative_to(ROOT))
            if "--check" not in sys.argv:
                path.write_text(fresh, "utf-8")
    chart = ROOT / "docs/performance.svg"
    fresh = draw_chart(read_results())
    if not chart.exists() or chart.read_text("utf-8") != fresh:
        stale.append(chart.relative_to(ROOT))
        if "--check" not in sys.argv:
            chart.write_text(fresh, "utf-8")
    if "--images" in sys.argv:
        draw_gallery()
    if stale and "--check" in sys.argv:
        print("Out of date, run scripts/document.py:", *stale)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
