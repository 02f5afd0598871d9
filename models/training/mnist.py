"""MNIST as the IDX files it is published in (http://yann.lecun.com/exdb/mnist/), gzipped or not."""

import gzip
import hashlib
import os
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.errors import DataError

MIRRORS = (
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
)
# Of the bytes inside the gzip: the same MNIST is in circulation compressed in several ways.
SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
GZIP_MAGIC = b"\x1f\x8b"
IDX_UINT8 = 0x08


@dataclass(frozen=True)
class LabelledImages:
    images: NDArray[np.uint8]  # (n, height, width), ink 255 on 0
    labels: NDArray[np.uint8]  # (n,), 0..9


@dataclass(frozen=True)
class Mnist:
    train: LabelledImages
    test: LabelledImages
    sha256: dict[str, str]  # file name -> hash of the uncompressed bytes

    @property
    def is_genuine(self) -> bool:
        return self.sha256 == SHA256


def decode_idx(content: bytes, name: str = "IDX file") -> NDArray[np.uint8]:
    """Decode one IDX file of unsigned bytes, of any number of axes; raises DataError."""
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] != IDX_UINT8:
        raise DataError(f"{name} is not an IDX file of unsigned bytes")
    axes = content[3]
    start = 4 + 4 * axes
    shape = tuple(int(size) for size in np.frombuffer(content[4:start], ">u4"))
    if len(shape) != axes or len(content) - start != int(np.prod(shape, dtype=np.int64)):
        raise DataError(f"{name} is cut short: {len(content)} bytes for the shape {shape}")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def read_idx(path: Path) -> NDArray[np.uint8]:
    """Read one IDX file, gzipped or not."""
    return decode_idx(_read_uncompressed(path), path.name)


def read_mnist(folder: Path) -> Mnist:
    """Read the four files from a folder, gzipped or not, and note their hashes.

    Other data in the same form are taken too: `Mnist.is_genuine` says whether it is MNIST itself.
    """
    arrays: dict[str, NDArray[np.uint8]] = {}
    hashes: dict[str, str] = {}
    for name in SHA256:
        path = _find_file(folder, name)
        content = _read_uncompressed(path)
        hashes[name] = hashlib.sha256(content).hexdigest()
        arrays[name] = decode_idx(content, path.name)
    return Mnist(
        train=_pair(arrays["train-images-idx3-ubyte"], arrays["train-labels-idx1-ubyte"]),
        test=_pair(arrays["t10k-images-idx3-ubyte"], arrays["t10k-labels-idx1-ubyte"]),
        sha256=hashes,
    )


def load_mnist(folder: Path | None = None) -> Mnist:
    """Read MNIST from `folder`, or download it once to the cache folder and check its hashes."""
    if folder is not None:
        return read_mnist(folder)
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "convserve" / "mnist"
    for name in SHA256:
        if not (cache / name).exists():
            _download(name, cache / name)
    mnist = read_mnist(cache)
    if not mnist.is_genuine:
        raise DataError(f"the files in {cache} are not MNIST: remove them to download them again")
    return mnist


def _pair(images: NDArray[np.uint8], labels: NDArray[np.uint8]) -> LabelledImages:
    if images.ndim != 3 or labels.ndim != 1 or len(images) != len(labels):
        raise DataError(f"images of shape {images.shape} do not go with labels of shape {labels.shape}")
    if len(labels) and labels.max() > 9:
        raise DataError(f"labels go from 0 to 9, found {labels.max()}")
    return LabelledImages(images, labels)


def _find_file(folder: Path, name: str) -> Path:
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            return path
    raise DataError(f"{folder} has no {name} or {name}.gz")


def _read_uncompressed(path: Path) -> bytes:
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if content.startswith(GZIP_MAGIC) else content
    except (OSError, EOFError) as error:
        raise DataError(f"{path} cannot be read: {error}") from error


def _download(name: str, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    failures = []
    for mirror in MIRRORS:
        try:
            with urllib.request.urlopen(f"{mirror}{name}.gz", timeout=60) as response:
                content = gzip.decompress(response.read())
        except (OSError, EOFError, urllib.error.URLError) as error:
            failures.append(f"{mirror}: {error}")
            continue
        if hashlib.sha256(content).hexdigest() == SHA256[name]:
            part = path.with_suffix(".part")
            part.write_bytes(content)
            part.replace(path)  # a download cut short must not look like a finished one
            return
        failures.append(f"{mirror}: wrong hash")
    raise DataError(f"{name} could not be downloaded ({'; '.join(failures)}); give a folder instead")
