"""Draw the images of docs/explanation/kernel-to-layer.md from the service's own sample.

.venv/bin/python scripts/draw_layer_figures.py
"""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.settings import Settings
from app.tasks.catalogue import load_catalogue
from app.tasks.gallery import arrange_tiles
from app.tasks.map_sheet import draw_map_sheet
from app.tasks.samples import encode_sample
from kernels import convolve_in_steps
from kernels.apply.filter import apply_steps
from kernels.chain import resolve_chain
from kernels.settings import Operation

IMAGES = Path(__file__).resolve().parent.parent / "docs/explanation/kernel-to-layer"
COLOURS = 128  # per image
SIDE_PX = 240

BLUR = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]]) / 16
COPIES = np.broadcast_to(BLUR[:, :, None, None], (3, 3, 3, 3))
DIAGONAL = BLUR[:, :, None, None] * np.eye(3)
LEFT = np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]]) / 4
GREY = [0.299, 0.587, 0.114]
FOUR_FILTERS = np.stack(
    [
        LEFT[:, :, None] * GREY,
        LEFT.T[:, :, None] * GREY,
        BLUR[:, :, None] * [1, -1, 0],
        BLUR[:, :, None] * [-0.5, -0.5, 1],
    ],
    axis=3,
)
"""[height, width, in, out]: brighter on the left, brighter above, red against green, blue against yellow."""


def conv(weights: NDArray[Any]) -> Mapping[str, Any]:
    return {"kernel": "conv", "weights": weights.tolist(), "layout": "hwio"}


def find_maps(pixels: NDArray[np.uint8], operations: Sequence[Any]) -> NDArray[np.float32]:
    steps = resolve_chain([Operation.model_validate(each) for each in operations], load_catalogue(Settings()))
    return apply_steps(pixels, steps, as_maps=True).image


def save_row(name: str, tiles: Sequence[tuple[str, NDArray[np.uint8]]]) -> None:
    images = []
    for caption, pixels in tiles:
        image = Image.fromarray(pixels)
        image = image.resize((SIDE_PX, SIDE_PX * image.height // image.width), Image.Resampling.NEAREST)
        images.append((caption, image))
    save(name, arrange_tiles(images, columns=len(images)))


def save(name: str, pixels: NDArray[np.uint8]) -> None:
    IMAGES.mkdir(exist_ok=True)
    Image.fromarray(pixels).quantize(COLOURS).save(IMAGES / name, optimize=True)


def main() -> None:
    with Image.open(io.BytesIO(encode_sample("house"))) as image:
        house = np.asarray(image.convert("RGB").resize((SIDE_PX, SIDE_PX * image.height // image.width)))
    save_row(
        "mistake.png",
        [
            ("the image", house),
            ("nine copies", convolve_in_steps(house, [conv(COPIES)])),
            ("on the diagonal", convolve_in_steps(house, [conv(DIAGONAL)])),
        ],
    )
    layer = conv(FOUR_FILTERS)
    maps, pooled_maps = (find_maps(house, steps) for steps in ([layer], [layer, "relu", "max-pool"]))
    enlarged = pooled_maps.repeat(2, axis=0).repeat(2, axis=1)
    save("maps.png", np.vstack([draw_map_sheet(each, columns=4) for each in (maps, enlarged)]))
    pooled = [
        (f"{kind}-pool", convolve_in_steps(house, [{"kernel": f"{kind}-pool", "size": 12}]))
        for kind in ("max", "average", "min")
    ]
    save_row("pooling.png", pooled)
    save("network.png", draw_map_sheet(find_maps(house, ["mnist-conv1", "max-pool"])))


if __name__ == "__main__":
    main()
