"""Which files a command reads. It imports little, so that a mistyped name is reported at once."""

from collections.abc import Sequence
from pathlib import Path

from app.images.formats import READABLE_EXTENSIONS


def find_images(paths: Sequence[Path]) -> list[Path]:
    """The files among the paths, and the image files, by extension, in the folders. Raises ValueError for none."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(file for file in path.iterdir() if is_image(file) and file.is_file())
        else:
            found.append(path)
    if not found:
        raise ValueError(f"No image files in {', '.join(str(path) for path in paths)}.")
    return list(dict.fromkeys(found))


def is_image(file: Path) -> bool:
    return file.suffix.lower().removeprefix(".") in READABLE_EXTENSIONS


def find_unreadable(files: Sequence[Path]) -> dict[Path, str]:
    """The files that cannot be opened, and why. Called before TensorFlow is imported, which takes seconds."""
    reasons = {}
    for file in files:
        try:
            file.open("rb").close()
        except OSError as error:
            reasons[file] = error.strerror or str(error)
    return reasons


def read_operations(kernel: str) -> str:
    """The argument itself or, for `@FILE`, the text of the file. Raises OSError, or ValueError for bytes."""
    return Path(kernel[1:]).read_text("utf-8") if kernel.startswith("@") else kernel
