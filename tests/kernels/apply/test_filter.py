"""What a filter does to an image without alpha: convention, channels, and every setting on its way."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from kernels import KernelParameterError, convolve
from kernels.catalogue import Catalogue
from tests.support import reference as oracle

NINE = np.arange(1, 10).reshape(3, 3)
"""No two weights alike: a flip or a turn of any kind shows."""

LINEAR_KERNELS = [name for name in Catalogue() if Catalogue()[name].make_kernel().combine == "single"]


def draw_image(seed: int, *shape: int) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def paint_impulse() -> NDArray[np.uint8]:
    image = np.zeros((5, 5), np.uint8)
    image[2, 2] = 1
    return image


def paint_steps(axis: int) -> NDArray[np.uint8]:
    """An edge: 20 then 220 along the axis."""
    image = np.full((8, 8), 20, np.uint8)
    image[(slice(4, None), slice(None)) if axis == 0 else (slice(None), slice(4, None))] = 220
    return image


# -- the convention


def test_an_impulse_comes_back_as_the_kernel_turned_around() -> None:
    result = convolve(paint_impulse(), NINE)
    np.testing.assert_array_equal(result[1:4, 1:4], NINE[::-1, ::-1])
    assert result.sum() == NINE.sum()


def test_convolve_gives_an_impulse_back_as_the_kernel_is_written() -> None:
    result = convolve(paint_impulse(), NINE, behaviour="convolve")
    np.testing.assert_array_equal(result[1:4, 1:4], NINE)


def test_a_single_weight_beside_the_middle_reads_the_neighbour_on_that_side() -> None:
    image = draw_image(1, 6, 7)
    result = convolve(image, [[0, 0, 0], [0, 0, 1], [0, 0, 0]])
    np.testing.assert_array_equal(result[:, :-1], image[:, 1:])


@pytest.mark.parametrize("anchor", [(x, y) for x in range(3) for y in range(3)])
def test_the_anchor_is_the_weight_that_stands_over_the_pixel(anchor: tuple[int, int]) -> None:
    image = draw_image(2, 6, 7)
    x, y = anchor
    alone = np.zeros((3, 3))
    alone[y, x] = 1
    np.testing.assert_array_equal(convolve(image, alone, anchor=anchor), image)


def test_moving_the_anchor_moves_the_image_the_same_way() -> None:
    image = draw_image(3, 7, 9)
    middle = convolve(image, NINE, divisor=45, border="wrap")
    np.testing.assert_array_equal(
        convolve(image, NINE, divisor=45, border="wrap", anchor=(2, 0)), np.roll(middle, (-1, 1), (0, 1))
    )


def test_an_even_side_is_anchored_before_its_middle() -> None:
    image = draw_image(4, 6, 7)
    np.testing.assert_array_equal(convolve(image, [[1, 0]]), image)
    np.testing.assert_array_equal(convolve(image, [[0, 1]])[:, :-1], image[:, 1:])
    np.testing.assert_array_equal(convolve(image, [[0, 1]], anchor=(1, 0)), image)


def test_the_anchor_counts_in_the_kernel_as_it_is_applied() -> None:
    image = draw_image(4, 6, 7)
    np.testing.assert_array_equal(convolve(image, [[1, 0, 0]], anchor=(2, 0), behaviour="convolve"), image)
    np.testing.assert_array_equal(convolve(image, [[0, 1]], behaviour="convolve"), image)


def test_with_an_anchor_a_stride_starts_at_the_first_pixel() -> None:
    image = draw_image(5, 10, 10)
    for stride in range(1, 9):
        for anchor in range(3):
            alone = np.zeros((3, 3))
            alone[anchor, anchor] = 1
            result = convolve(image, alone, stride=stride, anchor=(anchor, anchor))
            np.testing.assert_array_equal(result, image[::stride, ::stride])


def test_a_vertical_sobel_sees_no_horizontal_edge() -> None:
    assert not convolve(paint_steps(axis=0), "left-sobel").any()
    assert convolve(paint_steps(axis=1), "left-sobel").max() == 255
    assert not convolve(paint_steps(axis=1), "top-sobel").any()
    assert convolve(paint_steps(axis=0), "top-sobel").max() == 255


@pytest.mark.parametrize(
    ("name", "axis", "brighter_first"),
    [("top-sobel", 0, True), ("bottom-sobel", 0, False), ("left-sobel", 1, True), ("right-sobel", 1, False),
     ("top-prewitt", 0, True), ("left-prewitt", 1, True), ("top-scharr", 0, True), ("left-scharr", 1, True)],
)  # fmt: skip
def test_directions_answer_positively_where_their_side_is_brighter(name: str, axis: int, brighter_first: bool) -> None:
    darker_first = convolve(paint_steps(axis), name, response="raw")
    sign = -1 if brighter_first else 1
    assert (sign * darker_first).min() == 0
    assert (sign * darker_first).max() > 0


# -- channels are filtered apart


def test_channels_do_not_mix() -> None:
    image = draw_image(6, 12, 13, 3)
    for name in Catalogue():
        alone = [convolve(image[:, :, channel], name) for channel in range(3)]
        np.testing.assert_array_equal(convolve(image, name), np.stack(alone, axis=2), err_msg=name)


def test_the_lecture_filters_of_shape_3_3_3_3_do_mix_channels() -> None:
    import tensorflow as tf

    blur = Catalogue()["blur"].make_kernel().weights / 16
    red = np.zeros((5, 5, 3), np.uint8)
    red[:, :, 0] = 160
    lecture = tf.nn.conv2d(
        red[None].astype(np.float32), np.broadcast_to(blur[:, :, None, None], (3, 3, 3, 3)), 1, "VALID"
    ).numpy()[0]
    assert lecture[0, 0].tolist() == [160, 160, 160], "the sum of red, green and blue: red turned grey"
    np.testing.assert_array_equal(convolve(red, "blur"), red)


# -- properties


@pytest.mark.parametrize("border", ["edge", "reflect", "symmetric", "wrap", "valid"])
@pytest.mark.parametrize("name", Catalogue())
def test_an_even_area_is_multiplied_by_sum_over_divisor(name: str, border: str) -> None:
    kernel = Catalogue()[name].make_kernel()
    gain = 1 if name == "emboss" else kernel.sum / kernel.divisor
    assert name not in ("lighten", "darken") or gain != 1
    even = np.full((40, 41, 3), (30, 90, 150), np.uint8)
    result = convolve(even, name, border=border)
    expected = np.broadcast_to(np.rint(np.array([30, 90, 150]) * gain), result.shape)
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("name", LINEAR_KERNELS)
def test_raw_is_linear(name: str) -> None:
    generator = np.random.default_rng(7)
    first, second = generator.uniform(-300, 300, (2, 20, 21, 3)).astype(np.float32)
    mixed = convolve(np.float32(2) * first - np.float32(3) * second, name, response="raw")
    apart = 2 * convolve(first, name, response="raw") - 3 * convolve(second, name, response="raw")
    np.testing.assert_allclose(mixed, apart, atol=0.01)
    assert np.abs(mixed).max() > 1


@pytest.mark.parametrize("border", ["edge", "zero", "reflect", "symmetric", "wrap", "valid"])
def test_a_flipped_image_under_a_flipped_kernel_gives_the_flipped_result(border: str) -> None:
    image = draw_image(8, 9, 11, 3)
    result = convolve(image, NINE, divisor=45, border=border)
    flipped = convolve(image[:, ::-1], NINE[:, ::-1], divisor=45, border=border)
    np.testing.assert_array_equal(flipped[:, ::-1], result)
    turned = convolve(image.transpose(1, 0, 2), NINE.T, divisor=45, border=border)
    np.testing.assert_array_equal(turned.transpose(1, 0, 2), result)


@pytest.mark.parametrize(("left", "right"), [("top-sobel", "bottom-sobel"), ("left-sobel", "right-sobel")])
def test_opposite_sobels_differ_in_sign_only(left: str, right: str) -> None:
    image = draw_image(9, 9, 9)
    one = convolve(image, left, response="raw")
    np.testing.assert_array_equal(one, -convolve(image, right, response="raw"))
    assert one.any()


def test_the_magnitude_is_the_length_of_the_two_directions() -> None:
    image = draw_image(10, 9, 9)
    for name in ("sobel", "prewitt", "scharr"):
        top, left = (convolve(image, f"{side}-{name}", response="raw") for side in ("top", "left"))
        np.testing.assert_allclose(convolve(image, name, response="raw"), np.hypot(top, left), rtol=1e-6)


def test_kirsch_is_the_largest_of_eight_directions() -> None:
    image = draw_image(11, 8, 8)
    clockwise = [(0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0)]
    answers = []
    for start in range(8):
        weights = np.full((3, 3), -3)
        weights[1, 1] = 0
        for place in range(3):
            weights[clockwise[(start + place) % 8]] = 5
        answers.append(convolve(image, weights, response="raw"))
    assert len({answer.tobytes() for answer in answers}) == 8
    np.testing.assert_array_equal(convolve(image, "kirsch", response="raw"), np.max(answers, axis=0))


# -- settings


def test_without_amount_the_original_comes_back() -> None:
    image = draw_image(12, 9, 10, 3)
    for name in Catalogue():
        np.testing.assert_array_equal(convolve(image, name, amount=0), image, err_msg=name)


def test_amount_mixes_the_kernel_with_the_identity() -> None:
    image = draw_image(13, 9, 10, 3)
    mixed = 0.25 * np.array([[0, -1, 0], [-1, 5, -1], [0, -1, 0]])
    mixed[1, 1] += 0.75
    exact = oracle.correlate(image, mixed)
    oracle.assert_equal_to_rounding(convolve(image, "sharpen", amount=0.25), exact)
    # An edge mixed with the original is an image again, not a signed answer: it is cut off, not folded.
    mixed = 0.5 * np.array([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]])
    mixed[1, 1] += 0.5
    oracle.assert_equal_to_rounding(convolve(image, "edge", amount=0.5), oracle.correlate(image, mixed))


def test_amount_with_a_stride_takes_the_original_at_the_same_pixels() -> None:
    image = draw_image(14, 9, 10, 3)
    for stride, dilation, size in ((2, 1, 3), (3, 2, 4), (8, 1, 2)):
        weights = np.zeros((size, size))
        weights[0, 0] = 1
        arguments: dict[str, Any] = {"stride": stride, "dilation": dilation}
        delta = np.zeros([dilation * (size - 1) + 1] * 2)
        delta[(len(delta) - 1) // 2, (len(delta) - 1) // 2] = 1
        expected = oracle.correlate(image, delta, stride=(stride, stride))
        np.testing.assert_array_equal(convolve(image, weights, amount=0, **arguments), expected)


@pytest.mark.parametrize(
    ("divisor", "expected"), [("auto", 20), ("none", 120), (3, 40), ("-3", 0), (None, 120), (0.75, 160)]
)
def test_the_sum_is_divided_by_the_divisor(divisor: Any, expected: int) -> None:
    settings = {} if divisor is None else {"divisor": divisor}
    assert convolve(np.full((3, 3), 20, np.uint8), [[1, 2, 3]], **settings)[1, 1] == expected


def test_the_automatic_divisor_of_a_kernel_that_sums_to_0_is_1() -> None:
    image = draw_image(15, 6, 6)
    np.testing.assert_array_equal(convolve(image, "edge", divisor="auto"), convolve(image, "edge"))


def test_a_named_kernel_has_its_own_divisor() -> None:
    even = np.full((3, 3), 9, np.uint8)
    assert convolve(even, "blur")[1, 1] == 9
    assert convolve(even, "blur", divisor="none")[1, 1] == 144
    assert convolve(even, "lighten")[1, 1] == 12
    assert convolve(even, "lighten", divisor="auto")[1, 1] == 9


@pytest.mark.parametrize(
    ("dtype", "bias", "expected"),
    [(np.uint8, 30, 130), (np.uint8, "30", 130), (np.uint8, -300, 0), (np.uint8, "50%", 228), (np.uint8, "-10%", 74),
     (np.uint16, 30, 130), (np.uint16, "50%", 32868), (np.float32, "50%", 227.5)],
)  # fmt: skip
def test_the_bias_is_added_in_pixel_units_or_as_a_share_of_white(dtype: Any, bias: Any, expected: float) -> None:
    assert convolve(np.full((3, 3), 100, dtype), "blur", bias=bias)[1, 1] == expected


RISE = np.array([[0, 0, 100, 200, 200]], np.uint8)
"""Under [1, 0, -1]: 0, -100, -200, -100, 0."""


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        ("clip", [0, 0, 0, 0, 0]),
        ("abs", [0, 100, 200, 100, 0]),
        ("offset", [128, 78, 28, 78, 128]),
        ("rescale", [255, 128, 0, 128, 255]),
        ("raw", [0, -100, -200, -100, 0]),
    ],
)
def test_each_response_by_hand(response: str, expected: list[int]) -> None:
    result = convolve(RISE, [[1, 0, -1]], response=response)
    assert result[0].tolist() == expected
    assert result.dtype == (np.float32 if response == "raw" else np.uint8)


def test_offset_puts_0_at_mid_grey_exactly() -> None:
    """In float32, since rounding 127.5 to even would give 128 as well."""
    result = convolve(RISE.astype(np.float32), [[1, 0, -1]], response="offset")
    assert result[0].tolist() == [128, 78, 28, 78, 128]


def test_16_bit_answers_are_centred_and_stretched_on_their_own_range() -> None:
    deep = RISE.astype(np.uint16) * 257
    assert convolve(deep, [[1, 0, -1]], response="offset")[0].tolist() == [32768, 19918, 7068, 19918, 32768]
    assert convolve(deep, [[1, 0, -1]], response="rescale")[0].tolist() == [65535, 32768, 0, 32768, 65535]


def test_raw_leaves_what_is_beyond_white_and_black() -> None:
    result = convolve(np.full((3, 3), 200, np.uint8), [[2]], response="raw", bias=0.25)
    assert result.dtype == np.float32
    assert (result == 400.25).all()


def test_abs_is_the_default_for_a_sum_of_0_only() -> None:
    fall = RISE[:, ::-1].copy()
    assert convolve(RISE, [[1, 0, -1]])[0].max() == 200
    assert convolve(fall, [[-1, 0, 1]])[0].max() == 200
    assert convolve(RISE, [[1, 0, -1.01]])[0].max() == 0


def test_rescaling_an_even_answer_gives_black() -> None:
    assert not convolve(np.full((4, 4), 77, np.uint8), "blur", response="rescale").any()


def test_a_result_is_rounded_to_nearest_not_cut_off() -> None:
    image = np.full((1, 1), 199, np.uint8)
    assert convolve(image, [[1]], divisor=4)[0, 0] == 50  # 49.75
    assert convolve(image, [[1]], divisor=3)[0, 0] == 66  # 66.33


# -- choice of channels


def test_gray_filters_the_luma_of_bt_601() -> None:
    image = draw_image(16, 8, 9, 3)
    luma = image @ np.array([[0.299], [0.587], [0.114]])
    result = convolve(image, "emboss", channels="gray")
    assert result.shape == (8, 9, 1)
    oracle.assert_equal_to_rounding(result, oracle.correlate(luma, Catalogue()["emboss"].make_kernel().weights))


def test_luma_changes_the_brightness_and_keeps_the_colour_differences() -> None:
    image = np.random.default_rng(17).integers(115, 140, (8, 9, 3)).astype(np.uint8)
    luma = image @ np.array([[0.299], [0.587], [0.114]])
    exact = image + oracle.correlate(luma, Catalogue()["sharpen"].make_kernel().weights) - luma
    assert not np.array_equal(exact, image)
    oracle.assert_equal_to_rounding(convolve(image, "sharpen", channels="luma"), exact)


@pytest.mark.parametrize("channels", ["r", "g", "b", "rg", "bg", "BR"])
def test_only_the_channels_asked_for_are_filtered(channels: str) -> None:
    image = draw_image(18, 8, 9, 3)
    everything = convolve(image, "blur")
    result = convolve(image, "blur", channels=channels)
    for index, letter in enumerate("rgb"):
        expected = everything if letter in channels.lower() else image
        np.testing.assert_array_equal(result[:, :, index], expected[:, :, index])


def test_channels_not_filtered_follow_the_stride() -> None:
    image = draw_image(19, 9, 9, 3)
    result = convolve(image, [[1]], divisor=2, channels="r", stride=2)
    np.testing.assert_array_equal(result[:, :, 1:], image[::2, ::2, 1:])
    np.testing.assert_array_equal(result[:, :, 0], np.rint(image[::2, ::2, 0] / 2))


def test_grey_images_stay_grey_unless_one_colour_is_filtered() -> None:
    image = draw_image(20, 8, 9)
    for channels in ("rgb", "gray", "luma"):
        np.testing.assert_array_equal(convolve(image, "blur", channels=channels), convolve(image, "blur"))
    tinted = convolve(image, "darken", channels="b")
    assert tinted.shape == (8, 9, 3)
    np.testing.assert_array_equal(tinted[:, :, 0], image)
    np.testing.assert_array_equal(tinted[:, :, 2], convolve(image, "darken"))


# -- linear light


def decode(encoded: NDArray[np.float64]) -> NDArray[np.float64]:
    """IEC 61966-2-1, 5.2, equations 5 and 6."""
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def encode(light: NDArray[np.float64]) -> NDArray[np.float64]:
    """IEC 61966-2-1, 5.3, equations 9 and 10."""
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.maximum(light, 0) ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize(("dtype", "maximum"), [(np.uint8, 255), (np.uint16, 65535)])
def test_linear_light_is_filtered_between_decoding_and_encoding(dtype: Any, maximum: int) -> None:
    image = np.random.default_rng(22).integers(0, maximum, (12, 13, 3), dtype, endpoint=True)
    light = oracle.correlate(decode(image / maximum), Catalogue()["blur"].make_kernel().weights / 16)
    oracle.assert_equal_to_rounding(convolve(image, "blur", linear=True), maximum * encode(light), maximum)


def test_black_and_white_mix_to_the_grey_that_gives_half_the_light() -> None:
    halves = np.array([[0, 255]], np.uint8)
    assert convolve(halves, [[1, 1]], divisor=2, linear=True)[0, 0] == 188
    assert convolve(halves, [[1, 1]], divisor=2)[0, 0] == 128


def test_grey_in_linear_light_is_luminance() -> None:
    green = np.array([[[0, 255, 0]]], np.uint8)
    expected = round(255 * float(encode(np.array(0.7152))))
    assert convolve(green, "identity", channels="gray", linear=True)[0, 0, 0] == expected


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_linear_light_changes_nothing_under_the_identity(dtype: Any) -> None:
    values = np.arange(np.iinfo(dtype).max + 1).astype(dtype)[None]
    np.testing.assert_array_equal(convolve(values, "identity", linear=True), values)


# -- shapes and what is refused


def test_two_dimensional_images_come_back_two_dimensional() -> None:
    image = draw_image(23, 5, 6)
    assert convolve(image, "blur").shape == (5, 6)
    assert convolve(image[:, :, None], "blur").shape == (5, 6, 1)


def test_the_input_is_left_as_it_was() -> None:
    for dtype in (np.uint8, np.float32):
        image = draw_image(24, 5, 6, 4).astype(dtype)
        before = image.copy()
        for settings in ({}, {"response": "raw"}, {"bias": 9, "amount": 0.0}, {"channels": "r"}):
            convolve(image, "identity", **settings)
            np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("dtype", [np.float64, np.int32, np.bool_])
def test_other_depths_are_refused(dtype: Any) -> None:
    with pytest.raises(KernelParameterError, match=r"may be uint8, uint16 or float32"):
        convolve(np.zeros((4, 4), dtype), "blur")


@pytest.mark.parametrize("anchor", [(3, 0), (0, 2), (-1, 0)])
def test_an_anchor_outside_the_kernel_is_refused_with_what_is_allowed(anchor: tuple[int, int]) -> None:
    with pytest.raises(KernelParameterError, match=r"3 columns and 2 rows it may be 0,0 to 2,1"):
        convolve(draw_image(25, 4, 4), np.ones((2, 3)), anchor=anchor)


def test_values_that_overflow_are_refused() -> None:
    image = np.full((4, 4), 255, np.uint8)
    for name in ("blur", "sobel"):
        for divisor in (1e-38, 1e-300):
            with pytest.raises(KernelParameterError, match=f"The values of '{name}' exceed the range of float32"):
                convolve(image, name, divisor=divisor, bias=1, border="zero")


@pytest.mark.parametrize(
    "image",
    [np.zeros((4, 4, 5), np.uint8), np.zeros((4, 0, 3), np.uint8), np.zeros((2, 2, 2, 2), np.uint8), np.zeros((4, 4))],
    ids=["five channels", "no width", "four axes", "float64"],
)
def test_what_is_no_image_is_refused(image: NDArray[Any]) -> None:
    with pytest.raises(KernelParameterError, match="The image is"):
        convolve(image, "blur")


def test_negative_numbers_stay_negative_in_linear_light() -> None:
    image = np.full((3, 3), -10, np.float32)
    assert convolve(image, "identity", linear=True, response="raw")[1, 1] == pytest.approx(-10 / 12.92)


@pytest.mark.parametrize("settings", [{"response": "raw"}, {"response": "clip"}])
def test_the_result_can_be_written_into(settings: dict[str, Any]) -> None:
    image = np.full((6, 7, 3), 9, np.float32)
    result = convolve(image, [[0, 0, 0], [0, 1, 0], [0, 0, 0]], **settings)
    result[0, 0] = 5
    assert result[0, 0].tolist() == [5, 5, 5]
