import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from models.errors import DataError
from models.training.mnist import Mnist, decode_idx, load_mnist, read_idx, read_mnist
from tests.support.paths import MNIST_EXCERPT as EXCERPT


def encode_idx(array: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> bytes:
    header = bytes([0, 0, 8, array.ndim]) + b"".join(struct.pack(">I", size) for size in array.shape)
    return header + array.tobytes()


def test_idx_round_trip() -> None:
    array = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)

    np.testing.assert_array_equal(decode_idx(encode_idx(array)), array)


@pytest.mark.parametrize(
    "content",
    [b"", b"PNG!", b"\0\0\x0d\x01\0\0\0\x01\0\0\0\0", encode_idx(np.zeros(9, np.uint8))[:-1]],
    ids=["empty", "not IDX", "floats", "truncated"],
)
def test_invalid_idx_file_is_rejected(content: bytes) -> None:
    with pytest.raises(DataError):
        decode_idx(content)


def test_files_are_read_gzipped_and_uncompressed(tmp_path: Path) -> None:
    labels = np.array([3, 1, 4], np.uint8)
    (tmp_path / "plain").write_bytes(encode_idx(labels))
    (tmp_path / "zipped.gz").write_bytes(gzip.compress(encode_idx(labels)))

    assert read_idx(tmp_path / "plain").tolist() == read_idx(tmp_path / "zipped.gz").tolist() == [3, 1, 4]


def test_excerpt_has_all_digits_and_is_not_genuine_mnist(excerpt: Mnist) -> None:
    assert np.bincount(excerpt.train.labels).tolist() == [60] * 10
    assert np.bincount(excerpt.test.labels).tolist() == [40] * 10
    assert excerpt.test.images.shape == (400, 28, 28)
    assert not excerpt.is_genuine


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="train-images-idx3-ubyte"):
        read_mnist(tmp_path)


def test_truncated_gzip_file_is_rejected(tmp_path: Path) -> None:
    for path in EXCERPT.glob("*.gz"):
        (tmp_path / path.name).write_bytes(path.read_bytes()[:-20])

    with pytest.raises(DataError):
        read_mnist(tmp_path)


def test_complete_mnist_has_its_published_hashes(shared_mnist: Path) -> None:
    mnist = load_mnist(shared_mnist)

    assert mnist.is_genuine
    assert len(mnist.train.images) == 60_000
    assert mnist.train.images.mean() / 255 == pytest.approx(0.1307, abs=1e-4)
