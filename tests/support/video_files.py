"""Videos for the fake camera of Chromium."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def write_y4m(path: Path, frames: Iterable[NDArray[np.uint8]], frames_per_second: int = 30) -> None:
    """Write grey frames (height, width), both sides even, as YUV 4:2:0. Source: https://wiki.multimedia.cx/index.php/YUV4MPEG2."""
    with path.open("wb") as file:
        for number, frame in enumerate(frames):
            height, width = frame.shape
            if number == 0:
                file.write(f"YUV4MPEG2 W{width} H{height} F{frames_per_second}:1 Ip A1:1 C420jpeg\n".encode())
            file.write(b"FRAME\n" + frame.tobytes() + bytes([128]) * (height * width // 2))
