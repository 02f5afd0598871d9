"""Settings of layers: which a step has, which it inherits, and names."""

from pathlib import Path

import numpy as np
import pytest

from kernels.catalogue import Catalogue
from kernels.chain import Step, gives_image, resolve_chain, select_maps
from kernels.custom import read_kernels_file
from kernels.errors import KernelFileError, KernelParameterError, UnknownKernelError
from kernels.layers.layer import Pooling
from kernels.layers.step import LayerStep
from kernels.settings import FilterSettings, Operation


def resolve(*names: str, **shared: object) -> list[Step | LayerStep]:
    operations = [Operation(kernel=name) for name in names]
    return resolve_chain(operations, Catalogue(), FilterSettings.model_validate(shared))


def test_a_shared_setting_goes_to_the_steps_that_have_it() -> None:
    gaussian, relu, pool = resolve("gaussian", "relu", "max-pool", sigma=1, size=5, stride=2)
    assert isinstance(gaussian, Step)
    assert (gaussian.kernel.shape, gaussian.settings.stride) == ((5, 5), (2, 2))
    assert not relu.settings.model_fields_set - {"kernel"}
    assert isinstance(pool, LayerStep)
    assert pool.layer == Pooling("max", (5, 5), (2, 2))


def test_a_shared_setting_that_no_step_has_is_an_error() -> None:
    with pytest.raises(KernelParameterError, match=r"No kernel of this request \(relu, sepia\) has a parameter 'divi"):
        resolve("relu", "sepia", divisor=2)
    resolve("relu", "sepia", divisor=None, stride=1)  # the defaults


def test_pooling_moves_by_its_own_size_and_dilation_by_one() -> None:
    steps = resolve("average-pool", "dilate", "erode", size="3,4")
    layers = [step.layer for step in steps if isinstance(step, LayerStep)]
    assert layers == [
        Pooling("average", (3, 4), (3, 4)),
        Pooling("max", (3, 4), (1, 1)),
        Pooling("min", (3, 4), (1, 1)),
    ]


def test_names_are_those_of_kernels() -> None:
    assert [step.name for step in resolve("MAX_POOL", "max pool")] == ["max-pool", "max-pool"]
    with pytest.raises(UnknownKernelError) as caught:
        resolve("maxpool")
    assert caught.value.nearest[0] == "max-pool"


def test_a_kernels_file_cannot_take_the_name_of_a_layer(tmp_path: Path) -> None:
    path = tmp_path / "kernels.toml"
    path.write_text("[kernels.sepia]\nweights = [[1]]\n")
    with pytest.raises(KernelFileError, match="the name is taken by the service"):
        read_kernels_file(path)


def test_whether_the_result_is_an_image() -> None:
    assert gives_image(resolve("sepia", "blur"))
    assert not gives_image(resolve("sepia", "edge", response="raw"))
    eight = resolve_chain([Operation(kernel="conv", weights=np.ones((8, 3)).tolist())], Catalogue())
    assert not gives_image(eight)
    assert gives_image(select_maps(eight, [1, 2, 7]))
    assert not gives_image(select_maps(eight, [1, 2]))
