"""Reports of a training run: the progress bar, TensorBoard summaries, and curves as PNG and JSON."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

History = list[dict[str, float]]  # one row per epoch

COLOURS = ((180, 90, 20), (30, 120, 220), (40, 140, 40), (150, 40, 150))  # as (blue, green, red)


def create_progress(shown: bool) -> Progress:
    """A progress bar on standard error, if this is a terminal. Its tasks have a field `figures`."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[figures]}"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not shown or not console.is_terminal,
    )


class SummaryWriter:
    """Writes TensorBoard event files, without the tensorboard package."""

    def __init__(self, folder: Path) -> None:
        import tensorflow as tf

        self.writer = tf.summary.create_file_writer(str(folder))

    def write_scalars(self, step: int, values: dict[str, float]) -> None:
        import tensorflow as tf

        summary = tf.compat.v1.Summary()
        for tag, value in values.items():
            summary.value.add(tag=tag, simple_value=value)
        self._write(summary, step)

    def write_image(self, step: int, tag: str, image: NDArray[np.uint8]) -> None:
        """Write a grey image (height, width)."""
        import tensorflow as tf

        summary = tf.compat.v1.Summary()
        encoded = cv2.imencode(".png", image)[1].tobytes()
        height, width = image.shape
        summary.value.add(
            tag=tag,
            image=tf.compat.v1.Summary.Image(height=height, width=width, colorspace=1, encoded_image_string=encoded),
        )
        self._write(summary, step)

    def _write(self, summary: Any, step: int) -> None:
        import tensorflow as tf

        with self.writer.as_default():
            tf.summary.experimental.write_raw_pb(summary.SerializeToString(), step=step)
        self.writer.flush()


def tile_images(images: NDArray[np.floating], scale: int = 4) -> NDArray[np.uint8]:
    """Images (n, height, width) of any range in a grid, each stretched to 0..255."""
    count = len(images)
    columns = int(np.ceil(np.sqrt(count)))
    height, width = images.shape[1] + 1, images.shape[2] + 1
    sheet = np.zeros((-(-count // columns) * height, columns * width), np.uint8)
    for number, image in enumerate(images):
        low, high = float(image.min()), float(image.max())
        row, column = divmod(number, columns)
        tile = (image - low) / max(high - low, 1e-9) * 255
        sheet[row * height : (row + 1) * height - 1, column * width : (column + 1) * width - 1] = tile
    return sheet.repeat(scale, axis=0).repeat(scale, axis=1)


def save_curves(history: History, folder: Path) -> None:
    """Write `curves.json`, with one row per epoch, and `curves.png`, with loss and accuracy over the epochs."""
    (folder / "curves.json").write_text(json.dumps(history, indent=1) + "\n")
    losses = {name: [row[name] for row in history] for name in history[0] if name.endswith("loss")}
    accuracies = {name: [row[name] for row in history] for name in history[0] if name.endswith("accuracy")}
    sheet = np.vstack([draw_plot("loss", losses), draw_plot("accuracy", accuracies)])
    cv2.imwrite(str(folder / "curves.png"), sheet)


def draw_plot(title: str, series: dict[str, list[float]], width: int = 720, height: int = 320) -> NDArray[np.uint8]:
    sheet = np.full((height, width, 3), 255, np.uint8)
    left, right, top, bottom = 80, width - 170, 30, height - 40
    values = np.array([value for row in series.values() for value in row])
    low, high = float(values.min()), float(values.max())
    high = high if high > low else low + 1e-6
    epochs = len(next(iter(series.values())))

    def write(text: str, x: int, y: int, colour: tuple[int, int, int] = (60, 60, 60)) -> None:
        cv2.putText(sheet, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 0.42, colour, 1, cv2.LINE_AA)

    write(title, left, 18)
    for share in (0, 0.25, 0.5, 0.75, 1):
        y = round(bottom - share * (bottom - top))
        cv2.line(sheet, (left, y), (right, y), (225, 225, 225), 1)
        write(f"{low + share * (high - low):.4g}", 8, y + 4)
    write("epoch 1", left, bottom + 20)
    write(str(epochs), right - 12, bottom + 20)
    for number, (name, row) in enumerate(series.items()):
        colour = COLOURS[number % len(COLOURS)]
        xs = np.linspace(left, right, epochs) if epochs > 1 else np.array([left, right])
        ys = bottom - (np.array(row if epochs > 1 else row * 2) - low) / (high - low) * (bottom - top)
        points = np.round(np.stack([xs, ys], axis=1)).astype(np.int32)
        cv2.polylines(sheet, [points], False, colour, 2, cv2.LINE_AA)
        write(name.replace("_", " "), right + 12, top + 14 + 20 * number, colour)
    return sheet
