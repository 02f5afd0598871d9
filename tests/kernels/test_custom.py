"""Custom kernels in a request and in a TOML file."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from kernels import KernelFileError, KernelParameterError, convolve
from kernels.catalogue import Catalogue
from kernels.custom import make_custom_kernel, parse_weights, read_kernels_file

SHARPEN = [[0, -1, 0], [-1, 5, -1], [0, -1, 0]]


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("[[0,-1,0],[-1,5,-1],[0,-1,0]]", None),
        (" [ [0, -1, 0],\n [-1, 5, -1], [0, -1, 0] ] ", None),
        (SHARPEN, None),
        ("0,-1,0;-1,5,-1;0,-1,0", None),
        ("0 -1 0; -1 5 -1; 0 -1 0;", None),
        ("0,-1,0\n-1,5,-1\n0,-1,0", None),
        ("0,-1,0,-1,5,-1,0,-1,0", 3),
        ("[0,-1,0,-1,5,-1,0,-1,0]", 3),
        ([0, -1, 0, -1, 5, -1, 0, -1, 0], 3),
        ([["0", "-1", "0"], ["-1", "10/2", "-1e0"], [0, -1.0, 0]], None),
    ],
)
def test_all_notations_give_the_same_weights(text: Any, columns: int | None) -> None:
    weights = parse_weights(text, columns)
    assert weights.tolist() == SHARPEN
    assert weights.dtype == np.float64


@pytest.mark.parametrize(
    ("text", "columns", "expected"),
    [
        ("1,2,3;4,5,6", None, [[1, 2, 3], [4, 5, 6]]),
        ("1,2,3,4,5,6", 2, [[1, 2], [3, 4], [5, 6]]),
        ("1,2,3", 3, [[1, 2, 3]]),
        ("1,2,3;", None, [[1, 2, 3]]),
        ("[[1,2,3]]", None, [[1, 2, 3]]),
        ("[ [1, 2, 3] ]", None, [[1, 2, 3]]),
        ("1;2;3", None, [[1], [2], [3]]),
        ("1,2,3", 1, [[1], [2], [3]]),
        ("7", None, [[7]]),
        ("1/16,-1/3;1e-3,.5", None, [[1 / 16, -1 / 3], [0.001, 0.5]]),
    ],
)
def test_rows_and_columns_are_as_written(text: str, columns: int | None, expected: list[list[float]]) -> None:
    assert parse_weights(text, columns).tolist() == expected


@given(
    arrays(np.float64, st.tuples(st.integers(1, 5), st.integers(1, 5)), elements=st.floats(-1e6, 1e6, width=32)),
)
def test_written_weights_are_parsed_without_a_change(weights: NDArray[np.float64]) -> None:
    rows = weights.tolist()
    semicolons = ";".join(",".join(repr(number) for number in row) for row in rows) + ";"
    np.testing.assert_array_equal(parse_weights(repr(rows)), weights)
    np.testing.assert_array_equal(parse_weights(semicolons), weights)
    flat = ",".join(repr(number) for row in rows for number in row)
    np.testing.assert_array_equal(parse_weights(flat, weights.shape[1]), weights)


@pytest.mark.parametrize(
    ("text", "columns", "message"),
    [
        ("1,2,3", None, "3 weights in one row: set columns"),
        ("[1,2,3]", None, "3 weights in one row: set columns"),
        ("1,2,3,4", 3, "4 weights do not fill rows of 3"),
        ("1,2;3", None, "The rows have 2, 1 weights; they must have equal lengths"),
        ("[[1,2],[3]]", None, "The rows have 2, 1 weights"),
        ("[[1,2],3]", None, "mix numbers and rows"),
        ("[[1,2", None, "not valid JSON"),
        ("[" * 100_000, None, "not valid JSON"),
        ("[]", None, "must be a list of rows"),
        ([], None, "must be a list of rows"),
        ("", None, "'' is not a number"),
        (";;", None, "'' is not a number"),
        ("1,a;2,3", None, "'a' is not a number"),
        ("1,,2;3,4", None, "'' is not a number"),
        ("1,2;;3,4", None, "'' is not a number"),
        ("1/0;2", None, "'1/0' is not a number"),
        ("1/2/3;2", None, "'1/2/3' is not a number"),
        ("[[true]]", None, "'True' is not a number"),
        ("[[null]]", None, "'None' is not a number"),
        ("[[[1]]]", None, "'[1]' is not a number"),
        ('[[{"a":1}]]', None, "is not a number"),
        ("1" * 400 + "x", None, "'" + "1" * 40 + "' is not a number"),
    ],
)
def test_malformed_weights_are_rejected_with_the_reason(text: Any, columns: int | None, message: str) -> None:
    with pytest.raises(KernelParameterError, match=re.escape(message)):
        parse_weights(text, columns)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[NaN]]", "must be a number from"),
        ("[[Infinity]]", "must be a number from"),
        ("1e999", "must be a number from"),
        ("nan", "is not a number"),
        ("[[1e7]]", "-1000000 to 1000000"),
        ("[[]]", "rows of equal length, each of at least one weight"),
        ("0,0;0,0", "All weights are 0"),
        (";".join(["1"] * 64), "64 rows"),
    ],
)
def test_invalid_weights_are_rejected(text: str, message: str) -> None:
    with pytest.raises(KernelParameterError, match=re.escape(message)) as caught:
        make_custom_kernel(text)
    assert caught.value.parameter == "weights"


def test_a_custom_kernel_is_applied_as_written() -> None:
    image = np.full((3, 3), 10, np.uint8)
    assert convolve(image, "custom", weights="1,2;3,4")[1, 1] == 100
    assert convolve(image, "CUSTOM", weights="1,2,3,4", columns=2, divisor="auto")[1, 1] == 10
    assert make_custom_kernel("1,2;3,4").divisor == 1


def test_weights_are_for_custom_only_and_parameters_for_other_kernels_only() -> None:
    image = np.zeros((3, 3), np.uint8)
    with pytest.raises(KernelParameterError, match="'custom' needs weights"):
        convolve(image, "custom")
    with pytest.raises(KernelParameterError, match="'custom' has no parameter 'sigma'"):
        convolve(image, "custom", weights="1", sigma=2)
    with pytest.raises(KernelParameterError, match="'columns' belongs to the kernel 'custom', not to 'blur'"):
        convolve(image, "blur", columns=2)


# -- the TOML file


def write(folder: Path, text: str) -> Path:
    path = folder / "own.toml"
    path.write_text(text, "utf-8")
    return path


def test_a_file_extends_the_catalogue(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """
        [kernels.My_Edge]
        weights = [[0, 1, 0], [1, -4, 1], [0, 1, 0]]
        title = "Kanten"
        response = "offset"
        source = "my notebook"

        [kernels.soft]
        weights = "1,2,1;2,4,2;1,2,1"
        divisor = "auto"

        [kernels.third]
        weights = [["1/3"], ["1/3"], ["1/3"]]

        [kernels.half]
        weights = [[1.5]]
        divisor = 3
        """,
    )
    catalogue = Catalogue().extended(read_kernels_file(path))
    edge, soft, third, half = (catalogue[name].make_kernel() for name in ("my-edge", "soft", "third", "half"))
    assert edge.weights.tolist() == [[0, 1, 0], [1, -4, 1], [0, 1, 0]]
    assert (edge.title, edge.source, edge.default_response, edge.divisor) == ("Kanten", "my notebook", "offset", 1)
    assert (soft.title, soft.source, soft.default_response, soft.divisor) == ("soft", "own.toml", "clip", 16)
    assert (third.sum, third.shape) == (1, (3, 1))
    image = np.full((2, 2), 80, np.uint8)
    assert convolve(image, "HALF", catalogue=catalogue)[0, 0] == 40
    assert half.divisor == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("kernels = ", "not valid TOML"),
        ("[kernels.a]\nweights=[[1]]\n[kernels.a]\nweights=[[1]]", "not valid TOML"),
        ("", "must contain one table [kernels.<name>]"),
        ("[kernel.a]\nweights = [[1]]", "must contain one table [kernels.<name>]"),
        ("kernels = 3", "must contain one table [kernels.<name>]"),
        ("[kernels]\na = 3", "kernel 'a': "),
        ("[kernels.a]", "kernel 'a': weights: Field required"),
        ("[kernels.a]\nweights = [[1]]\nbias = 3", "kernel 'a': bias: Extra inputs are not permitted"),
        ("[kernels.a]\nweights = [[1], [2, 3]]", "kernel 'a': The rows have 1, 2 weights"),
        ("[kernels.a]\nweights = [['x']]", "kernel 'a': 'x' is not a number"),
        ("[kernels.a]\nweights = [[nan]]", "kernel 'a': Every weight must be a number"),
        ("[kernels.a]\nweights = [[0]]", "kernel 'a': All weights are 0"),
        ("[kernels.a]\nweights = [[1]]\ndivisor = 0", "kernel 'a': divisor is 0; use a number other than 0"),
        ("[kernels.a]\nweights = [[1]]\ndivisor = nan", "kernel 'a': divisor"),
        ("[kernels.a]\nweights = [[1]]\ndivisor = 'sum'", "kernel 'a': divisor"),
        ("[kernels.a]\nweights = [[1]]\nresponse = 'loud'", "kernel 'a': response"),
        ("[kernels.emboss]\nweights = [[1]]", "kernel 'emboss': the name is taken"),
        ("[kernels.Top_Sobel]\nweights = [[1]]", "kernel 'Top_Sobel': the name is taken"),
        ("[kernels.custom]\nweights = [[1]]", "kernel 'custom': the name is taken"),
        ("[kernels.'a/b']\nweights = [[1]]", "kernel 'a/b': a name has 1 to 64 letters"),
        ("[kernels.'a,b']\nweights = [[1]]", "kernel 'a,b': a name has 1 to 64 letters"),
        (
            "[kernels.my-edge]\nweights = [[1]]\n[kernels.My_Edge]\nweights = [[2]]",
            "kernel 'My_Edge': the name is taken",
        ),
    ],
)
def test_an_invalid_file_is_rejected_with_its_name_and_the_reason(tmp_path: Path, text: str, message: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(KernelFileError, match=re.escape(message)) as caught:
        read_kernels_file(path)
    assert str(path) in str(caught.value)


def test_an_unreadable_file_is_rejected_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(KernelFileError, match=r"missing\.toml cannot be read: No such file"):
        read_kernels_file(tmp_path / "missing.toml")
    with pytest.raises(KernelFileError, match="cannot be read: Is a directory"):
        read_kernels_file(tmp_path)
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(KernelFileError, match="not valid TOML"):
        read_kernels_file(binary)
