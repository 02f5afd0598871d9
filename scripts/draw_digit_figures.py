"""Read MNIST's test images with the digit reader, draw docs/images/digits-*.png and print the numbers.

.venv/bin/python -m scripts.draw_digit_figures [--data DIR]
"""

import argparse
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from benchmarks.digits import classify_all, format_share
from models.calibration import find_wilson_interval, measure_calibration_error
from models.reader.reader import DigitReader
from models.training.mnist import LabelledImages, load_mnist

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs/images"
BINS = 10  # of the reliability diagram
LOWEST = 0.3  # confidence at the start of the diagram's axis
COLOURS = 64  # per image: enough for greys and two tints
TILE = 112  # pixels a side of a mistake: four for each pixel of the field
COLUMNS = 8  # of the sheet of mistakes

WHITE, BLACK, GREY, PALE = (255, 255, 255), (30, 30, 30), (120, 120, 120), (225, 225, 225)
BLUE, RED = (25, 85, 170), (190, 40, 40)
VERDICT_COLOURS = {"digit": RED, "unsure": BLUE, "not_a_digit": GREY, "blank": GREY}
Rgb = tuple[int, int, int]


@dataclass(frozen=True)
class Results:
    """The readings of all images. `digits` and `seconds` are -1 if there is none."""

    labels: NDArray[np.int64]
    digits: NDArray[np.int64]
    seconds: NDArray[np.int64]  # the most likely alternative
    confidences: NDArray[np.float64]
    verdicts: list[str]

    @property
    def correct(self) -> NDArray[np.bool_]:
        return np.asarray(self.labels == self.digits)


class Sheet:
    """A white image to draw and write on."""

    def __init__(self, width: int, height: int) -> None:
        self.image = Image.new("RGB", (width, height), WHITE)
        self.draw = ImageDraw.Draw(self.image)

    def write(self, text: str, x: float, y: float, size: float = 15, colour: Rgb = BLACK, anchor: str = "lm") -> None:
        self.draw.text((x, y), text, colour, ImageFont.load_default(size), anchor)

    def save(self, name: str) -> None:
        self.image.quantize(COLOURS).save(IMAGES / name, optimize=True)


def read_all(images: LabelledImages) -> Results:
    readings = classify_all(DigitReader.load(), list(images.images))
    return Results(
        labels=images.labels.astype(np.int64),
        digits=np.array([-1 if one.digit is None else one.digit for one in readings]),
        seconds=np.array([one.alternatives[0].digit if one.alternatives else -1 for one in readings]),
        confidences=np.array([one.confidence for one in readings]),
        verdicts=[one.verdict for one in readings],
    )


def split_by_doubt(confidences: NDArray[np.float64], bins: int) -> list[NDArray[np.intp]]:
    """Indices in bins with equal numbers of expected mistakes, the least confident bin first.

    With bins of equal count, all mistakes would be in the first bin: nearly all images have a confidence above 0.99.
    """
    order = np.argsort(confidences, kind="stable")
    expected = np.cumsum(1 - confidences[order])
    cuts = np.searchsorted(expected, expected[-1] * np.arange(1, bins) / bins)
    return [part for part in np.split(order, cuts) if len(part)]


def measure_bin_error(results: Results, parts: list[NDArray[np.intp]]) -> float:
    """Expected calibration error over the bins, 0..1."""
    gaps = [abs(results.confidences[part].mean() - results.correct[part].mean()) * len(part) for part in parts]
    return float(sum(gaps) / len(results.labels))


def draw_reliability(results: Results) -> None:
    left, top, side = 70, 60, 460
    sheet = Sheet(1100, 600)

    def place(confidence: float, share: float) -> tuple[float, float]:
        return left + side * (confidence - LOWEST) / (1 - LOWEST), top + side * (1 - share)

    for share in np.arange(0, 1.01, 0.2):
        y = place(LOWEST, share)[1]
        sheet.draw.line([(left, y), (left + side, y)], PALE)
        sheet.write(f"{100 * share:.0f} %", left - 8, y, anchor="rm")
    for share in np.arange(LOWEST, 1.01, 0.1):
        x = place(share, 0)[0]
        sheet.draw.line([(x, top), (x, top + side)], PALE)
        sheet.write(f"{100 * share:.0f} %", x, top + side + 16, anchor="mm")
    sheet.draw.line([place(LOWEST, LOWEST), place(1, 1)], GREY, 2)
    sheet.write("share of correct answers with 95 % interval (Wilson)", left, 36)
    sheet.write("confidence; both are equal on the grey line", left + side / 2, top + side + 42, anchor="mm")

    columns = (690, 755, 825, 885, 955, 1080)
    for heading, x in zip(("confidence", "mean", "images", "wrong", "correct", "95 % interval"), columns, strict=True):
        sheet.write(heading, x, 80, colour=GREY, anchor="rm")
    parts = split_by_doubt(results.confidences, BINS)
    for row, part in enumerate(parts):
        given, correct = results.confidences[part], int(results.correct[part].sum())
        low, high = find_wilson_interval(correct, len(part))
        x, y = place(float(given.mean()), correct / len(part))
        sheet.draw.line([place(float(given.mean()), low), place(float(given.mean()), high)], BLUE, 2)
        sheet.draw.line([place(float(given.min()), correct / len(part)), (place(float(given.max()), 0)[0], y)], BLUE, 2)
        sheet.draw.ellipse([x - 5, y - 5, x + 5, y + 5], BLUE)
        cells = (
            f"{100 * given.min():.1f}-{100 * given.max():.1f} %",
            f"{100 * given.mean():.2f}",
            str(len(part)),
            str(len(part) - correct),
            f"{100 * correct / len(part):.2f}",
            f"{100 * low:.2f}-{100 * high:.2f}",
        )
        for cell, x in zip(cells, columns, strict=True):
            sheet.write(cell, x, 110 + 28 * row, anchor="rm")
    expected = float((1 - results.confidences).sum())
    equal_count = measure_calibration_error(results.confidences, results.correct)
    notes = (
        f"Expected calibration error: {100 * equal_count:.2f} % over 15 bins of equal count,",
        f"{100 * measure_bin_error(results, parts):.2f} % over these bins.",
        f"Mistakes: {int((~results.correct).sum())}; expected by the confidences: {expected:.1f}.",
        f"Expected mistakes in each bin: {expected / len(parts):.1f}.",
    )
    for row, note in enumerate(notes):
        sheet.write(note, 590, 420 + 26 * row)
    sheet.save("digits-reliability.png")


def count_confusions(results: Results) -> NDArray[np.int64]:
    """The number of images of a digit (row) read as each digit (column); the last column is blank."""
    table = np.zeros((10, 11), np.int64)
    np.add.at(table, (results.labels, results.digits), 1)  # -1 is the last column
    return table


def draw_confusion(results: Results) -> None:
    cell, left, top = 52, 110, 90
    sheet = Sheet(left + 11 * cell + 40, top + 10 * cell + 30)
    table = count_confusions(results)[:, :10]
    most = max(int((table - np.diag(table.diagonal())).max()), 1)
    sheet.write("read as", left + 5 * cell, 24, anchor="mm")
    sheet.write("label", 38, top + 5 * cell, anchor="mm")
    sheet.write("correct", left + 10.6 * cell, 60, colour=GREY, anchor="mm")
    for digit in range(10):
        sheet.write(str(digit), left + (digit + 0.5) * cell, 60, 20, anchor="mm")
        y = top + (digit + 0.5) * cell
        sheet.write(str(digit), left - 24, y, 20, anchor="mm")
        total = int((results.labels == digit).sum())
        sheet.write(
            f"{100 * table[digit, digit] / max(total, 1):.1f} %", left + 10.6 * cell, y, colour=GREY, anchor="mm"
        )
        for read in range(10):
            count, x = int(table[digit, read]), left + read * cell
            depth = count / most if digit != read else 0.0
            shade = tuple(round(white + depth * 0.75 * (red - white)) for white, red in zip(WHITE, RED, strict=True))
            fill = (222, 235, 222) if digit == read else shade
            sheet.draw.rectangle([x, top + digit * cell, x + cell, top + (digit + 1) * cell], fill, PALE)
            if count:
                sheet.write(str(count), x + cell / 2, y, 15 if digit == read else 19, anchor="mm")
    sheet.save("digits-confusion.png")


def draw_mistakes(images: NDArray[np.uint8], results: Results) -> None:
    """Every image that is misread, black on white, sorted by label and answer."""
    wrong = sorted(np.flatnonzero(~results.correct), key=lambda i: (results.labels[i], results.digits[i], i))
    width, height, top = TILE + 24, TILE + 62, 40
    sheet = Sheet(COLUMNS * width, top + -(-len(wrong) // COLUMNS) * height)
    x = 12
    sheet.write("label -> read as, confidence; verdict:", x, 18)
    for verdict, x in (("digit", 270), ("unsure", 330), ("not_a_digit", 400)):
        sheet.write(verdict, x, 18, colour=VERDICT_COLOURS[verdict])
    for position, i in enumerate(wrong):
        row, column = divmod(position, COLUMNS)
        x, y = column * width + 12, top + row * height
        tile = Image.fromarray(255 - images[i]).resize((TILE, TILE), Image.Resampling.NEAREST)
        sheet.image.paste(tile, (x, y))
        sheet.draw.rectangle([x, y, x + TILE, y + TILE], outline=PALE)
        read = "blank" if results.digits[i] < 0 else str(results.digits[i])
        colour = VERDICT_COLOURS[results.verdicts[i]]
        text = f"{results.labels[i]} -> {read}   {100 * results.confidences[i]:.0f} %"
        sheet.write(text, x, y + TILE + 14, 17, colour)
        sheet.write(f"no. {i}", x, y + TILE + 34, 12, GREY)
    sheet.save("digits-mistakes.png")


def print_figures(results: Results) -> None:
    wrong = np.flatnonzero(~results.correct)
    print(f"correct: {format_share(int(results.correct.sum()), len(results.labels))}")
    for verdict, count in Counter(results.verdicts).most_common():
        print(f"verdict {verdict}: {count}, wrong {sum(results.verdicts[i] == verdict for i in wrong)}")
    confused = Counter((int(results.labels[i]), int(results.digits[i])) for i in wrong)
    print("label -> read as: " + ", ".join(f"{label} -> {read}: {n}" for (label, read), n in confused.most_common()))
    print(f"the second guess is correct for {int((results.seconds == results.labels)[wrong].sum())} of {len(wrong)}")
    equal_count = measure_calibration_error(results.confidences, results.correct)
    equal_doubt = measure_bin_error(results, split_by_doubt(results.confidences, BINS))
    print(
        f"calibration error: {equal_count:.5f} over 15 bins of equal count, {equal_doubt:.5f} over the diagram's bins"
    )
    print(f"mistakes: {len(wrong)}, expected by the confidences: {(1 - results.confidences).sum():.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw the figures of the accuracy of the digit reader.")
    parser.add_argument("--data", type=Path, help="folder of MNIST's IDX files (default: download MNIST)")
    test = load_mnist(parser.parse_args().data).test
    results = read_all(test)
    draw_reliability(results)
    draw_confusion(results)
    draw_mistakes(test.images, results)
    print_figures(results)


if __name__ == "__main__":
    main()
