"""Many images on the command line: all cores, a progress bar, and no input ever overwritten."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from rich.console import Console
from rich.progress import track

from app.images.errors import ImageError
from app.images.formats import ALIASES, FORMATS, READABLE, Format, recognize_format
from app.pool.ipc import Report
from app.pool.quiet_tensorflow import without_greeting
from app.settings import Settings
from app.tasks.filter import FilterRequest, OutputFormat, filter_image, name_result

HEAD_BYTES = 32


def find_images(paths: Sequence[Path]) -> list[Path]:
    """The files named, and the images (by their extension) in the folders named. Raises ValueError for none."""
    extensions = {f".{name}" for format in READABLE for name in (format.name, format.extension)} | {".jpeg", ".tiff"}
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(file for file in path.iterdir() if file.suffix.lower() in extensions and file.is_file())
        else:
            found.append(path)
    if not found:
        raise ValueError(f"No images in {', '.join(str(path) for path in paths)}.")
    return list(dict.fromkeys(found))


def plan_outputs(
    files: Sequence[Path], output: Path | None, request: FilterRequest, asked: str | None
) -> list[tuple[Path, Path]]:
    """Which file is written for which. Raises ValueError where one would overwrite an input or another result.

    An output without an extension is a folder: a `Path` does not tell `results/` from `results`.
    """
    to_folder = output is not None and (output.is_dir() or not output.suffix)
    if output is not None and ((len(files) > 1 and not to_folder) or (to_folder and output.is_file())):
        raise ValueError(f"{output} is a file, or named like one; {len(files)} results need a folder.")
    if output is not None and not to_folder and asked is not None:
        meant = choose_output_format(files[0], output, request, None)
        if meant.name != asked:
            raise ValueError(f"--format {asked} and the name {output} do not agree. Leave one of them out.")
    plan = []
    for file in files:
        if output is not None and not to_folder:
            plan.append((file, output))
            continue
        name = name_result(file.name, request.steps, choose_output_format(file, None, request, asked))
        plan.append((file, (output or file.parent) / name))
    inputs = {file.resolve() for file in files}
    targets: dict[Path, Path] = {}
    for file, target in plan:
        if target.resolve() in inputs:
            raise ValueError(f"{target} is one of the inputs; it would be overwritten. Say where to: -o FOLDER.")
        if target.resolve() in targets:
            raise ValueError(f"{file} and {targets[target.resolve()]} would both be written to {target}.")
        targets[target.resolve()] = file
    return plan


def choose_output_format(file: Path, target: Path | None, request: FilterRequest, asked: str | None) -> Format:
    """The format asked for, else the one of the output's extension, else the input's."""
    if asked is not None:
        return FORMATS[asked]
    if target is not None:
        extension = target.suffix.lower().removeprefix(".")
        name = ALIASES.get(extension, extension)
        if name not in FORMATS:
            raise ValueError(
                f"{target}: no format is known by the extension '{target.suffix}'; say --format, or one of "
                f"{', '.join(format.extension for format in FORMATS.values())}."
            )
        return FORMATS[name]
    if request.steps[-1].response == "raw":
        return FORMATS["npy"]
    try:
        with file.open("rb") as opened:
            return recognize_format(opened.read(HEAD_BYTES)) or FORMATS["png"]
    except OSError:
        return FORMATS["png"]  # it will be reported when it is read


def filter_files(
    plan: Sequence[tuple[Path, Path]], request: FilterRequest, settings: Settings, asked: str | None
) -> list[tuple[Path, str]]:
    """Filter every file, a bad one being no reason to stop. Returns the files that failed, and why."""
    from kernels.apply.conv2d import warm_up

    with without_greeting():
        warm_up()
    failures: dict[Path, str] = {}
    single = len(plan) == 1

    def filter_file(file: Path, target: Path) -> None:
        format = choose_output_format(file, target, request, asked)
        _, (result,) = filter_image(file.read_bytes(), request, settings, OutputFormat(format.name), Report())
        try:
            write_file(target, result)
        except OSError as error:
            raise ValueError(f"{target} cannot be written: {error.strerror}.") from error

    with ThreadPoolExecutor(settings.workers) as executor:
        tasks = {executor.submit(filter_file, file, target): file for file, target in plan}
        done = track(
            as_completed(tasks), "Filtering", len(tasks), console=Console(stderr=True), disable=single, transient=True
        )
        for task in done:
            try:
                task.result()
            except OSError as error:
                failures[tasks[task]] = error.strerror or str(error)
            except (ImageError, ValueError) as error:
                failures[tasks[task]] = str(error)
    return [(file, failures[file]) for file, _ in plan if file in failures]


def write_file(target: Path, data: bytes) -> None:
    """Write all of it or nothing: an interrupted run leaves no half-written image."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        partial.write_bytes(data)
        partial.replace(target)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
