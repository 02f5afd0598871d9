"""Read MNIST from its IDX files (http://yann.lecun.com/exdb/mnist/), gzipped or not, or download it."""

import gzip
import hashlib
import os
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.atomic_file import replace_file
from models.errors import DataError

MIRRORS = (
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
)
SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
"""Of the uncompressed bytes: gzipped copies of the same files differ."""
GZIP_MAGIC = b"\x1f\x8b"
IDX_UINT8 = 0x08
DOWNLOAD_TIMEOUT_SECONDS = 60


@dataclass(frozen=True)
class LabelledImages:
    images: NDArray[np.uint8]  # (n, height, width), ink 255 on 0
    labels: NDArray[np.uint8]  # (n,), 0..9, or NOT_A_DIGIT for negatives


@dataclass(frozen=True)
class Mnist:
    train: LabelledImages
    test: LabelledImages
    sha256: dict[str, str]  # file name -> hash of the uncompressed bytes

    @property
    def is_genuine(self) -> bool:
        return self.sha256 == SHA256


def decode_idx(content: bytes, name: str = "IDX file") -> NDArray[np.uint8]:
    """Decode an IDX file of unsigned bytes with any number of axes. Raises DataError."""
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] != IDX_UINT8:
        raise DataError(f"{name} is not an IDX file of unsigned bytes")
    axes = content[3]
    start = 4 + 4 * axes
    shape = tuple(int(size) for size in np.frombuffer(content[4:start], ">u4"))
    if len(shape) != axes or len(content) - start != int(np.prod(shape, dtype=np.int64)):
        raise DataError(f"{name} is truncated: it has {len(content)} bytes for the shape {shape}")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def read_idx(path: Path) -> NDArray[np.uint8]:
    """Read an IDX file, gzipped or not. Raises DataError."""
    return decode_idx(read_uncompressed(path), path.name)


def read_mnist(folder: Path) -> Mnist:
    """Read the four files of a folder, gzipped or not, and hash them. Raises DataError.

    Other data in the same format are accepted; `Mnist.is_genuine` tells them apart.
    """
    arrays: dict[str, NDArray[np.uint8]] = {}
    hashes: dict[str, str] = {}
    for name in SHA256:
        path = find_file(folder, name)
        content = read_uncompressed(path)
        hashes[name] = hashlib.sha256(content).hexdigest()
        arrays[name] = decode_idx(content, path.name)
    return Mnist(
        train=pair(arrays["train-images-idx3-ubyte"], arrays["train-labels-idx1-ubyte"]),
        test=pair(arrays["t10k-images-idx3-ubyte"], arrays["t10k-labels-idx1-ubyte"]),
        sha256=hashes,
    )


def load_mnist(folder: Path | None = None) -> Mnist:
    """Read MNIST from `folder`, or download it once to the cache folder and verify its hashes. Raises DataError."""
    if folder is not None:
        return read_mnist(folder)
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "convserve" / "mnist"
    for name in SHA256:
        if not (cache / name).exists():
            download(name, cache / name)
    mnist = read_mnist(cache)
    if not mnist.is_genuine:
        raise DataError(f"the files in {cache} are not MNIST: delete them to download them again")
    return mnist


def pair(images: NDArray[np.uint8], labels: NDArray[np.uint8]) -> LabelledImages:
    if images.ndim != 3 or labels.ndim != 1 or len(images) != len(labels):
        raise DataError(f"images of shape {images.shape} do not match labels of shape {labels.shape}")
    if len(labels) and labels.max() > 9:
        raise DataError(f"labels must be 0 to 9, but one is {labels.max()}")
    return LabelledImages(images, labels)


def find_file(folder: Path, name: str) -> Path:
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            return path
    raise DataError(f"{folder} has no {name} or {name}.gz")


def read_uncompressed(path: Path) -> bytes:
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if content.startswith(GZIP_MAGIC) else content
    except (OSError, EOFError) as error:
        raise DataError(f"{path} cannot be read: {error}") from error


def download(name: str, path: Path) -> None:
    """Download one file from the first mirror that has it with the right hash."""
    path.parent.mkdir(parents=True, exist_ok=True)
    failures = []
    for mirror in MIRRORS:
        try:
            with urllib.request.urlopen(f"{mirror}{name}.gz", timeout=DOWNLOAD_TIMEOUT_SECONDS) as response:
                content = gzip.decompress(response.read())
        except (OSError, EOFError, urllib.error.URLError) as error:
            failures.append(f"{mirror}: {error}")
            continue
        if hashlib.sha256(content).hexdigest() == SHA256[name]:
            with replace_file(path) as file:
                file.write(content)
            return
        failures.append(f"{mirror}: wrong hash")
    raise DataError(f"{name} could not be downloaded ({'; '.join(failures)}); pass a folder with --data instead")
