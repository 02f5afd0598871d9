"""Write the generated parts of README.md and docs/. With --check, only report whether they are up to date.

    .venv/bin/python scripts/document.py [--check] [--images]

A generated part stands between `<!-- generated: NAME -->` and `<!-- end -->`; `SECTIONS` lists the names. --images also
redraws docs/images/gallery.png from the service's own sample.
"""

import json
import re
import sys
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

import typer

from app.api.parameters import FilterQuery
from app.api.problem_types import PROBLEM_TYPES
from app.cli.commands import app as commands
from app.context import Record, StepTime
from app.images.formats import FORMATS, HEIC
from app.main import create_app, make_server
from app.pool.ipc import Report
from app.settings import AccessSettings, Settings
from app.tasks.learn_layers_result import LayersResult, LayersStart, LayersStep
from kernels.catalogue import ENTRIES, Entry
from kernels.layers.catalogue import LAYERS

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
        parts = ["; ".join(" ".join(f"{weight:g}" for weight in row) for row in part) for part in kernel.tables]
        shown = parts if len(parts) <= 2 else [parts[0], f"turned by 45° {len(parts) - 1} times"]
        weights = " and ".join(f"`{part}`" if part[0] in "-0123456789" else part for part in shown)
        if kernel.divisor != 1:
            weights += f", divided by {kernel.divisor:g}"
    how = kernel.default_response + ("" if kernel.combine == "single" else f" of the {kernel.combine}")
    return [f"`{entry.name}`", entry.title, weights, f"{kernel.sum:g}", how, entry.source]


def write_layers() -> str:
    rows = []
    for entry in LAYERS:
        parameters = ", ".join(f"`{p.name}` {p.minimum:g}..{p.maximum:g} [{p.default:g}]" for p in entry.parameters)
        others = sorted(entry.accepts - {parameter.name for parameter in entry.parameters})
        more = ", ".join(f"`{name}`" for name in others)
        rows.append([f"`{entry.name}`", entry.title, ", ".join(filter(None, (parameters, more))), entry.source])
    return write_table(["name", "what", "parameters", "source"], rows)


def write_names() -> str:
    return ", ".join(f"`{entry.name}`" for entry in ENTRIES) + "\n"


def write_parameters() -> str:
    rows = [
        [
            f"`{name}`",
            field.description or "",
            "" if field.default in (None, ()) else f"`{show_default(field.default)}`",
        ]
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
            tick(bool(format.pillow) or format is HEIC),
            tick(format is not HEIC),
            tick(format.holds_alpha),
            tick(format.holds_frames),
            tick(format.holds_16_bit),
            tick(format.holds_profile),
            tick(format.holds_cicp),
        ]
        for format in (*FORMATS.values(), HEIC)
    ]
    return write_table(["format", "read", "written", "alpha", "frames", "16 bits", "ICC profile", "code points"], rows)


def write_problems() -> str:
    return write_table(
        ["status", "type", "when"],
        [
            [str(int(kind.status)), f"`/problems#{kind.slug}`", kind.meaning]
            for kind in sorted(PROBLEM_TYPES.values(), key=lambda kind: kind.status)
        ],
    )


EVENTS = (LayersStart, LayersStep, LayersResult)
"""The data of server-sent events, which the OpenAPI document cannot describe."""


@cache
def build_openapi() -> dict[str, Any]:
    return create_app().openapi()


def write_query(path: str) -> str:
    """The query parameters of the POST or GET operation at a path, as the OpenAPI document has them."""
    (operation,) = build_openapi()["paths"][path].values()
    rows = []
    for parameter in operation["parameters"]:
        default = parameter["schema"].get("default")
        default = "required" if parameter["required"] else "" if default is None else f"`{show_default(default)}`"
        rows.append([f"`{parameter['name']}`", parameter.get("description", ""), default])
    return write_table(["parameter", "what", "default"], rows)


def write_fields(model: str) -> str:
    """The fields of a response model that have a description; the examples show the others."""
    schemas = build_openapi()["components"]["schemas"] | {event.__name__: event.model_json_schema() for event in EVENTS}
    fields = schemas[model]["properties"].items()
    rows = [[f"`{name}`", field["description"]] for name, field in fields if "description" in field]
    return write_table(["field", "what"], rows)


def write_commands() -> str:
    group: Any = typer.main.get_command(commands)
    return "\n".join(write_command(name, command) for name, command in list_commands(group))


def list_commands(group: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The commands of a group and of the groups in it, with their full names."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from list_commands(command, f"{prefix}{name} ")
        else:
            yield prefix + name, command


def write_command(name: str, command: Any) -> str:
    takes_filters = "border" in {parameter.name for parameter in command.params}
    hidden = {"help", *(FilterQuery.model_fields if takes_filters else ())}
    parameters = [parameter for parameter in command.params if parameter.name not in hidden]
    usage = [write_argument(parameter) for parameter in parameters if parameter.param_type_name == "argument"]
    usage += ["[OPTIONS]"] if len(parameters) > len(usage) else []
    usage_line = " ".join(["convserve", name, *usage])
    text = f"## convserve {name}\n\n{' '.join((command.help or '').split())}\n\n```text\n{usage_line}\n```\n"
    rows = [describe_parameter(parameter) for parameter in parameters]
    if takes_filters:
        rows.append(["`--border`, ...", "Every [filter parameter](parameters.md) is an option.", ""])
    return text + ("\n" + write_table(["argument or option", "what", "default"], rows) if rows else "")


def write_argument(argument: Any) -> str:
    text = argument.name.upper() + ("..." if argument.nargs != 1 else "")
    return text if argument.required else f"[{text}]"


def describe_parameter(parameter: Any) -> list[str]:
    is_argument = parameter.param_type_name == "argument"
    names = f"`{parameter.name}`" if is_argument else ", ".join(f"`{option}`" for option in parameter.opts)
    default = "" if parameter.default in (None, False) else f"`{parameter.default}`"
    return [names, parameter.help or "", "required" if parameter.required else default]


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
    """Machine and targets as the benchmark prints them, then images per second of every work and server."""
    from benchmarks.services.report import write_report
    from benchmarks.services.targets import show_name

    results = read_results()
    summary = write_report(results).split("\n### ", 1)[0].strip()
    rates = {
        work: {show_name(server): f"{one['images_per_s']:.1f}" for server, one in measured["servers"].items()}
        for work, measured in results["works"].items()
    }
    servers = list(dict.fromkeys(server for measured in rates.values() for server in measured))
    rows = [[work, *(measured.get(server, "") for server in servers)] for work, measured in rates.items()]
    return f"{summary}\n\nImages per second:\n\n" + write_table(["work", *servers], rows)


def write_throughput() -> str:
    results = read_results()
    machine, jpeg = results["machine"], results["works"]["1920x1080 JPEG"]["servers"]["convserve"]
    digits = results["works"]["64 digits in one request"]["servers"]["convserve"]
    return (
        f"Measured on {machine['cores']} cores of {machine['cpu']}: {jpeg['images_per_s']:.0f} JPEGs of 1920×1080 or "
        f"{round(digits['images_per_s'], -2):.0f} digits a second. "
        "[Performance](docs/engineering/performance.md) compares it with other services.\n"
    )


def write_decisions() -> str:
    rows = []
    for path in sorted((ROOT / "docs/engineering/decisions").glob("[0-9]*.md")):
        text = path.read_text("utf-8")
        heading = re.match(r"# (\d+)\. (.+)", text)
        dated = re.search(r"^Date: (\S+)\. Status: ([^.]+)\.", text, re.MULTILINE)
        assert heading, path
        assert dated, path
        rows.append([f"[{heading[1]}]({path.name})", heading[2], dated[1], dated[2]])
    return write_table(["", "decision", "date", "status"], rows)


SECTIONS: dict[str, Callable[[], str]] = {
    "kernels": write_kernels,
    "kernel-names": write_names,
    "layers": write_layers,
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
    "throughput": write_throughput,
    "commands": write_commands,
    "decisions": write_decisions,
} | {
    f"query:{path}": partial(write_query, path)
    for path in ("/gallery", "/learn", "/classify", "/read", "/classify/explain", "/size")
} | {
    f"fields:{model}": partial(write_fields, model)
    for model in ("DigitResult", "PageResult", "LearnResult", "LearnedKernel", *(event.__name__ for event in EVENTS))
}  # fmt: skip


def draw_gallery() -> None:
    from app.tasks.gallery import choose_steps, make_contact_sheet
    from app.tasks.samples import encode_sample
    from kernels.catalogue import Catalogue

    names = "sharpen,edge,top-sobel,emboss,gaussian,motion,sobel"
    steps = choose_steps(names, Catalogue(), len(ENTRIES))
    sheet = make_contact_sheet(encode_sample("house"), steps, 220, Settings(), Report())
    (ROOT / "docs/images/gallery.png").write_bytes(sheet)


def main() -> int:
    from benchmarks.services.chart import draw_chart

    stale = []
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        text = path.read_text("utf-8")
        fresh = MARKED.sub(lambda match: match[1] + SECTIONS[match[2]]() + match[3], text)
        if fresh != text:
            stale.append(path.relative_to(ROOT))
            if "--check" not in sys.argv:
                path.write_text(fresh, "utf-8")
    chart = ROOT / "docs/engineering/performance.svg"
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
