"""Which file a command writes for each file that it reads."""

from collections.abc import Sequence
from pathlib import Path

from app.images.formats import ALIASES, FORMATS, HEAD_BYTES, Format, recognize_format
from app.tasks.filter import FilterRequest, name_result
from kernels.chain import gives_image


def plan_outputs(
    files: Sequence[Path], output: Path | None, request: FilterRequest, format: str | None
) -> list[tuple[Path, Path]]:
    """Pairs of input and output file. Raises ValueError if an output would overwrite an input or another output.

    An `output` without an extension is a folder, because a `Path` does not distinguish `results/` from `results`.
    """
    is_folder = output is not None and (output.is_dir() or not output.suffix)
    if output is not None and ((len(files) > 1 and not is_folder) or (is_folder and output.is_file())):
        raise ValueError(f"{output} is a file or has the name of one; {len(files)} results need a folder.")
    if output is not None and not is_folder and format is not None:
        implied = choose_output_format(files[0], output, request, None)
        if implied.name != format:
            raise ValueError(f"--format {format} and the name {output} do not agree. Leave one of them out.")
    plan = []
    for file in files:
        if output is not None and not is_folder:
            plan.append((file, output))
            continue
        name = name_result(file.name, request.steps, choose_output_format(file, None, request, format))
        plan.append((file, (output or file.parent) / name))
    check_overwriting(plan)
    return plan


def check_overwriting(plan: Sequence[tuple[Path, Path]]) -> None:
    inputs = {file.resolve() for file, _ in plan}
    targets: dict[Path, Path] = {}
    for file, target in plan:
        if target.resolve() in inputs:
            raise ValueError(f"{target} is one of the inputs and would be overwritten. Choose a folder: -o FOLDER.")
        if target.resolve() in targets:
            raise ValueError(
                f"{file} and {targets[target.resolve()]} have the same output, {target}. Filter them separately."
            )
        targets[target.resolve()] = file


def choose_output_format(file: Path, target: Path | None, request: FilterRequest, format: str | None) -> Format:
    """The format of the option, else that of the extension of the output, else that of the input."""
    if format is not None:
        return FORMATS[format]
    if target is not None:
        extension = target.suffix.lower().removeprefix(".")
        name = ALIASES.get(extension, extension)
        if name not in FORMATS:
            known = ", ".join(format.extension for format in FORMATS.values())
            raise ValueError(f"{target}: the extension '{target.suffix}' is unknown. Use {known}, or set --format.")
        return FORMATS[name]
    if not request.wants_sheet and not gives_image(request.all_steps):
        return FORMATS["npy"]
    try:
        with file.open("rb") as opened:
            input = recognize_format(opened.read(HEAD_BYTES))
        return FORMATS[input.written_as] if input else FORMATS["png"]
    except OSError:
        return FORMATS["png"]  # the error is reported when the file is processed
