"""The padding equals that of numpy.pad for every border, dtype and number of channels."""

import numpy as np
import pytest

from kernels.padding import Border, pad


@pytest.mark.parametrize("border", ["zero", "edge", "reflect", "symmetric", "wrap"])
def test_padding_is_that_of_numpy(border: Border) -> None:
    generator = np.random.default_rng(1)
    for _ in range(300):
        height, width, channels = generator.integers(1, [9, 9, 5])
        dtype = generator.choice(["uint8", "uint16", "float32"])
        image = generator.integers(0, 255, (height, width, channels)).astype(dtype)
        image = image[:, ::-1] if generator.integers(2) else image
        image.flags.writeable = False  # as the memory of TensorFlow
        top, bottom, left, right = generator.integers(0, 30, 4).tolist()  # up to many times the image
        mode = {"mode": border} if border != "zero" else {}
        expected = np.pad(image, ((top, bottom), (left, right), (0, 0)), **mode)  # type: ignore[call-overload]
        padded = pad(image, (top, bottom), (left, right), border)
        assert padded.dtype == expected.dtype
        np.testing.assert_array_equal(padded, expected)


def test_valid_adds_nothing() -> None:
    image = np.ones((3, 4, 1), np.uint8)
    assert pad(image, (0, 0), (0, 0), "edge") is image
    assert pad(image, (1, 1), (1, 1), "valid") is image
