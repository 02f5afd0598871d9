"""The table of named kernels, the lookup of a name, and the validation of weights."""

from typing import Any

import numpy as np
import pytest

from kernels import KernelParameterError, UnknownKernelError, convolve
from kernels.catalogue import Catalogue, Entry
from kernels.kernel import Kernel, check_weights, choose_divisor, round_sum

REQUIRED = [
    "identity",
    "blur",
    "box",
    "gaussian",
    "disk",
    "motion",
    "sharpen",
    "unsharp",
    "edge",
    "laplacian",
    "outline",
    "log",
    "dog",
    "top-sobel",
    "bottom-sobel",
    "left-sobel",
    "right-sobel",
    "sobel",
    "prewitt",
    "top-prewitt",
    "left-prewitt",
    "scharr",
    "top-scharr",
    "left-scharr",
    "roberts",
    "kirsch",
    "emboss",
    "gabor",
    "lighten",
    "darken",
    "average",
    "median",
]

LECTURE = {
    "blur": [[1, 2, 1], [2, 4, 2], [1, 2, 1]],
    "sharpen": [[0, -1, 0], [-1, 5, -1], [0, -1, 0]],
    "edge": [[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]],
    "top-sobel": [[1, 2, 1], [0, 0, 0], [-1, -2, -1]],
    "emboss": [[-2, -1, 0], [-1, 1, 1], [0, 1, 2]],
}
OTHERS = {
    "identity": [[0, 0, 0], [0, 1, 0], [0, 0, 0]],
    "average": [[1, 1, 1], [1, 1, 1], [1, 1, 1]],
    "outline": LECTURE["edge"],
    "laplacian": [[0, 1, 0], [1, -4, 1], [0, 1, 0]],
    "bottom-sobel": [[-1, -2, -1], [0, 0, 0], [1, 2, 1]],
    "left-sobel": [[1, 0, -1], [2, 0, -2], [1, 0, -1]],
    "right-sobel": [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]],
    "left-prewitt": [[1, 0, -1], [1, 0, -1], [1, 0, -1]],
    "top-scharr": [[3, 10, 3], [0, 0, 0], [-3, -10, -3]],
    "lighten": [[0, 0, 0], [0, 12, 0], [0, 0, 0]],
    "darken": [[0, 0, 0], [0, 6, 0], [0, 0, 0]],
}
DIVISORS = {"blur": 16, "average": 9, "lighten": 9, "darken": 9}
SUMS_TO_0 = [
    "edge",
    "laplacian",
    "outline",
    "log",
    "dog",
    "top-sobel",
    "bottom-sobel",
    "left-sobel",
    "right-sobel",
    "sobel",
    "prewitt",
    "top-prewitt",
    "left-prewitt",
    "scharr",
    "top-scharr",
    "left-scharr",
    "roberts",
    "kirsch",
    "gabor",
]


def test_the_required_kernels_exist() -> None:
    assert len(REQUIRED) >= 30
    assert set(REQUIRED) <= set(Catalogue())


@pytest.mark.parametrize(("name", "weights"), [*LECTURE.items(), *OTHERS.items()])
def test_weights_are_those_of_the_source(name: str, weights: list[list[float]]) -> None:
    assert Catalogue()[name].make_kernel().weights.tolist() == weights


@pytest.mark.parametrize("name", Catalogue())
def test_divisor_sum_and_default_response(name: str) -> None:
    kernel = Catalogue()[name].make_kernel()
    assert kernel.divisor == DIVISORS.get(name, 1)
    expected = 0 if name in SUMS_TO_0 else {"lighten": 12 / 9, "darken": 6 / 9}.get(name, 1)
    assert kernel.sum / kernel.divisor == expected
    assert kernel.default_response == ("abs" if expected == 0 else "clip")
    assert all(abs(part.sum() - kernel.sum) < 1e-9 for part in kernel.parts)


@pytest.mark.parametrize("name", Catalogue())
def test_every_row_has_a_title_and_a_source(name: str) -> None:
    entry = Catalogue()[name]
    assert entry.name == name
    assert entry.title
    assert entry.source
    assert len({part.shape for part in entry.make_kernel().parts}) == 1


def test_titles_are_unique() -> None:
    titles = [entry.title for entry in Catalogue().values()]
    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize("spelling", ["top-sobel", "TOP-SOBEL", "top_sobel", "Top Sobel", " top-sobel "])
def test_a_name_has_equivalent_spellings(spelling: str) -> None:
    assert Catalogue()[spelling].name == "top-sobel"
    assert spelling in Catalogue()


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("embos", "emboss"), ("gausian", "gaussian"), ("sobel-top", "top-sobel"), ("sharp", "sharpen")],
)
def test_an_unknown_name_is_rejected_with_the_nearest_names(name: str, nearest: str) -> None:
    assert name not in Catalogue()
    with pytest.raises(UnknownKernelError, match=rf"no kernel named '{name}'\. Did you mean .*{nearest}") as caught:
        Catalogue()[name]
    assert nearest in caught.value.nearest
    assert caught.value.name == name


def test_a_name_without_similar_names_gets_no_suggestion() -> None:
    with pytest.raises(UnknownKernelError, match=r"named '§§§'\.$") as caught:
        Catalogue()["§§§"]
    assert caught.value.nearest == []


def test_extending_a_catalogue_makes_a_new_one() -> None:
    more = Entry("own", "Own", lambda: [np.ones((1, 2))])
    larger = Catalogue().extended([more])
    assert len(larger) == len(Catalogue()) + 1
    assert larger["OWN"] is more
    assert "own" not in Catalogue()
    image = np.full((2, 2), 50, np.uint8)
    assert convolve(image, "own", catalogue=larger)[0, 0] == 100


@pytest.mark.parametrize(
    ("name", "separable", "rank"),
    [("blur", True, 1), ("gaussian", True, 1), ("box", True, 1), ("top-sobel", True, 1), ("sobel", True, 1),
     ("roberts", False, 2), ("edge", False, 2), ("sharpen", False, 2), ("disk", False, 4), ("emboss", False, 3)],
)  # fmt: skip
def test_separability_and_rank(name: str, separable: bool, rank: int) -> None:
    kernel = Catalogue()[name].make_kernel()
    assert kernel.is_separable is separable
    assert kernel.rank == rank


PARAMETERS = [(entry.name, parameter) for entry in Catalogue().values() for parameter in entry.parameters]


@pytest.mark.parametrize(("name", "parameter"), PARAMETERS, ids=[f"{name}-{p.name}" for name, p in PARAMETERS])
def test_a_parameter_accepts_exactly_its_range(name: str, parameter: Any) -> None:
    entry = Catalogue()[name]
    for value in (parameter.minimum, parameter.maximum):
        others = {"sigma1": {"sigma2": 10.3}, "sigma2": {"sigma1": 0.1}}.get(parameter.name, {})
        if parameter.name == "size" and value == 1 and name in ("log", "dog", "gabor"):
            continue  # an edge kernel of one weight is rejected: test_parametric.py
        kernel = entry.make_kernel({**others, parameter.name: value})
        assert max(kernel.shape) <= {"gaussian": 1201, "box": 1001, "motion": 1201}.get(name, 63)
    for value in (parameter.minimum - 0.01, parameter.maximum + 0.01, float("nan"), float("inf")):
        with pytest.raises(KernelParameterError, match=f"{parameter.name} is .*; it may be") as caught:
            entry.make_kernel({parameter.name: value})
        assert caught.value.parameter == parameter.name
    schema = parameter.json_schema
    assert (schema["minimum"], schema["maximum"]) == (parameter.minimum, parameter.maximum)
    assert schema["description"]
    if parameter.default is not None:
        assert parameter.minimum <= schema["default"] <= parameter.maximum


@pytest.mark.parametrize("size", [2, 4, 62, 2.5])
def test_an_even_or_fractional_size_is_rejected(size: float) -> None:
    with pytest.raises(KernelParameterError, match="must be an odd whole number"):
        Catalogue()["gaussian"].make_kernel({"size": size})


def test_an_unknown_parameter_is_rejected_with_the_known_ones() -> None:
    with pytest.raises(KernelParameterError, match="its parameters are length, angle, size"):
        Catalogue()["motion"].make_kernel({"sigma": 1})
    with pytest.raises(KernelParameterError, match="it has no parameters"):
        Catalogue()["blur"].make_kernel({"sigma": 1})


# -- validation of weights


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.ones((64, 1)), "64 rows and 1 columns; each side may be 1 to 63"),
        (np.ones((1, 64)), "1 rows and 64 columns"),
        (np.zeros((3, 3)), "All weights are 0"),
        (np.array([[np.nan]]), "must be a number from"),
        (np.array([[np.inf]]), "must be a number from"),
        (np.array([[1.1e6]]), "-1000000 to 1000000"),
        (np.ones(3), "rows of equal length, each of at least one weight"),
        (np.ones((0, 3)), "rows of equal length, each of at least one weight"),
    ],
)
def test_invalid_weights_are_rejected(weights: Any, message: str) -> None:
    with pytest.raises(KernelParameterError, match=message):
        check_weights(weights)
    with pytest.raises(KernelParameterError, match=message):
        Kernel("own", "Own", (weights,))


def test_weights_of_up_to_63_by_63_are_accepted() -> None:
    for shape in ((63, 63), (1, 63), (63, 1), (1, 1), (2, 5)):
        check_weights(np.full(shape, -1e6))


def test_the_rounding_error_of_a_sum_of_0_or_1_is_removed() -> None:
    assert sum([0.1] * 10) != 1
    assert round_sum(np.full((1, 10), 0.1)) == 1
    assert round_sum(np.array([[0.1, 0.2, -0.3]])) == 0
    assert round_sum(np.array([[0.001]])) == 0.001
    assert (choose_divisor(0.0), choose_divisor(-3.0)) == (1, -3)
