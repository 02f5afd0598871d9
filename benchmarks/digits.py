"""Measure the accuracy of the digit reader.

    python -m benchmarks.digits FOLDER [--mnist DIR] [--papers N] [--model DIR]

Each subfolder of FOLDER has images and a `labels.csv` or `kinds.csv` with a column `label` (one digit), `text` (several
digits, with "/" between lines) or `kind` (of an image that is not a digit).
"""

import argparse
import csv
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from benchmarks.corruptions import CORRUPTIONS, corrupt_images
from benchmarks.difficult_pages import (
    DIFFICULT_DIGITS,
    DIFFICULT_NON_DIGITS,
    DIFFICULT_PAGES,
    TWO_LINES,
    divide_into_lines,
)
from benchmarks.paper_drawing import Ink
from benchmarks.papers import NON_DIGITS, PAGES, SINGLE_DIGITS
from models.calibration import find_wilson_interval, measure_calibration_error
from models.reader.reader import DigitReader
from models.reader.results import Reading
from models.reader.weights import BUNDLED_FOLDER
from models.training.data import split_validation
from models.training.mnist import LabelledImages, load_mnist
from models.training.synthetic_digits import draw_digits

LISTS = ("labels.csv", "kinds.csv")
CHUNK = 256  # images per call
HELD_OUT = 5000  # MNIST training images that the bundled model was not trained on


def open_image(path: Path) -> NDArray[Any]:
    """The pixels with EXIF orientation applied; palettes and CMYK as RGBA."""
    with Image.open(path) as image:
        turned = ImageOps.exif_transpose(image)
        if turned.mode not in ("L", "RGB", "RGBA", "I;16"):
            turned = turned.convert("RGBA")
        return np.asarray(turned)


def read_labels(folder: Path) -> tuple[str, list[dict[str, str]]]:
    """(name of the column with the ground truth, rows) of a folder's labels.csv or kinds.csv."""
    name = next(name for name in LISTS if (folder / name).exists())
    with (folder / name).open(newline="") as file:
        rows = list(csv.DictReader(file))
    column = next(name for name in ("label", "text", "kind") if name in rows[0])
    return column, rows


def classify_all(reader: DigitReader, images: Sequence[NDArray[Any]]) -> list[Reading]:
    return [
        reading for start in range(0, len(images), CHUNK) for reading in reader.classify(images[start : start + CHUNK])
    ]


def format_share(correct: int, count: int) -> str:
    low, high = find_wilson_interval(correct, count)
    return f"{correct}/{count} = {100 * correct / count:.1f} % ({100 * low:.1f}-{100 * high:.1f})"


def report_digits(reader: DigitReader, folder: Path, rows: list[dict[str, str]]) -> Iterator[str]:
    readings = classify_all(reader, [open_image(folder / row["file"]) for row in rows])
    correct = np.array([str(one.digit) == row["label"] for one, row in zip(readings, rows, strict=True)])
    confidences = np.array([one.confidence for one in readings])
    accepted = sum(one.verdict == "digit" for one in readings)
    rejected = sum(one.verdict in ("not_a_digit", "blank") for one in readings)
    sure_wrong = sum(one.verdict == "digit" and not ok for one, ok in zip(readings, correct, strict=True))
    yield f"| {folder.name} | {format_share(int(correct.sum()), len(rows))} |"
    yield f"|   verdict digit | {accepted}; wrong {sure_wrong}; rejected {rejected} |"
    yield f"|   calibration error | {100 * measure_calibration_error(confidences, correct):.1f} % |"
    sources: dict[str, list[bool]] = defaultdict(list)
    for row, ok in zip(rows, correct, strict=True):
        sources[row.get("note", "")].append(bool(ok))
    for note, results in sources.items():
        yield f"|   {note} | {sum(results)}/{len(results)} |"
    for row, one, ok in zip(rows, readings, correct, strict=True):
        if not ok:
            said = f"{one.digit} ({one.verdict}, {one.confidence:.2f})"
            yield f"|   mistake {row['file']} | {row['label']} read as {said} |"


def report_others(reader: DigitReader, folder: Path, rows: list[dict[str, str]]) -> Iterator[str]:
    readings = classify_all(reader, [open_image(folder / row["file"]) for row in rows])
    kinds: dict[str, list[str]] = defaultdict(list)
    for row, one in zip(rows, readings, strict=True):
        kinds[row["kind"]].append(one.verdict)
    accepted = sum(one.verdict in ("digit", "unsure") for one in readings)
    sure = sum(one.verdict == "digit" for one in readings)
    yield f"| {folder.name}: not rejected | {format_share(accepted, len(rows))}; verdict digit {sure} |"
    texts = sum(bool(reader.read(open_image(folder / row["file"])).text) for row in rows)
    yield f"| {folder.name}: text by `read` | {texts}/{len(rows)} |"
    for kind, verdicts in kinds.items():
        yield f"|   {kind} | {sum(one in ('digit', 'unsure') for one in verdicts)}/{len(verdicts)} |"


def report_pages(reader: DigitReader, folder: Path, rows: list[dict[str, str]]) -> Iterator[str]:
    mistakes = []
    counts: dict[str, list[int]] = defaultdict(lambda: [0] * 4)  # digits correct, digits, lines correct, lines
    for row in rows:
        read = "/".join(reader.read(open_image(folder / row["file"])).lines)
        found, wanted = read.split("/"), row["text"].split("/")
        plain, text = read.replace("/", ""), row["text"].replace("/", "")
        result = [count_common(plain, text), len(text), sum(one in found for one in wanted), len(wanted)]
        for name in {"all", row.get("kind", "all")}:
            counts[name] = [one + more for one, more in zip(counts[name], result, strict=True)]
        if read != row["text"]:
            mistakes.append(f"|   mistake {row['file']} | {row['text']} read as {read} |")
    for name, (digits_correct, digits, lines_correct, lines) in sorted(counts.items()):
        yield f"| {folder.name}, {name}: digits | {format_share(digits_correct, digits)} |"
        yield f"| {folder.name}, {name}: whole lines | {format_share(lines_correct, lines)} |"
    yield from mistakes


def count_common(read: str, wanted: str) -> int:
    """The length of the longest common subsequence: correct digits in the correct order."""
    lengths = np.zeros((len(read) + 1, len(wanted) + 1), int)
    for i, one in enumerate(read, 1):
        for j, other in enumerate(wanted, 1):
            lengths[i, j] = lengths[i - 1, j - 1] + 1 if one == other else max(lengths[i - 1, j], lengths[i, j - 1])
    return int(lengths[-1, -1])


REPORTS = {"label": report_digits, "kind": report_others, "text": report_pages}


def report_mnist(reader: DigitReader, folder: Path, count: int) -> Iterator[str]:
    """MNIST's test images, and their corruptions, through the whole reader."""
    test = load_mnist(folder).test
    readings = classify_all(reader, list(test.images))
    correct = np.array([one.digit == label for one, label in zip(readings, test.labels, strict=True)])
    rejected = sum(one.verdict == "not_a_digit" for one in readings)
    yield f"| MNIST test | {format_share(int(correct.sum()), len(correct))}; rejected {rejected} |"
    generator = np.random.default_rng(16)
    shares = []
    for name in CORRUPTIONS:
        corrupted = corrupt_images(test.images[:count], name, generator)
        readings = classify_all(reader, list(corrupted))
        hits = [one.digit == label for one, label in zip(readings, test.labels[:count], strict=True)]
        shares.append(float(np.mean(hits)))
        yield f"|   {name} | {100 * shares[-1]:.1f} % |"
    yield f"| MNIST-C, reimplemented, mean of {len(shares)}, {count} images each | {100 * np.mean(shares):.1f} % |"


def draw_inks(pool: LabelledImages, count: int, generator: np.random.Generator) -> tuple[list[int], list[Ink]]:
    """(labels, inks (28, 28)) of digits held out of training; one in five is a synthetic European digit."""
    rows = generator.choice(len(pool.images), count)
    labels, images = pool.labels[rows].astype(int), pool.images[rows].copy()
    drawn = generator.random(count) < 0.2
    if drawn.any():
        images[drawn] = draw_digits(labels[drawn], generator)
    return labels.tolist(), list(images.astype(np.float32) / np.float32(255))


def report_papers(reader: DigitReader, folder: Path, count: int) -> Iterator[str]:
    """`count` images of each kind in `benchmarks.papers`, through `classify` and `read`."""
    _, pool = split_validation(load_mnist(folder).train, HELD_OUT)
    for name, draw_digit in (SINGLE_DIGITS | DIFFICULT_DIGITS).items():
        generator = np.random.default_rng(5)
        labels, inks = draw_inks(pool, count, generator)
        images = [draw_digit(ink, generator) for ink in inks]
        readings = classify_all(reader, images)
        correct = sum(one.digit == label for one, label in zip(readings, labels, strict=True))
        accepted = sum(one.verdict == "digit" for one in readings)
        pages = sum(reader.read(one).text == str(label) for one, label in zip(images, labels, strict=True))
        yield f"| {name} | {format_share(correct, count)}; verdict digit {accepted}; correct by `read` {pages} |"
    for name, draw_non_digit in (NON_DIGITS | DIFFICULT_NON_DIGITS).items():
        generator = np.random.default_rng(6)
        images = [draw_non_digit(generator) for _ in range(count)]
        accepted = sum(one.verdict == "digit" for one in classify_all(reader, images))
        pages = sum(bool(reader.read(one).text) for one in images)
        yield f"| {name}: read as a digit | {accepted} of {count} by `classify`, {pages} by `read` |"
    for name, draw_page in (PAGES | DIFFICULT_PAGES | TWO_LINES).items():
        generator = np.random.default_rng(7)
        digits = digits_correct = line_count = lines_correct = spurious = 0
        for _ in range(count):
            labels, inks = draw_inks(pool, int(generator.integers(2, 9)), generator)
            text = "".join(map(str, labels))
            wanted = divide_into_lines(text) if name in TWO_LINES else [text]
            lines = reader.read(draw_page(inks, generator)).lines
            found = sum(max((count_common(line, one) for line in lines), default=0) for one in wanted)
            digits, digits_correct = digits + len(text), digits_correct + found
            line_count, lines_correct = line_count + len(wanted), lines_correct + sum(one in lines for one in wanted)
            spurious += sum(map(len, lines)) - found
        yield f"| {name}: digits | {format_share(digits_correct, digits)}; {spurious} spurious |"
        yield f"| {name}: whole lines | {format_share(lines_correct, line_count)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the accuracy of the digit reader.")
    parser.add_argument("folder", type=Path, nargs="?", help="folder of subfolders with images and a labels.csv")
    parser.add_argument("--mnist", type=Path, help="folder of MNIST's IDX files")
    parser.add_argument("--corrupted", type=int, default=1000, help="test images for each corruption")
    parser.add_argument("--papers", type=int, default=0, help="synthetic images of each kind in benchmarks.papers")
    parser.add_argument("--model", type=Path, default=BUNDLED_FOLDER, help="model folder")
    given = parser.parse_args()
    reader = DigitReader.load(given.model)
    print(f"Model {reader.model}, weights {reader.card['weights_sha256'][:12]}\n\n| what | result |\n|---|---|")
    if given.folder is not None:
        for folder in sorted({path.parent for name in LISTS for path in given.folder.glob(f"*/{name}")}):
            column, rows = read_labels(folder)
            for line in REPORTS[column](reader, folder, rows):
                print(line, flush=True)
    if given.mnist is not None:
        for line in report_mnist(reader, given.mnist, given.corrupted):
            print(line, flush=True)
        if given.papers:
            for line in report_papers(reader, given.mnist, given.papers):
                print(line, flush=True)


if __name__ == "__main__":
    main()
