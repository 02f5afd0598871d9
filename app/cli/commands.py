"""The command `convserve`. Heavy imports stay inside the commands, so that help answers at once."""

import inspect
import json
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn, TypeVar, cast, get_args

import typer
from pydantic import BaseModel

from app.api.parameters import FilterQuery
from app.errors import StartError
from app.tasks.options import Polarity
from models.errors import ModelError

if TYPE_CHECKING:
    from app.archive.run import Executor
    from app.settings import AccessSettings, Settings
    from kernels.catalogue import Catalogue

Query = TypeVar("Query", bound=BaseModel)

BACKLOG = 2048
Engine = Literal["local", "ray"]
Loaded = TypeVar("Loaded")

app = typer.Typer(
    help="Convolve images with named kernels: over HTTP, or here.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="Where the result goes: a file, or (without an extension) a folder."),
]


def take_filter_parameters(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command an option for every parameter of a filter request; it gets those that were set as `given`."""
    fields = FilterQuery.model_fields
    own = [p for p in inspect.signature(command).parameters.values() if p.name != "given"]
    options = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=Annotated[
                bool | None if field.annotation is bool else str | None,
                typer.Option(
                    f"--{name}",
                    help=field.description,
                    metavar=None if field.annotation is bool else "TEXT",
                    rich_help_panel="How the kernel is applied",
                    show_default=False,
                ),
            ],
        )
        for name, field in fields.items()
    ]

    def run(**arguments: Any) -> None:
        given = {name: arguments.pop(name) for name in fields if name in arguments}
        command(**arguments, given={name: value for name, value in given.items() if value is not None})

    run.__name__, run.__doc__ = command.__name__, command.__doc__
    run.__signature__ = inspect.Signature([*own, *options])  # type: ignore[attr-defined]
    run.__annotations__ = {p.name: p.annotation for p in (*own, *options)}
    return run


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on. [127.0.0.1, CONVSERVE_HOST]")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on. [8000, CONVSERVE_PORT]")] = None,
    on: Annotated[Engine, typer.Option("--on", help="Processes of its own, or Ray Serve (docs/ray.md).")] = "local",
) -> None:
    """Start the service. Settings are environment variables CONVSERVE_...; see docs/settings.md."""
    settings, access = load_settings(host=host, port=port), load_access()
    load_catalogue(settings)
    check_temporary_folder()
    if access.metrics_port:
        open_socket(settings.host, access.metrics_port, "CONVSERVE_METRICS_PORT").close()
    # Before anything heavy: a taken port is told at once, and early clients wait.
    with open_socket(settings.host, settings.port, "--port, or CONVSERVE_PORT") as listening:
        if on == "local":
            serve_on(listening, settings, access)
            return
    need_ray()
    from app.cluster.local import serve_here

    serve_here(settings, access)


@app.command(name="filter")
@take_filter_parameters
def filter_files(
    kernel: Annotated[str, typer.Argument(help="A name, 'custom' (with --weights), or several: gaussian,edge.")],
    images: Annotated[list[Path], typer.Argument(help="Files, or folders of images.")],
    output: Output = None,
    given: dict[str, Any] | None = None,
) -> None:
    """Filter images with a kernel. Results go beside them as NAME-KERNEL.EXT, or to --output."""
    from app.api.operations import parse_steps
    from app.cli import local_files as batch
    from app.pool.ipc import Report
    from app.tasks.explain_filter import explain_filter
    from app.tasks.filter import FilterRequest

    settings = load_settings()
    query = check_parameters(FilterQuery, given or {})
    steps = refuse_errors(parse_steps, kernel, query, load_catalogue(settings))
    request = FilterRequest(steps, query.linear, query.frames, query.quality)
    files = refuse_errors(batch.find_images, images)
    if query.explain:
        for file in files:
            typer.echo(
                json.dumps(refuse_errors(explain_filter, file.read_bytes(), request, settings, Report()), indent=2)
            )
        return
    plan = refuse_errors(batch.plan_outputs, files, output, request, query.format)
    failures = batch.filter_files(plan, request, settings, query.format)
    if len(plan) == 1 and not failures:
        typer.echo(plan[0][1])
    report(failures, f"{len(plan) - len(failures)} of {len(plan)} images filtered." if len(plan) > 1 else "")


@app.command()
@take_filter_parameters
def batch(
    source: Annotated[str, typer.Option("--in", help="A folder, a pattern or a URL that fsspec knows.")],
    out: Annotated[str, typer.Option("--out", help="A folder or URL for the results.")],
    kernel: Annotated[str | None, typer.Option(help="A name, or several: gaussian,edge.")] = None,
    classify: Annotated[bool, typer.Option("--classify", help="Read a digit in each, into a table.")] = False,
    polarity: Annotated[Polarity, typer.Option(help="Of the ink, with --classify.")] = "auto",
    workers: Annotated[int | None, typer.Option(min=1, help="Processes. [one for each core]")] = None,
    on: Annotated[Engine, typer.Option("--on", help="This machine, or Ray (docs/ray.md).")] = "local",
    verify: Annotated[bool, typer.Option("--verify", help="Read what is done, too, and compare its bytes.")] = False,
    report_format: Annotated[
        Literal["csv", "parquet"], typer.Option(help="Of the tables of failures and predictions.")
    ] = "csv",
    given: dict[str, Any] | None = None,
) -> None:
    """Filter or read an archive of images. The same command goes on where an earlier run ended.

    Exit status: 0 all done, 1 some images failed, 2 a mistake in the command, 75 a place was lost or no process
    starts (try again), 130 and 143 stopped by SIGINT and SIGTERM.
    """
    from app.api.operations import parse_steps
    from app.archive import job as jobs
    from app.archive import run, signals, storage, tables
    from app.system import count_cores
    from app.tasks.filter import FilterRequest

    if classify == (kernel is not None):
        refuse("Say either --kernel NAME or --classify.")
    if classify and given:
        refuse(f"--{next(iter(given))} is for --kernel; --classify takes --polarity.")
    if not classify and polarity != "auto":
        refuse("--polarity is for --classify.")
    refuse_errors(tables.check_table_format, report_format)
    settings = load_settings()
    catalogue = load_catalogue(settings)
    query = check_parameters(FilterQuery, given or {})
    images, results = refuse_errors(storage.open_source, source), refuse_errors(storage.open_folder, out)
    refuse_errors(storage.check_apart, images, results)
    job: jobs.Job = jobs.ClassifyJob(images, results, settings, polarity)
    if kernel is not None:
        steps = refuse_errors(parse_steps, kernel, query, catalogue)
        request = FilterRequest(steps, query.linear, query.frames, query.quality)
        job = jobs.FilterJob(images, results, settings, request, query.format)
    try:
        with choose_executor(on, workers or count_cores()) as execute, signals.catch_stop() as stop:
            summary = run.run_batch(job, execute, stop, report_format, verify)
    except (storage.StorageError, StartError) as error:
        refuse(f"Stopped: {error} The same command goes on from here.", status=os.EX_TEMPFAIL)
    typer.echo(f"{summary.done} done, {summary.kept} were done already, {summary.failed} failed.", err=True)
    if stop.number is not None:
        refuse("Stopped before the end. The same command goes on from here.", status=128 + stop.number)
    if summary.failed:
        refuse(f"The failures: {results.path(f'failures.{report_format}')}", status=1)


@contextmanager
def choose_executor(on: Engine, processes: int) -> "Iterator[Executor]":
    if on == "local":
        from app.archive.processes import run_locally

        yield partial(run_locally, processes=processes)
    else:
        need_ray()
        from app.cluster.data import run_on_ray
        from app.cluster.local import run_ray

        with run_ray(processes, os.environ.get("RAY_ADDRESS", "local")):
            yield run_on_ray


@app.command()
def gallery(
    image: Annotated[Path, typer.Argument(help="An image.")],
    output: Output = None,
    kernels: Annotated[str | None, typer.Option(help="Names with commas. [every kernel but the learned ones]")] = None,
    side: Annotated[int, typer.Option(min=16, max=512, help="Longest side of each image in pixels.")] = 160,
) -> None:
    """Draw one contact sheet of an image under every kernel."""
    from app.cli.local_files import write_file
    from app.pool.ipc import Report
    from app.pool.quiet_tensorflow import without_greeting
    from app.tasks.gallery import choose_steps, make_contact_sheet

    settings = load_settings()
    steps = refuse_errors(choose_steps, kernels, load_catalogue(settings), settings.max_gallery_kernels)
    if output and output.suffix.lower() != ".png":
        refuse(f"The sheet is a PNG; name it {output.with_suffix('.png')}.")
    data = refuse_errors(image.read_bytes)
    with without_greeting():
        sheet = refuse_errors(make_contact_sheet, data, steps, side, settings, Report())
    target = output or image.with_name(f"{image.stem}-gallery.png")
    if target.resolve() == image.resolve():
        refuse(f"{target} is the input; it would be overwritten.")
    refuse_errors(write_file, target, sheet)
    typer.echo(target)


@app.command()
def learn(
    before: Annotated[Path, typer.Argument(help="An image.")],
    after: Annotated[Path, typer.Argument(help="The same under an unknown filter.")],
    size: Annotated[int, typer.Option(min=1, max=31, help="Side of the kernel in pixels.")] = 3,
    shared: Annotated[str, typer.Option(help="One kernel for all channels: auto, true or false.")] = "auto",
    method: Annotated[str, typer.Option(help="least-squares, or descent: by gradient descent.")] = "least-squares",
    steps: Annotated[int | None, typer.Option(min=1, help="Of descent, at most. [400]")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Find the kernel that turns one image into another, or say that none does (exit status 1)."""
    from app.api.parameters import LearnQuery
    from app.cli.learn_output import learn_with_progress, print_lesson
    from app.pool.quiet_tensorflow import without_greeting
    from app.tasks.context import TaskContext

    given = {"size": size, "shared": shared, "method": method, "steps": steps}
    query = check_parameters(LearnQuery, {name: value for name, value in given.items() if value is not None})
    files = [refuse_errors(file.read_bytes) for file in (before, after)]
    settings = load_settings()
    with without_greeting():
        lesson = refuse_errors(learn_with_progress, *files, query, TaskContext(settings, load_catalogue(settings)))
    if as_json:
        typer.echo(lesson.model_dump_json(indent=2))
    else:
        print_lesson(lesson)
    if not lesson.is_convolution:
        raise typer.Exit(1)


@app.command()
def kernels(
    name: Annotated[str | None, typer.Argument(help="One kernel: its weights and parameters.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """List the kernels, or show one."""
    catalogue = load_catalogue(load_settings())
    entries = [refuse_errors(catalogue.__getitem__, name)] if name else list(catalogue.values())
    if as_json:
        from app.tasks.describe_kernel import describe_kernel

        described = [describe_kernel(entry.make_kernel(), entry.parameters).model_dump() for entry in entries]
        typer.echo(json.dumps(described[0] if name else described, indent=2))
    elif name:
        kernel = entries[0].make_kernel()
        typer.echo(f"{kernel.name}: {kernel.title}\ndivisor {kernel.divisor:g}, response {kernel.default_response}")
        for parameter in entries[0].parameters:
            default = "chosen" if parameter.default is None else f"{parameter.default:g}"
            typer.echo(f"--{parameter.name} {parameter.minimum:g}..{parameter.maximum:g} [{default}]")
        for part in kernel.parts:
            typer.echo("\n" + "\n".join(" ".join(f"{weight:8.4g}" for weight in row) for row in part))
    else:
        for entry in entries:
            parameters = ", ".join(parameter.name for parameter in entry.parameters)
            typer.echo(f"{entry.name:14} {entry.title}" + (f" ({parameters})" if parameters else ""))


@app.command()
def classify(
    images: Annotated[list[Path], typer.Argument(help="Files, or folders of images, of one digit each.")],
    polarity: Annotated[str, typer.Option(help="Of the ink: auto, dark or light.")] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="As CSV.")] = False,
) -> None:
    """Read images of one handwritten digit each."""
    from app.cli.digit_tables import classify_files, print_transcript

    rows, failures = classify_files(*prepare_reading(images, polarity))
    print_transcript(rows, "json" if as_json else "csv" if as_csv else "table")
    report(failures)


@app.command()
def read(
    images: Annotated[list[Path], typer.Argument(help="Files, or folders of images.")],
    polarity: Annotated[str, typer.Option(help="Of the ink: auto, dark or light.")] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, with a box for each digit.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="As CSV.")] = False,
) -> None:
    """Read several handwritten digits in each image."""
    from app.cli.digit_tables import print_transcript, read_files

    rows, failures = read_files(*prepare_reading(images, polarity))
    print_transcript(rows, "json" if as_json else "csv" if as_csv else "table")
    report(failures)


@app.command(add_help_option=False, context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def train(context: typer.Context) -> None:
    """Train a digit network: python -m models.train, with the same options (--help lists them)."""
    from models.train import main as train_main

    train_main(context.args)


@app.command()
def model() -> None:
    """Print the card of the digit model."""
    from models.model_folder import read_card
    from models.reader.reader import BUNDLED_FOLDER

    folder = load_settings().model_folder or BUNDLED_FOLDER
    typer.echo(json.dumps(refuse_errors(read_card, folder), indent=2))


@app.command()
def health(
    url: Annotated[str | None, typer.Option(help="Where the service is. [the configured host and port]")] = None,
) -> None:
    """Ask a running service whether it answers: exit status 0 if so. For a container's HEALTHCHECK."""
    import httpx

    settings = load_settings()
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)
    try:
        reply = httpx.get((url or f"http://{host}:{settings.port}").rstrip("/") + "/livez", timeout=5)
        reply.raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        refuse(f"not healthy: {error}", status=1)
    typer.echo(reply.text)


@app.command()
def version() -> None:
    """Print the version."""
    from importlib.metadata import version

    typer.echo(version("convserve"))


def need_ray() -> None:
    if find_spec("ray") is None:
        refuse("--on ray needs Ray: pip install 'convserve[ray]'.")


def serve_on(listening: socket.socket, settings: "Settings", access: "AccessSettings") -> None:
    from app.main import create_app, make_server
    from app.observability.logs import configure_logging
    from app.system import keep_freed_memory

    keep_freed_memory()
    application = refuse_errors(create_app, settings, access)
    configure_logging(settings.log_format, settings.log_level)
    address = f"http://{'localhost' if settings.host in ('127.0.0.1', '0.0.0.0', '::') else settings.host}"
    api = f" and the API at {address}:{settings.port}/docs" if access.docs else ""
    print(f"convserve: the page at {address}:{settings.port}/{api}", flush=True)
    try:
        make_server(application).run(sockets=[listening])
    except StartError as error:
        refuse(str(error), status=1)


def open_socket(host: str, port: int, setting: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        refuse(f"Cannot listen on {host} port {port}: {error.strerror}. Another one: {setting}.")


def check_temporary_folder() -> None:
    """Large uploads are kept on disk while they arrive. Stops the command where that cannot be."""
    import os
    import tempfile

    try:
        folder = tempfile.gettempdir()
    except OSError as error:
        refuse(f"Large uploads need a temporary folder: {error.strerror}. Set TMPDIR to one that can be written.")
    wanted = os.environ.get("TMPDIR")
    if wanted and os.path.abspath(wanted) != folder:
        refuse(f"TMPDIR is {wanted!r}, which is no folder that can be written. Large uploads are kept there.")


def load_settings(**overrides: Any) -> "Settings":
    from app.settings import Settings

    return refuse_bad_settings(Settings, {name: value for name, value in overrides.items() if value is not None})


def load_access() -> "AccessSettings":
    from app.settings import AccessSettings

    return refuse_bad_settings(AccessSettings, {})


def refuse_bad_settings(kind: Callable[..., Loaded], given: dict[str, Any]) -> Loaded:
    from pydantic import ValidationError

    try:
        return kind(**given)
    except ValidationError as error:
        first = error.errors()[0]
        message = first["msg"].removeprefix("Value error, ")
        if not first["loc"]:
            refuse(f"{message[0].upper()}{message[1:]}")
        refuse(f"CONVSERVE_{str(first['loc'][0]).upper()} is {first['input']!r}: {message}.")


def load_catalogue(settings: "Settings") -> "Catalogue":
    """Stops the command where the digit model or the kernels file is damaged, before anything heavy is imported."""
    from app.tasks import catalogue as learned

    return cast("Catalogue", refuse_errors(learned.load_catalogue, settings))


def prepare_reading(images: list[Path], polarity: str) -> tuple[list[Path], "Settings", Any]:
    from app.cli import local_files as batch
    from app.pool.quiet_tensorflow import without_greeting
    from app.tasks.classify import load_reader

    if polarity not in get_args(Polarity):
        refuse(f"--polarity {polarity}: say auto, dark or light.")
    settings = load_settings()
    files = refuse_errors(batch.find_images, images)
    with without_greeting():
        refuse_errors(load_reader, settings.model_folder)
    return files, settings, polarity


def report(failures: list[tuple[Path, str]], summary: str = "") -> None:
    """Name the files that failed, and leave with status 1 if there are any."""
    for file, reason in failures:
        typer.echo(f"{file}: {reason}", err=True)
    if summary:
        typer.echo(summary, err=True)
    if failures:
        raise typer.Exit(1)


def check_parameters(query: type[Query], given: dict[str, Any]) -> Query:
    from pydantic import ValidationError

    try:
        return query.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        refuse(f"--{first['loc'][0]} {first['input']}: {first['msg']}.")


def refuse_errors(work: Callable[..., Any], *arguments: Any) -> Any:
    """Call `work`; what is wrong with a kernel, an image, a model or a file ends the command with one line."""
    try:
        return work(*arguments)
    except OSError as error:
        refuse(f"{error.filename}: {error.strerror}." if error.filename else str(error))
    except (ValueError, ModelError) as error:
        refuse(str(error))


def refuse(message: str, status: int = 2) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(status)


def main() -> None:
    app()
