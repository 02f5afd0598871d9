"""Filter files on all cores, with a progress bar."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from app.archive.storage import write_local_file
from app.cli.image_files import choose_output_format
from app.cli.progress import show_progress
from app.images.errors import ImageError
from app.pool.ipc import Report
from app.settings import Settings
from app.tasks.filter import FilterRequest, OutputFormat, filter_image
from kernels.apply.conv2d import warm_up


def filter_files(
    plan: Sequence[tuple[Path, Path]], request: FilterRequest, settings: Settings, format: str | None
) -> list[tuple[Path, str]]:
    """Filter the first file of each pair into the second. Returns the files that failed, and why."""
    warm_up()  # in one thread: several would import TensorFlow at the same time
    failures: dict[Path, str] = {}

    def filter_file(file: Path, target: Path) -> None:
        output = OutputFormat(choose_output_format(file, target, request, format).written_as)
        _, (result,) = filter_image(file.read_bytes(), request, settings, output, Report())
        write_local_file(target, result)

    with ThreadPoolExecutor(settings.workers) as executor:
        tasks = {executor.submit(filter_file, file, target): file for file, target in plan}
        for task in show_progress(as_completed(tasks), "Filtering", len(tasks)):
            try:
                task.result()
            except OSError as error:
                failures[tasks[task]] = error.strerror or str(error)
            except (ImageError, ValueError) as error:
                failures[tasks[task]] = str(error)
    return [(file, failures[file]) for file, _ in plan if file in failures]
