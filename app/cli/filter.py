"""`convserve filter`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from app.api.parameters import FilterQuery
from app.cli.errors import exit_on_errors, report_failures
from app.cli.input_files import find_images, find_unreadable, read_operations
from app.cli.options import ImagesArgument, OutputOption, add_options
from app.cli.settings import load_catalogue, load_settings

PANEL = "Filter parameters"
KERNEL_HELP = (
    "Kernel name, several names (gaussian,edge), custom, operations as JSON, or @FILE with operations as JSON."
)
FORMAT_HELP = "File format of the results. Default: that of the name of --output, else that of each image."


@add_options(
    "query",
    FilterQuery,
    panel=PANEL,
    help={"format": FORMAT_HELP, "explain": "`json`: print the arithmetic for each image and write no files."},
)
def filter_images(
    kernel: Annotated[str, typer.Argument(help=KERNEL_HELP)],
    images: ImagesArgument,
    query: FilterQuery,
    output: OutputOption = None,
    mask: Annotated[
        Path | None,
        typer.Option(
            help="Grey image of the same size: white pixels are filtered, black ones are not.", show_default=False
        ),
    ] = None,
) -> None:
    """Filter images with a kernel. Results are named NAME-KERNEL.EXT."""
    from app.tasks.operations import parse_operations_text

    settings = load_settings()
    catalogue = load_catalogue(settings)
    with exit_on_errors():
        steps = parse_operations_text(read_operations(kernel), query.shared, catalogue)
        files = find_images(images)
    unreadable = find_unreadable(files)
    if len(unreadable) == len(files):
        report_failures(list(unreadable.items()), f"0 of {len(files)} images filtered." if len(files) > 1 else "")

    from app.cli.filter_files import filter_files
    from app.cli.image_files import plan_outputs
    from app.pool.ipc import Report
    from app.tasks.areas import AreaRequest, check_reads
    from app.tasks.explain_filter import explain_filter
    from app.tasks.filter import SAME_FORMAT, FilterRequest, OutputFormat

    with exit_on_errors():
        area = AreaRequest(query.region, mask.read_bytes() if mask else None, query.reads)
        check_reads(area)
        request = FilterRequest(steps, query.linear, query.frames, query.quality, query.maps, area)
        if query.explain:
            result_format = OutputFormat(query.format) if query.format else SAME_FORMAT
            for file in files:
                explanation = explain_filter(file.read_bytes(), request, settings, result_format, Report())
                typer.echo(json.dumps(explanation, indent=2))
            return
        plan = plan_outputs(files, output, request, query.format)
    failures = filter_files(plan, request, settings, query.format)
    if len(plan) == 1 and not failures:
        typer.echo(plan[0][1])
    report_failures(failures, f"{len(plan) - len(failures)} of {len(plan)} images filtered." if len(plan) > 1 else "")
