"""Layers over HTTP: steps in `operations`, named layers, maps, limits and messages."""

import io
import json
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from numpy.typing import NDArray

from tests.support import layer_reference as reference
from tests.support.images import Pixels, decode, draw_noise, encode, open_image
from tests.support.problems import check_problem
from tests.support.reference import assert_equal_to_rounding

PHOTO = draw_noise(20, 16)
WEIGHTS = np.random.default_rng(8).normal(0, 0.2, (3, 3, 3, 4))
FOUR_MAPS = {
    "kernel": "conv",
    "weights": WEIGHTS.transpose(3, 2, 0, 1).tolist(),
    "bias": [1, 2, 3, 4],
    "border": "zero",
}
EIGHT = {"kernel": "conv", "weights": np.eye(8, 3).tolist()}


def send(client: TestClient, operations: Any, pixels: Pixels = PHOTO, **query: str) -> Any:
    return client.post(
        "/filter", params=query, files={"file": encode(pixels)}, data={"operations": json.dumps(operations)}
    )


def read_problem(response: Any, status: int) -> dict[str, Any]:
    slugs = {413: "work-too-large", 422: "bad-parameter"}
    unwritable = "unwritable" in response.text
    return check_problem(response, status, "unwritable-format" if unwritable else slugs[status])


def load(response: Any) -> NDArray[Any]:
    assert response.status_code == 200, response.text
    return np.load(io.BytesIO(response.content))


def test_convolution_relu_and_pooling(client: TestClient) -> None:
    response = send(client, [FOUR_MAPS, "relu", {"kernel": "max-pool"}], maps="0,1,2", format="png")
    assert response.status_code == 200, response.text
    maps = np.maximum(reference.convolve(PHOTO, WEIGHTS, [1, 2, 3, 4], "zero"), 0)
    expected = reference.pool(maps, "max", (2, 2), (2, 2), same=True)
    assert_equal_to_rounding(decode(response.content), expected[:, :, :3])
    assert (response.headers["X-Result-Width"], response.headers["X-Result-Height"]) == ("8", "10")
    assert response.headers["X-Kernel-Sum"] == "-, -, -"
    assert "upload-conv-relu-max-pool.png" in response.headers["Content-Disposition"]


@pytest.mark.parametrize("path", ["/filter/gray", "/filter/sepia", "/filter/dilate,erode", "/filter/hue?angle=30"])
def test_named_layers(client: TestClient, path: str) -> None:
    response = client.post(path, files={"file": encode(PHOTO)})
    assert response.status_code == 200, response.text
    assert not np.array_equal(decode(response.content), PHOTO)


def test_a_layer_in_the_path_takes_its_parameters_from_the_query(client: TestClient) -> None:
    query = {"weights": "[[0.25,0.5,0.25]]", "bias": "-3", "size": "2,3", "stride": "2"}
    response = client.post("/filter/conv,max-pool", params=query, files={"file": encode(PHOTO)})
    assert response.status_code == 200, response.text
    grey = (PHOTO @ np.array([0.25, 0.5, 0.25]) - 3)[::2, ::2, None]
    assert_equal_to_rounding(decode(response.content)[:, :, None], reference.pool(grey, "max", (2, 3), (2, 2), True))


def test_numbers_as_npy_and_as_json(client: TestClient) -> None:
    array = load(send(client, [EIGHT], format="npy"))
    assert (array.shape, str(array.dtype)) == ((20, 16, 8), "float32")
    np.testing.assert_array_equal(array[:, :, :3], PHOTO)
    response = send(client, [EIGHT], format="json")
    document = response.json()
    assert response.headers["Content-Type"] == "application/json"
    assert (document["shape"], document["dtype"]) == ([20, 16, 8], "float32")
    np.testing.assert_array_equal(document["values"], array)


def test_maps_that_are_no_image_are_numbers_unless_an_image_is_requested(client: TestClient) -> None:
    assert load(send(client, [EIGHT])).shape == (20, 16, 8)
    problem = read_problem(send(client, [EIGHT], format="png"), 422)
    assert "The result is 8 maps of 16x20" in problem["detail"]
    assert "maps=sheet" in problem["detail"]


def test_json_of_an_image_has_its_pixels(client: TestClient) -> None:
    document = client.post("/filter/identity?format=json", files={"file": encode(PHOTO)}).json()
    assert document == {"shape": [20, 16, 3], "dtype": "uint8", "values": PHOTO.tolist()}


def test_contact_sheet_shows_every_map_with_its_own_range(client: TestClient) -> None:
    """Maps of 16x20 are enlarged to tiles of 144x180; each has black and white, and a uniform map is black."""
    weights = np.zeros((3, 3))
    weights[0, 0], weights[1, 1] = 1, -7
    response = send(client, [{"kernel": "conv", "weights": weights.tolist()}], maps="sheet")
    assert response.headers["Content-Type"] == "image/png"
    sheet = np.asarray(open_image(response.content).convert("RGB")).astype(int)
    red = PHOTO[:, :, 0].astype(float)
    expected = (red - red.min()) * 255 / (red.max() - red.min())
    tile = sheet[28 : 28 + 180, 8 : 8 + 144].mean(axis=2).reshape(20, 9, 16, 9).mean(axis=(1, 3))
    assert np.abs(tile - expected).max() < 1


def test_layer_asked_for_by_name_says_how_it_is_applied(client: TestClient) -> None:
    def describe(name: str, **query: str) -> dict[str, Any]:
        description: dict[str, Any] = client.get(f"/kernels/{name}", params=query).json()
        return dict(description["step"])

    listed = client.get("/kernels").json()["layers"]
    assert {layer["step"] for layer in listed} == {None}
    pool = describe("max-pool", size="3,2", border="valid")
    assert (pool["size"], pool["stride"], pool["border"]) == ([3, 2], [3, 2], "valid")
    assert pool["weights"] is None
    assert describe("dilate")["stride"] == [1, 1]
    assert describe("opponent")["response"] == "rescale"
    conv = describe("conv", weights="[[1,2,3],[4,5,6]]", bias="5%,7", stride="2,1")
    assert conv["weights"] == [[[[1]], [[2]], [[3]]], [[[4]], [[5]], [[6]]]]
    assert conv["bias"] == [12.75, 7]
    assert (conv["stride"], conv["border"], conv["rectified"]) == ([2, 1], "edge", False)
    np.testing.assert_allclose(np.ravel(describe("gray")["linear_weights"]), [0.2126, 0.7152, 0.0722], rtol=1e-6)
    learned = describe("mnist-conv1")
    assert np.shape(learned["weights"]) == (32, 1, 5, 5)
    assert (learned["channels"], learned["border"], learned["rectified"]) == ("gray", "zero", True)
    assert client.get("/kernels/conv").json()["step"] is None  # needs weights


def test_a_result_with_layers_is_for_every_frame(client: TestClient) -> None:
    frames = [draw_noise(6, 7, seed=seed) for seed in (1, 2)]
    images = [open_image(encode(frame)) for frame in frames]
    buffer = io.BytesIO()
    images[0].save(buffer, "PNG", save_all=True, append_images=images[1:])
    data = {"operations": json.dumps(["dilate"])}
    stack = load(client.post("/filter?format=npy", files={"file": buffer.getvalue()}, data=data))
    for result, frame in zip(stack, frames, strict=True):
        np.testing.assert_array_equal(result, reference.pool(frame, "max", (3, 3), (1, 1), same=True))


def test_explanation_lists_shapes_parameters_and_receptive_field(client: TestClient) -> None:
    """16x20 RGB under 3x3x3x4, pooled to 8x10, under a kernel of 3x3: 3 + 1 + 2·2 = 8 pixels."""
    explanation = send(client, [FOUR_MAPS, "max-pool", "blur"], explain="json").json()
    conv, pool, blur = explanation["steps"]
    assert conv["weights_shape"] == {"height": 3, "width": 3, "inputs": 3, "outputs": 4}
    assert conv["parameters"] == 3 * 3 * 3 * 4 + 4
    assert conv["multiply_adds"] == 16 * 20 * 108
    assert conv["input_shape"] == {"height": 20, "width": 16, "maps": 3, "alpha": False}
    assert conv["output_shape"] == {"height": 20, "width": 16, "maps": 4, "alpha": False}
    assert pool["output_shape"] == {"height": 10, "width": 8, "maps": 4, "alpha": False}
    assert (pool["kind"], pool["parameters"], pool["multiply_adds"]) == ("max-pool", 0, 0)
    assert [step["receptive_field"]["width"] for step in (conv, pool, blur)] == [3, 4, 8]
    maps = reference.convolve(PHOTO, WEIGHTS, [1, 2, 3, 4], "zero")
    assert (conv["minimum"], conv["maximum"]) == pytest.approx((maps.min(), maps.max()), abs=1e-3)
    assert explanation["receptive_field"] == {"width": 8, "height": 8}
    assert explanation["parameters"] == 3 * 3 * 3 * 4 + 4 + 9
    assert explanation["one_kernel"]["is_one_kernel"] is False
    assert "step 1 (conv) is a layer" in explanation["one_kernel"]["why"]
    assert explanation["output"] == {"width": 8, "height": 10, "channels": 4}


def test_sizes_of_the_lectures_network(client: TestClient) -> None:
    """CS 20: 28x28x1, conv 5x5x32, pool 14x14, conv 5x5x64, pool 7x7. 832 and 51264 weights and biases."""
    size = client.get("/size?input=28&maps=1&operations=mnist-conv1,max-pool,mnist-conv2,max-pool").json()
    shapes = [(step["output_shape"]["height"], step["output_shape"]["maps"]) for step in size["steps"]]
    assert shapes == [(28, 32), (14, 32), (14, 64), (7, 64)]
    assert [step["parameters"] for step in size["steps"]] == [832, 0, 51264, 0]
    assert [step["receptive_field"]["width"] for step in size["steps"]] == [5, 6, 14, 16]
    assert [step["multiply_adds"] for step in size["steps"]] == [28 * 28 * 800, 0, 14 * 14 * 51200, 0]
    assert size["parameters"] == 832 + 51264
    assert size["steps"][0]["output"]["width_formula"] == "(W - F + 2P)/S + 1 = (28 - 5 + 2×2)/1 + 1 = 28"


def test_sizes_of_kernels_and_rectangles(client: TestClient) -> None:
    operations = json.dumps([{"kernel": "gaussian", "sigma": 1, "stride": 2}, {"kernel": "max-pool", "size": 3}])
    size = client.get("/size", params={"input": 30, "height": 20, "operations": operations}).json()
    assert size["output"] == {"height": 4, "width": 5, "maps": 3, "alpha": False}
    assert size["receptive_field"] == {"width": 11, "height": 11}  # 7 + 2·(3 - 1)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("input=28", "kernel: Field required"),
        ("input=28&operations=relu&kernel=5", "kernel is 5; with operations"),
        ("input=28&operations=blr", "There is no kernel named 'blr'"),
        ("input=2&operations=max-pool&operations=relu", "operations"),
        ("input=1&operations=max-pool", "larger than the map"),
        ("input=28&operations=mnist-conv2", "The layer has 32 inputs"),
        ('input=28&operations=[{"kernel":7}]', "The operations are not valid at 0.kernel"),
    ],
)
def test_mistakes_in_sizes(client: TestClient, query: str, message: str) -> None:
    response = client.get(f"/size?{query}")
    assert response.status_code in (404, 422)
    assert message in response.json()["detail"]


@pytest.mark.parametrize(
    ("operations", "message"),
    [
        ([{"kernel": "conv"}], "needs weights"),
        ([{"kernel": "conv", "weights": [[[1]]]}], "3 axes"),
        (["gray", {"kernel": "conv", "weights": [[1, 2]]}], "Step 2 (conv): The layer has 2 inputs"),
        ([{"kernel": "conv", "weights": [[1, 2, 3]], "bias": [1, 2]}], "bias has 2 numbers and the layer 1 outputs"),
        ([{"kernel": "relu", "sigma": 2}], "The layer 'relu' has no parameter 'sigma': it has response"),
        ([{"kernel": "max-pool", "border": "wrap"}], "border is 'wrap'; pooling has 'zero'"),
        ([{"kernel": "max-pool", "size": 64}], "each side may be 1 to 63"),
        ([{"kernel": "max-pool", "size": 1.5}], "whole pixels"),
        ([{"kernel": "max-pool", "size": 17}], "at most 16x20"),
        ([{"kernel": "box", "size": "3,5"}], "the kernel 'box' is square"),
        ([{"kernel": "blur", "bias": [1, 2]}], "for the kernel 'blur' it is one"),
        ([{"kernel": "blur", "layout": "hwio"}], "'layout' belongs to the layer 'conv'"),
        ([{"kernel": "hue", "angle": 400}], "angle is 400; it may be -360 to 360"),
        ([{"kernel": "conv", "weights": [[1, 2, 3]], "channels": "luma"}], "channels is 'luma'"),
    ],
)
def test_mistakes_name_step_value_and_limit(client: TestClient, operations: Any, message: str) -> None:
    assert message in read_problem(send(client, operations), 422)["detail"]


def test_nan_in_json_is_rejected(client: TestClient) -> None:
    data = {"operations": '[{"kernel":"conv","weights":[[NaN,1,2]]}]'}
    response = client.post("/filter", files={"file": encode(PHOTO)}, data=data)
    assert "nan" in read_problem(response, 422)["detail"].lower()


@pytest.mark.parametrize("maps", ["x", "0,", "-1", "256", "sheets"])
def test_mistakes_in_maps(client: TestClient, maps: str) -> None:
    read_problem(client.post(f"/filter/sepia?maps={maps}", files={"file": encode(PHOTO)}), 422)


def test_a_selected_map_must_exist(client: TestClient) -> None:
    response = client.post("/filter/sepia?maps=3", files={"file": encode(PHOTO)})
    assert "maps has the number 3; the result has 3 maps, 0 to 2" in read_problem(response, 422)["detail"]


def test_too_many_maps_are_rejected_before_they_are_computed(limited_client: TestClient) -> None:
    """The limit is 5000 values. 8 maps of 16x20 are 2560, 16 are 5120."""
    pixels = draw_noise(20, 16)
    sixteen = {"kernel": "conv", "weights": np.ones((16, 3)).tolist()}
    assert load(send(limited_client, [EIGHT], pixels)).shape == (20, 16, 8)
    detail = read_problem(send(limited_client, ["sepia", sixteen], pixels), 422)["detail"]
    assert "Step 2 (conv) gives 16 maps of 16x20, 5120 values; the limit is 5000" in detail


def test_work_of_layers_is_limited(limited_client: TestClient) -> None:
    """The limit is 100,000 multiplications: 320 pixels times 3x3x3x40 are 345,600."""
    layer = {"kernel": "conv", "weights": np.ones((10, 3, 6, 6)).tolist()}
    assert "multiplications" in read_problem(send(limited_client, [layer]), 413)["detail"]


def test_layers_are_listed_with_the_kernels(client: TestClient) -> None:
    layers = {layer["name"]: layer for layer in client.get("/kernels").json()["layers"]}
    assert layers["mnist-conv2"]["weights_shape"] == {"height": 5, "width": 5, "inputs": 32, "outputs": 64}
    assert layers["conv"]["weights_shape"] is None
    assert "layout" in layers["conv"]["settings"]
    saturate = client.get("/kernels/saturate?amount=0").json()
    np.testing.assert_allclose(saturate["matrix"], [[0.213, 0.715, 0.072]] * 3, atol=1e-6)
    for name in layers:
        if name not in ("conv", "mnist-conv2"):  # weights of a request, and 32 inputs
            preview = client.get(f"/kernels/{name}/preview.png")
            assert preview.status_code == 200, (name, preview.text)
            assert open_image(preview.content).format == "PNG"


def test_layers_on_a_contact_sheet(client: TestClient) -> None:
    assert client.post("/gallery?kernels=sepia,dilate", files={"file": encode(PHOTO)}).status_code == 200
    response = client.post("/gallery?kernels=mnist-conv1", files={"file": encode(PHOTO)})
    assert "maps=sheet" in read_problem(response, 422)["detail"]


def test_layers_of_the_digit_network_are_those_of_the_network(client: TestClient) -> None:
    """The maps after each stage, times 255, for ink in 0..1 as MNIST has it."""
    from models.reader.explain import Explainer
    from models.reader.reader import DigitReader

    field = draw_noise(28, 28, 1)
    stages = {
        stage.name: stage.values
        for stage in Explainer(DigitReader.load()).explain((field / 255).astype(np.float32), 4).stages
    }
    for names, stage in (("mnist-conv1", "conv1"), ("mnist-conv1,max-pool", "pool1"),
                         ("mnist-conv1,max-pool,mnist-conv2", "conv2")):  # fmt: skip
        maps = load(client.post(f"/filter/{names}", files={"file": encode(field)}))
        assert maps.max() > 10
        np.testing.assert_allclose(maps / 255, stages[stage], atol=1e-4)


def test_a_photograph_as_the_network_sees_it(client: TestClient) -> None:
    response = client.post("/filter/mnist-conv1,max-pool?maps=sheet", files={"file": encode(draw_noise(60, 80))})
    assert response.status_code == 200, response.text
    assert response.headers["Content-Type"] == "image/png"
