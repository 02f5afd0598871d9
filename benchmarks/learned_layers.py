"""What `POST /learn?layers=2` gains over the best single kernel, on a folder of photographs.

.venv/bin/python -m benchmarks.learned_layers FOLDER [--filters 8] [--size 3] [--steps 1000] [--side 640]

For each photograph (its middle of `side` pixels) and each operation, the layers are trained. PSNR is that of the
held-out values.
"""

import argparse
import asyncio
import json
import time
from collections import defaultdict
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from PIL import Image

from app.cli.learn_output import LocalRunner
from app.settings import Settings
from app.tasks.context import TaskContext
from app.tasks.learn import LearnParams
from app.tasks.learn_layers import LayersParams, follow_layers
from kernels.apply.conv2d import warm_up
from kernels.catalogue import Catalogue
from kernels.errors import KernelParameterError
from tests.support.images import encode
from tests.support.nonlinear import NONLINEAR


async def learn(before: Any, after: Any, params: LayersParams) -> dict[str, Any]:
    """The last event, as a document."""
    runner = LocalRunner(TaskContext(Settings(), Catalogue()))
    documents = [event async for event in follow_layers(runner, encode(before), encode(after), params)]
    lesson: dict[str, Any] = json.loads(documents[-1].document)
    return lesson


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--filters", type=int, default=8)
    parser.add_argument("--size", type=int, default=3)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--side", type=int, default=640)
    parser.add_argument("--only", default="", help="names of operations, separated by commas")
    options = parser.parse_args()
    warm_up()  # one thread, as in a worker
    params = LayersParams(LearnParams(options.size, "auto"), options.filters, options.steps)
    names = options.only.split(",") if options.only else list(NONLINEAR)
    rows = defaultdict(list)
    print("operation, photograph: single kernel, layers, gain in dB; shared; seconds")
    for path in sorted(path for path in options.folder.iterdir() if path.suffix in (".png", ".jpg")):
        with Image.open(path) as image:
            whole = np.asarray(image.convert("RGB"))
        top, left = (max(0, (length - options.side) // 2) for length in whole.shape[:2])
        middle = np.s_[top : top + options.side, left : left + options.side]
        for name in names:
            started = time.monotonic()
            try:
                lesson = asyncio.run(learn(whole[middle], NONLINEAR[name](whole[middle]), params))
            except KernelParameterError as error:
                print(f"{name}, {path.name}: {error}", flush=True)
                continue
            seconds = time.monotonic() - started
            rows[name].append((lesson["kernel_psnr_db"], lesson["psnr_db"], lesson["gain_db"], seconds))
            print(
                f"{name}, {path.name}: {lesson['kernel_psnr_db']:.1f}, {lesson['psnr_db']:.1f}, "
                f"{lesson['gain_db']:.1f}; {lesson['shared']}; {seconds:.1f}",
                flush=True,
            )
    print("\n| operation | single kernel, dB | two layers, dB | gain, dB | seconds |")
    print("| --- | --- | --- | --- | --- |")
    for name, measured in rows.items():
        kernel, layers, gain, seconds = zip(*measured, strict=True)
        gains = f"{median(gain):.1f} ({min(gain):.1f} to {max(gain):.1f})"
        print(f"| {name} | {median(kernel):.1f} | {median(layers):.1f} | {gains} | {median(seconds):.1f} |")


if __name__ == "__main__":
    main()
