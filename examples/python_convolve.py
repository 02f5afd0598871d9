"""Kernels on NumPy arrays, without a service: .venv/bin/python examples/python_convolve.py

Writes edges.png and sharp.png into the current folder.
"""

from pathlib import Path

import numpy as np
from PIL import Image

from kernels import KernelError, convolve

HOUSE = Path(__file__).resolve().parent / "images/house.png"

photo = np.asarray(Image.open(HOUSE))  # (height, width, 3), uint8

# A named kernel. 0 becomes grey, so that both directions of an edge can be seen.
edges = convolve(photo, "top-sobel", border="reflect", response="offset")
Image.fromarray(edges).save("edges.png")

# Weights of your own, applied as written.
sharp = convolve(photo, [[0, -1, 0], [-1, 5, -1], [0, -1, 0]])
Image.fromarray(sharp).save("sharp.png")

# Results that are neither rounded nor clipped.
raw = convolve(photo, "laplacian", response="raw")
print(f"laplacian: {raw.dtype}, {raw.min():.0f} to {raw.max():.0f}")

# Errors state the value and the limit.
try:
    convolve(photo, "gaussian", sigma=500)
except KernelError as error:
    print(error)
