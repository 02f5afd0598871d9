"""`convserve batch`."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from app.api.digit_parameters import ReadQuery
from app.api.parameters import ImageParameters
from app.cli.errors import exit_on_errors, fail
from app.cli.filter import PANEL
from app.cli.input_files import read_operations
from app.cli.options import Engine, add_options, check_engine
from app.cli.settings import load_catalogue, load_settings
from app.errors import StartError

if TYPE_CHECKING:
    from app.archive.job import Job
    from app.archive.run import Executor
    from app.settings import Settings

CONTINUE = "Run the same command again to continue."


@add_options(
    "image_parameters",
    ImageParameters,
    panel=PANEL,
    help={"format": "File format of the results. Default: that of each image."},
)
@add_options(
    "reading",
    ReadQuery,
    help={
        "polarity": "Polarity of the ink, for --classify: dark on light or reverse.",
        "strictness": "The probability that a digit needs to be accepted, for --classify. Default: that of the model's "
        "card.",
    },
)
def run_batch_job(
    image_parameters: ImageParameters,
    reading: ReadQuery,
    source: Annotated[str, typer.Option("--in", help="Images: a folder, a pattern, or a URL that fsspec supports.")],
    out: Annotated[str, typer.Option("--out", help="Results: a folder, or a URL that fsspec supports.")],
    kernel: Annotated[
        str | None,
        typer.Option(
            help="Filter with this kernel, with several (gaussian,edge), or with operations: JSON, or @FILE.",
            show_default=False,
        ),
    ] = None,
    classify: Annotated[
        bool, typer.Option("--classify", help="Read one digit in each image, into a table of predictions.")
    ] = False,
    workers: Annotated[int | None, typer.Option(min=1, help="Worker processes.", show_default="one per core")] = None,
    on: Annotated[
        Engine, typer.Option("--on", help="Where images are processed: on this machine, or on Ray.")
    ] = "local",
    verify: Annotated[
        bool, typer.Option("--verify", help="Compare the bytes of finished images and results, too.")
    ] = False,
    report_format: Annotated[
        Literal["csv", "parquet"], typer.Option(help="Format of the tables of failures and predictions.")
    ] = "csv",
) -> None:
    """Filter or read an archive of images. The same command continues a run that was interrupted.

    Exit status: 0 all images are done, 1 some images failed, 2 a mistake in the command, 75 a folder cannot be used or
    no worker process starts (run the command again), 130 and 143 stopped by SIGINT and SIGTERM.
    """
    from app.archive import run, signals, storage, tables
    from app.system import count_cores

    check_engine(on)
    if classify == (kernel is not None):
        fail("Give either --kernel NAME or --classify.")
    if classify and image_parameters.model_fields_set:
        fail(f"--{min(image_parameters.model_fields_set)} needs --kernel. Remove it, or replace --classify.")
    if not classify and reading.model_fields_set:
        fail(f"--{min(reading.model_fields_set)} needs --classify. Remove it, or replace --kernel.")
    with exit_on_errors():
        tables.check_table_format(report_format)
    job = make_job(source, out, kernel, load_settings(), image_parameters, reading)
    try:
        with choose_executor(on, workers or count_cores()) as execute, signals.catch_stop() as stop:
            summary = run.run_batch(job, execute, stop, report_format, verify)
    except (storage.StorageError, StartError) as error:
        fail(f"Stopped: {str(error).rstrip('.')}. {CONTINUE}", status=os.EX_TEMPFAIL)
    typer.echo(f"{summary.done} done, {summary.skipped} already done, {summary.failed} failed.", err=True)
    if stop.number is not None:
        fail(f"Stopped by a signal. {CONTINUE}", status=128 + stop.number)
    if summary.failed:
        fail(f"The failures are listed in {job.out.join(f'failures.{report_format}')}.", status=1)


def make_job(
    source: str, out: str, kernel: str | None, settings: "Settings", parameters: ImageParameters, reading: ReadQuery
) -> "Job":
    from app.archive import storage
    from app.archive.job import ClassifyJob, FilterJob
    from app.tasks.areas import AreaRequest, check_reads
    from app.tasks.filter import FilterRequest
    from app.tasks.operations import parse_operations_text

    catalogue = load_catalogue(settings)
    with exit_on_errors():
        images, results = storage.open_source(source), storage.open_folder(out)
        storage.check_no_overlap(images, results)
        if kernel is None:
            return ClassifyJob(images, results, settings, reading.options)
        steps = parse_operations_text(read_operations(kernel), parameters.shared, catalogue)
        area = AreaRequest(parameters.region, None, parameters.reads)
        check_reads(area)
        request = FilterRequest(steps, parameters.linear, parameters.frames, parameters.quality, area=area)
        return FilterJob(images, results, settings, request, parameters.format)


@contextmanager
def choose_executor(engine: Engine, processes: int) -> Iterator["Executor"]:
    if engine == "local":
        from app.archive.processes import run_locally

        yield partial(run_locally, processes=processes)
    else:
        from app.cluster.data import run_on_ray
        from app.cluster.local import connect_ray

        with connect_ray(processes, os.environ.get("RAY_ADDRESS", "local")):
            yield run_on_ray
