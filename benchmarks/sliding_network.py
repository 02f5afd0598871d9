"""Compare segmentation with a network that slides over whole lines.

    python -m benchmarks.sliding_network --mnist DIR [--dev FOLDER] [--count N] [--lines N]

A space displacement network (Matan et al., NIPS 1991; LeCun et al., Proc. IEEE 86, 1998): the dense layer becomes a
7x7 convolution, and the network classifies a window of 28x28 pixels every two pixels, at a few scales. It reads the
same ink of the same lines as the reader, once with the bundled weights and once with dense layers that are trained
further on windows from lines: windows beside a digit's centre are negatives.
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.difficult_pages import DIFFICULT_PAGES
from benchmarks.digits import HELD_OUT, count_common, draw_inks, format_share, open_image, read_labels
from benchmarks.paper_drawing import Ink, enlarge_ink
from benchmarks.papers import PAGES
from kernels.quiet_tensorflow import import_tensorflow
from models.calibration import score_not_a_digit
from models.network import FIELD, NOT_A_DIGIT
from models.reader.characters import classify_characters
from models.reader.illumination import flatten_illumination
from models.reader.inference import fold_batch_norm
from models.reader.page import PAGE_SIDE, enlarge_small, rate
from models.reader.preprocess import list_polarities, measure_stroke_width, reduce_to_grey, thicken_hairlines
from models.reader.reader import DigitReader
from models.reader.segmentation import extract_page_ink, find_characters, sort_to_lines
from models.training.data import split_validation
from models.training.mnist import LabelledImages, load_mnist
from models.types import Grey, Values

SCALES = (0.85, 1.0, 1.2, 1.45)  # heights of a digit that fills its window, in typical heights of the line
STRIDE = 4  # pixels of the line between two neighbours of the second pooling layer
SHIFTS = (0, 2)  # pixels: windows every two pixels instead of every four
MARGIN = 18  # pixels around a line
CELLS = FIELD // STRIDE  # positions of the second pooling layer in a window
NEAR, FAR = 2, 5  # pixels from a digit's centre: within the first a window is the digit, beyond the second it is not
APART = 0.45  # typical heights, at least, between two digits
THRESHOLDS = (-1.0, 1.0, 3.0, 5.0, 7.0)  # log odds of a digit, at least; the best one is reported


@dataclass(frozen=True)
class Head:
    """The dense layers: units (3136, 1024) with bias, outputs (1024, 11) with bias."""

    weights: tuple[Values, Values, Values, Values]

    def classify(self, windows: Values) -> Values:
        """Logits (n, 11) of windows (n, 3136)."""
        units, bias, outputs, output_bias = self.weights
        return np.asarray(np.maximum(windows @ units + bias, 0) @ outputs + output_bias, np.float32)


class Convolutions:
    """The bundled network's convolutions, over an image of any size."""

    def __init__(self, weights: Sequence[Values]) -> None:
        self._filters = [fold_batch_norm(weights[0], weights[1:5]), fold_batch_norm(weights[5], weights[6:10])]

    def compute_windows(self, ink: Grey) -> tuple[Values, NDArray[np.int64]]:
        """(features (n, 3136), left and top (n, 2) in pixels) of all windows of an image of at least 30x30 pixels."""
        tf = import_tensorflow()
        features, places = [], []
        for top in SHIFTS:
            for left in SHIFTS:
                maps = tf.constant(ink[None, top:, left:, None], tf.float32)
                for weight, bias in self._filters:
                    maps = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(maps, weight, 1, "SAME"), bias))
                    maps = tf.nn.max_pool2d(maps, 2, 2, "VALID")
                view = np.lib.stride_tricks.sliding_window_view(maps.numpy()[0], (CELLS, CELLS), (0, 1))
                rows, columns = view.shape[:2]
                features.append(view.transpose(0, 1, 3, 4, 2).reshape(rows * columns, -1))
                y, x = np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij")
                places.append(np.stack([x.ravel() * STRIDE + left, y.ravel() * STRIDE + top], axis=1))
        return np.concatenate(features), np.concatenate(places)


def list_lines(reader: DigitReader, image: NDArray[Any]) -> Iterator[tuple[Grey, float, float]]:
    """(ink (height, width), typical height, stroke) of each line of a page, both in pixels. Upright pages only."""
    grey, _ = enlarge_small(*reduce_to_grey(image, PAGE_SIDE))
    grey = flatten_illumination(grey)
    pages = []
    for polarity, _ in list_polarities(grey, "auto"):
        ink = extract_page_ink(grey, polarity)
        if not ink.is_blank:
            characters, labels = find_characters(ink)
            found = classify_characters(reader.classifier, ink, labels, characters)
            pages.append((rate(found) ** 2 * len(found), ink, characters, labels))
    if not pages:
        return
    _, ink, characters, labels = max(pages, key=lambda page: page[0])
    for line in sort_to_lines(characters):
        left, right = min(one.left for one in line), max(one.right for one in line)
        top, bottom = min(one.top for one in line), max(one.bottom for one in line)
        own = np.isin(labels[top:bottom, left:right], [label for one in line for label in one.labels])
        soft = cv2.dilate(own.astype(np.uint8), np.ones((3, 3), np.uint8))
        density = ink.density[top:bottom, left:right] * soft
        yield density, float(np.median([one.height for one in line])), max(measure_stroke_width(own), 1.0)


def slide(
    convolutions: Convolutions, heads: Sequence[Head], density: Grey, typical: float, stroke: float
) -> list[NDArray[np.float64]]:
    """For each head (centre from left to right in typical heights, log odds of a digit, digit) (n, 3)."""
    found: list[list[NDArray[np.float64]]] = [[] for _ in heads]
    for scale in SCALES:
        thick, _ = thicken_hairlines(density, stroke, round(typical * scale))
        factor = 20 / (typical * scale)
        size = (max(1, round(density.shape[1] * factor)), max(1, round(density.shape[0] * factor)))
        line = np.pad(cv2.resize(thick, size, interpolation=cv2.INTER_AREA), MARGIN)
        windows, places = convolutions.compute_windows(line)
        centred = is_centred(line, places)
        windows, places = windows[centred], places[centred]
        for head, rated in zip(heads, found, strict=True):
            logits = head.classify(windows)
            centres = (places[:, 0] + FIELD / 2 - MARGIN) / factor / typical
            rated.append(np.column_stack([centres, -score_not_a_digit(logits), logits[:, :NOT_A_DIGIT].argmax(axis=1)]))
    return [np.concatenate(rated) for rated in found]


def is_centred(line: Grey, places: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(n,): whether a window has ink in its middle columns, with the centre of mass near its middle row."""
    columns = np.pad(np.cumsum([line, line * np.arange(len(line))[:, None]], axis=2), ((0, 0), (0, 0), (1, 0)))
    rows = np.pad(np.cumsum(columns, axis=1), ((0, 0), (1, 0), (0, 0)))
    left, right = places[:, 0] + FIELD // 4, np.minimum(places[:, 0] + FIELD - FIELD // 4, line.shape[1])
    top, bottom = places[:, 1], np.minimum(places[:, 1] + FIELD, line.shape[0])
    mass, moment = rows[:, bottom, right] - rows[:, top, right] - rows[:, bottom, left] + rows[:, top, left]
    return np.asarray((mass > 5) & (np.abs(moment / np.maximum(mass, 1e-6) - top - FIELD / 2) <= FAR - 1))


def choose_windows(found: NDArray[np.float64], threshold: float) -> str:
    """The digits from left to right: the window with the highest log odds first, then others apart from it."""
    chosen: list[NDArray[np.float64]] = []
    for one in found[np.argsort(-found[:, 1])]:
        if one[1] < threshold:
            break
        if all(abs(one[0] - other[0]) >= APART for other in chosen):
            chosen.append(one)
    return "".join(str(int(one[2])) for one in sorted(chosen, key=lambda one: float(one[0])))


def draw_training_line(inks: Sequence[Ink], generator: np.random.Generator) -> tuple[Grey, NDArray[np.float64]]:
    """(ink of a line (height, width) in 0..1, centre of mass (n, 2) of each digit). Neighbours may touch or overlap."""
    line = np.zeros((20 + 2 * MARGIN + 8, 40 + 24 * len(inks)), np.float32)
    left, centres = float(MARGIN), []
    for ink in inks:
        digit = enlarge_ink(ink, 80)
        height = round(20 * generator.uniform(0.85, 1.15))
        width = max(2, round(height * digit.shape[1] / digit.shape[0]))
        small = np.asarray(cv2.resize(digit, (width, height), interpolation=cv2.INTER_AREA), np.float32)
        top, start = round(MARGIN + 4 + generator.normal(0, 1.5)), round(left)
        if start + width > line.shape[1] - 4 or top < 0:
            break
        part = line[top : top + height, start : start + width]
        np.maximum(part, small[: part.shape[0]], out=part)
        y, x = np.mgrid[:height, :width]
        centres.append((start + (x * small).sum() / small.sum(), top + (y * small).sum() / small.sum()))
        left += width + generator.choice([-1.5, 0, 1, 3, 6, 10])
    return line, np.array(centres)


def train_head(convolutions: Convolutions, head: Head, pool: LabelledImages, lines: int) -> Head:
    """The head after two epochs on windows of `lines` lines, and on as many fields of single digits."""
    import keras

    generator = np.random.default_rng(31)
    features, labels = [], []
    for _ in range(lines):
        rows = generator.choice(len(pool.images), int(generator.integers(3, 7)))
        line, centres = draw_training_line(list(pool.images[rows].astype(np.float32) / np.float32(255)), generator)
        windows, places = convolutions.compute_windows(line)
        away = np.abs(places[:, None] + FIELD / 2 - centres[None]).max(axis=2)  # (windows, digits)
        nearest, distance = away.argmin(axis=1), away.min(axis=1)
        target = np.where(distance <= NEAR, pool.labels[rows][nearest], NOT_A_DIGIT)
        for candidates, most in ((distance <= NEAR, 8), ((distance > FAR) & (windows.max(axis=1) > 0), 8)):
            chosen = generator.permutation(np.flatnonzero(candidates))[:most]
            features.append(windows[chosen].astype(np.float16))
            labels.append(target[chosen])
    rows = generator.choice(len(pool.images), lines)
    for row in rows:  # single digits remain digits
        windows, places = convolutions.compute_windows(np.pad(pool.images[row] / np.float32(255), ((0, 2), (0, 2))))
        features.append(windows[:1].astype(np.float16))
        labels.append(pool.labels[row : row + 1])
    units, bias, outputs, output_bias = head.weights
    network = keras.Sequential(
        [
            keras.layers.Input((units.shape[0],)),
            keras.layers.Dense(units.shape[1], activation="relu"),
            keras.layers.Dropout(0.5, seed=1),
            keras.layers.Dense(outputs.shape[1]),
        ]
    )
    network.set_weights([units, bias, outputs, output_bias])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    network.compile(keras.optimizers.Adam(3e-4), loss)
    keras.utils.set_random_seed(1)
    network.fit(np.concatenate(features), np.concatenate(labels).astype(np.int32), 128, 2, verbose=0)
    return Head(tuple(network.get_weights()))


def list_pages(pool: LabelledImages, dev: Path | None, count: int) -> Iterator[tuple[str, list[tuple[Any, str]]]]:
    """(kind, pages with the text of their only line)."""
    for name, draw_page in (PAGES | DIFFICULT_PAGES).items():
        if name in ("beside words", "badly lit", "sloping"):
            continue
        generator = np.random.default_rng(7)
        drawn = []
        for _ in range(count):
            labels, inks = draw_inks(pool, int(generator.integers(2, 9)), generator)
            drawn.append((draw_page(inks, generator), "".join(map(str, labels))))
        yield name, drawn
    for folder in [dev / name for name in ("pages", "multi")] if dev else []:
        _, rows = read_labels(folder)
        for kind in sorted({row.get("kind", "all") for row in rows}):
            chosen = [row for row in rows if row.get("kind", "all") == kind and "/" not in row["text"]]
            yield f"{folder.name}, {kind}", [(open_image(folder / row["file"]), row["text"]) for row in chosen]


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare segmentation with a network that slides over lines.")
    parser.add_argument("--mnist", type=Path, required=True, help="folder of MNIST's IDX files")
    parser.add_argument("--dev", type=Path, help="folder of development images")
    parser.add_argument("--count", type=int, default=60, help="synthetic pages of each kind")
    parser.add_argument("--lines", type=int, default=3000, help="lines to train on")
    given = parser.parse_args()
    reader = DigitReader.load()
    train, pool = split_validation(load_mnist(given.mnist).train, HELD_OUT)
    convolutions = Convolutions(reader._weights)
    dense, bias = fold_batch_norm(reader._weights[10], reader._weights[11:15])
    bundled = Head((dense, bias, *reader._weights[15:]))
    begin = time.process_time()
    heads = {"bundled": bundled, "trained on lines": train_head(convolutions, bundled, train, given.lines)}
    print(f"Training took {time.process_time() - begin:.0f} s of CPU.\n")
    print("| lines | reader | digits | whole lines | CPU a page |\n|---|---|---|---|---|")
    for kind, pages in list_pages(pool, given.dev, given.count):
        total = sum(len(text) for _, text in pages)
        begin = time.process_time()
        read = [reader.read(image).text.replace("\n", "") for image, _ in pages]
        seconds = time.process_time() - begin
        report(kind, "segmentation", read, pages, total, seconds)
        begin = time.process_time()
        found = [
            [slide(convolutions, list(heads.values()), *line) for line in list_lines(reader, image)]
            for image, _ in pages
        ]
        seconds = (time.process_time() - begin) / len(heads)
        for number, name in enumerate(heads):
            texts = [
                ["".join(choose_windows(line[number], one) for line in lines) for lines in found] for one in THRESHOLDS
            ]
            best = max(texts, key=lambda read: rate_texts(read, pages))
            report(kind, f"sliding, {name}", best, pages, total, seconds)


def rate_texts(read: Sequence[str], pages: Sequence[tuple[Any, str]]) -> int:
    """Correct digits minus surplus ones."""
    return sum(2 * count_common(one, text) - len(one) for one, (_, text) in zip(read, pages, strict=True))


def report(
    kind: str, name: str, read: Sequence[str], pages: Sequence[tuple[Any, str]], total: int, seconds: float
) -> None:
    correct = sum(count_common(one, text) for one, (_, text) in zip(read, pages, strict=True))
    surplus = sum(map(len, read)) - correct
    whole = sum(one == text for one, (_, text) in zip(read, pages, strict=True))
    share, each = format_share(correct, total), 1000 * seconds / len(pages)
    print(f"| {kind} | {name} | {share}; {surplus} surplus | {whole}/{len(pages)} | {each:.0f} ms |", flush=True)


if __name__ == "__main__":
    main()
