"""Kinds of pixels: what comes in, what comes out, and that nothing is lost on the way."""

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
import tifffile
from fastapi.testclient import TestClient
from PIL import Image, ImageCms, ImageOps, JpegImagePlugin
from PIL.PngImagePlugin import PngInfo
from scipy import ndimage

from tests.support.images import (
    LINEAR_GREY_PROFILE,
    SRGB_PROFILE,
    SWAPPED_PROFILE,
    Pixels,
    decode,
    draw_blobs,
    draw_noise,
    encode,
    encode_frames,
    open_image,
    read_chunks,
    read_png,
    write_chunk,
    write_ink_profile,
    write_png,
)
from tests.support.paths import DATA
from tests.support.replies import filter_bytes

IMAGES = DATA


# -- kinds of 8-bit images


@pytest.mark.parametrize(
    ("mode", "mode_out"),
    [("1", "L"), ("L", "L"), ("LA", "LA"), ("P", "RGB"), ("RGB", "RGB"), ("RGBA", "RGBA")],
)
def test_every_mode_comes_out_in_the_nearest_true_colour_mode(client: TestClient, mode: str, mode_out: str) -> None:
    image = Image.fromarray(draw_noise(6, 8, 4))
    image.putalpha(Image.fromarray(np.full((6, 8), 200, np.uint8)))
    sent = encode(image.convert(mode) if mode != "P" else image.convert("RGB").quantize(16), "PNG")

    with open_image(filter_bytes(client, sent)) as result:
        assert result.mode == mode_out
        assert np.array_equal(np.asarray(result), np.asarray(open_image(sent).convert(mode_out)))


@pytest.mark.parametrize("name", ["tp0n0g08", "tbrn2c08", "tbbn2c16", "basn3p02", "basi2c16", "basi4a16"])
def test_pngsuite_reads_as_opencv_reads_it(client: TestClient, name: str) -> None:
    data = (IMAGES / f"{name}.png").read_bytes()
    expected = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    result = cv2.imdecode(np.frombuffer(filter_bytes(client, data), np.uint8), cv2.IMREAD_UNCHANGED)
    assert expected is not None
    assert result is not None
    assert result.dtype == expected.dtype
    if expected.ndim == 3 and expected.shape[2] == 4:  # colours under alpha 0 may be anything
        expected[expected[..., 3] == 0] = 0
        assert result.ndim == 3
        assert result.shape[2] == 4
        result[result[..., 3] == 0] = 0
    if result.ndim == 2 and expected.ndim == 3:  # OpenCV 5 spreads some greys
        expected = expected[..., 0]
    assert np.array_equal(result, expected)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_a_transparent_grey_of_few_bits_is_the_one_meant(client: TestClient, bits: int) -> None:
    """tRNS counts in the image's own depth: 1 of 3 is 85 of 255."""
    levels = 2**bits
    values = (np.arange(8) % levels).astype(np.uint8)[None, :]
    transparent = 1
    sent = write_few_bits_png(values, bits, transparent)

    result = decode(filter_bytes(client, sent))

    assert result.shape == (1, 8, 2)
    assert result[0, :, 1].tolist() == [0 if value == transparent else 255 for value in values[0]]
    seen = values[0] != transparent
    assert result[0, seen, 0].tolist() == (values[0][seen] * (255 // (levels - 1))).tolist()


def write_few_bits_png(values: Pixels, bits: int, transparent: int) -> bytes:
    height, width = values.shape
    packed = np.packbits(np.unpackbits(values[..., None], axis=2)[:, :, -bits:].reshape(height, -1), axis=1)
    rows = b"".join(b"\0" + row.tobytes() for row in packed)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        write_chunk(kind, body)
        for kind, body in [
            (b"IHDR", struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0)),
            (b"tRNS", struct.pack(">H", transparent)),
            (b"IDAT", zlib.compress(rows)),
            (b"IEND", b""),
        ]
    )


def test_a_palette_entry_can_be_half_transparent(client: TestClient) -> None:
    image = Image.new("P", (3, 1))
    image.putdata([0, 1, 2])
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    sent = encode(image, "PNG", transparency=bytes([255, 128, 0]))
    result = decode(filter_bytes(client, sent))
    assert result[0, :2].tolist() == [[255, 0, 0, 255], [0, 255, 0, 128]]
    assert result[0, 2, 3] == 0


def test_a_transparent_colour_of_rgb_becomes_alpha(client: TestClient) -> None:
    pixels = np.array([[[10, 20, 30], [40, 50, 60]]], np.uint8)
    sent = write_png(pixels, before=[(b"tRNS", b"\0\x28\0\x32\0\x3c")])
    assert decode(filter_bytes(client, sent))[..., 3].tolist() == [[255, 0]]


def test_cmyk_without_a_profile_is_converted_by_the_plain_formula(client: TestClient) -> None:
    cmyk = Image.merge("CMYK", [Image.new("L", (8, 8), value) for value in (255, 0, 0, 0)])
    with open_image(filter_bytes(client, encode(cmyk, "TIFF"), format="png")) as result:
        assert result.mode == "RGB"
        assert result.getpixel((3, 3)) == (0, 255, 255)


def test_cmyk_jpeg_answers_with_an_rgb_jpeg(client: TestClient) -> None:
    cmyk = Image.fromarray(draw_blobs(16, 16)).convert("CMYK")
    with open_image(filter_bytes(client, encode(cmyk, "JPEG", quality=100), quality="100")) as result:
        assert (result.format, result.mode) == ("JPEG", "RGB")
        assert np.abs(np.asarray(result).astype(int) - draw_blobs(16, 16)).max() <= 8


@pytest.mark.parametrize("format", ["TIFF", "JPEG"])
def test_cmyk_is_converted_through_its_profile(client: TestClient, format: str) -> None:
    """By this profile cyan ink looks red; by the plain formula it would be cyan."""
    cyan = Image.merge("CMYK", [Image.new("L", (8, 8), value) for value in (255, 0, 0, 0)])
    sent = encode(cyan, format, icc_profile=write_ink_profile())
    with open_image(filter_bytes(client, sent, format="png")) as result:
        assert result.mode == "RGB"
        assert "icc_profile" not in result.info
        red, green, blue = np.asarray(result)[4, 4].tolist()
        assert red >= 245
        assert green <= 20
        assert blue <= 20


def test_the_profile_of_a_cmyk_image_does_not_survive_it(client: TestClient) -> None:
    """A profile of another colour space than the pixels' cannot be used, and is not passed on either."""
    cmyk = Image.fromarray(draw_blobs(8, 8)).convert("CMYK")
    result = open_image(filter_bytes(client, encode(cmyk, "TIFF", icc_profile=SRGB_PROFILE), format="png"))
    assert result.mode == "RGB"
    assert "icc_profile" not in result.info


def test_a_multi_image_jpeg_answers_with_its_first_image(client: TestClient) -> None:
    first, second = draw_blobs(16, 24), 255 - draw_blobs(16, 24)
    sent = encode_frames([first, second], "MPO")
    assert open_image(sent).format == "MPO"

    reply = client.post("/filter/identity?quality=100", content=sent, headers={"Content-Type": "image/jpeg"})

    assert reply.headers["Content-Type"] == "image/jpeg"
    with open_image(reply.content) as result:
        assert result.format == "JPEG"
        assert np.abs(np.asarray(result).astype(int) - np.asarray(open_image(sent)).astype(int)).max() <= 4


def test_images_of_floats_are_refused_and_not_flattened(client: TestClient) -> None:
    sent = encode(Image.fromarray(np.linspace(0, 1, 12, dtype=np.float32).reshape(3, 4)), "TIFF")
    reply = client.post("/filter/identity", content=sent, headers={"Content-Type": "image/tiff"})
    assert reply.status_code == 415


# -- 16 bits


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_16_bit_pngs_stay_exact(client: TestClient, channels: int) -> None:
    sent = draw_noise(5, 7, channels, dtype="uint16")
    if channels in (2, 4):
        sent[..., -1] |= 1  # nothing hidden: what is under alpha 0 need not come back
    result = read_png(filter_bytes(client, write_png(sent)))
    assert result.dtype == np.uint16
    assert np.array_equal(result, sent)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_transparent_colour_of_a_16_bit_png_is_compared_in_16_bits(client: TestClient, channels: int) -> None:
    sent = np.full((1, 3, channels), 0x1234, np.uint16)
    sent[0, 1] += 1  # the same in 8 bits
    sent[0, 2] = 7
    result = read_png(filter_bytes(client, write_png(sent, before=[(b"tRNS", b"\x12\x34" * channels)])))
    assert result.shape == (1, 3, channels + 1)
    assert result[0, :, -1].tolist() == [0, 65535, 65535]
    assert result[0, 1:, 0].tolist() == [0x1235, 7]


def test_16_bits_are_filtered_in_16_bits(client: TestClient) -> None:
    sent = draw_noise(9, 11, 3, dtype="uint16")
    result = read_png(filter_bytes(client, write_png(sent), "blur"))
    weights = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]]) / 16
    for channel in range(3):
        expected = ndimage.correlate(sent[..., channel].astype(float), weights, mode="nearest")
        assert np.abs(result[..., channel] - expected).max() <= 0.51


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("compression", [1, 5, 8], ids=["none", "lzw", "deflate"])
def test_16_bit_tiffs_stay_exact(client: TestClient, channels: int, compression: int) -> None:
    sent = draw_noise(5, 7, channels, dtype="uint16")
    if channels == 4:
        sent[..., 3] |= 1
    blue_first = sent if channels == 1 else sent[..., [2, 1, 0, 3][:channels]]
    _, data = cv2.imencode(".tiff", blue_first, [cv2.IMWRITE_TIFF_COMPRESSION, compression])

    result = tifffile.imread(io.BytesIO(filter_bytes(client, data.tobytes())))

    assert result.dtype == np.uint16
    assert np.array_equal(result, sent)


@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_16_bit_grey_tiffs_of_both_byte_orders_stay_exact(client: TestClient, byteorder: str) -> None:
    sent, buffer = draw_noise(5, 7, 1, dtype="uint16"), io.BytesIO()
    tifffile.imwrite(buffer, sent, byteorder=byteorder, photometric="minisblack")
    assert np.array_equal(read_png(filter_bytes(client, buffer.getvalue(), format="png")), sent)


def test_a_16_bit_tiff_in_separate_planes_is_refused_and_not_garbled(client: TestClient) -> None:
    buffer = io.BytesIO()
    planes = draw_noise(5, 7, 3, dtype="uint16").transpose(2, 0, 1)
    tifffile.imwrite(buffer, planes, photometric="rgb", planarconfig="separate")
    reply = client.post("/filter/identity", content=buffer.getvalue(), headers={"Content-Type": "image/tiff"})
    assert reply.status_code == 415
    assert "separate planes" in reply.json()["detail"]


def test_a_16_bit_tiff_with_white_as_zero_is_not_shown_as_its_negative(client: TestClient) -> None:
    sent, buffer = draw_noise(5, 7, 1, dtype="uint16"), io.BytesIO()
    tifffile.imwrite(buffer, sent, photometric="miniswhite")
    assert np.array_equal(read_png(filter_bytes(client, buffer.getvalue(), format="png")), 65535 - sent)


def test_premultiplied_alpha_of_a_16_bit_tiff_is_divided_out(client: TestClient) -> None:
    straight = np.array([[[65535, 32768, 0, 32768]]], np.uint16)
    premultiplied, buffer = np.array([[[32768, 16384, 0, 32768]]], np.uint16), io.BytesIO()
    tifffile.imwrite(buffer, premultiplied, photometric="rgb", extrasamples=["assocalpha"])
    result = read_png(filter_bytes(client, buffer.getvalue(), format="png"))
    assert np.abs(result.astype(int) - straight).max() <= 2


def test_every_page_of_a_16_bit_tiff_is_filtered(client: TestClient) -> None:
    pages, buffer = draw_noise(5, 7, 3, dtype="uint16")[None].repeat(2, axis=0), io.BytesIO()
    pages[1] = 65535 - pages[0]
    tifffile.imwrite(buffer, pages, photometric="rgb")
    assert np.array_equal(tifffile.imread(io.BytesIO(filter_bytes(client, buffer.getvalue()))), pages)
    first = tifffile.imread(io.BytesIO(filter_bytes(client, buffer.getvalue(), frames="first")))
    assert np.array_equal(first, pages[0])


def test_pages_of_16_bits_are_not_silently_dropped_from_a_png(client: TestClient) -> None:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, draw_noise(3, 5 * 7, 3, dtype="uint16").reshape(3, 5, 7, 3), photometric="rgb")
    reply = client.post(
        "/filter/identity?format=png", content=buffer.getvalue(), headers={"Content-Type": "image/tiff"}
    )
    assert reply.status_code == 422
    assert "frames=first" in reply.json()["detail"]


@pytest.mark.parametrize("format", ["jpeg", "webp", "gif", "bmp"])
def test_formats_of_8_bits_get_16_bits_rounded(client: TestClient, format: str) -> None:
    """The two bytes of the second and third number begin with 100 and 200: cutting would give those."""
    sent = np.full((8, 8, 3), [65535, 257 * 100 + 130, 257 * 200 - 129], np.uint16)
    result = decode(filter_bytes(client, write_png(sent), format=format, quality="100"))
    assert np.abs(result[4, 4, :3].astype(int) - [255, 101, 199]).max() <= (3 if format == "jpeg" else 0)


# -- profiles


@pytest.mark.parametrize("format", ["png", "jpeg", "webp", "tiff", "avif"])
@pytest.mark.parametrize("sent_as", ["PNG", "JPEG", "TIFF", "WEBP", "AVIF"])
def test_the_profile_stays_with_the_pixels_byte_for_byte(client: TestClient, sent_as: str, format: str) -> None:
    sent = encode(draw_blobs(16, 16), sent_as, icc_profile=SWAPPED_PROFILE)
    with open_image(filter_bytes(client, sent, format=format)) as result:
        assert result.info["icc_profile"] == SWAPPED_PROFILE


def test_the_profile_of_a_16_bit_image_stays_too(client: TestClient) -> None:
    sent = write_png(
        draw_noise(4, 4, dtype="uint16"),
        before=[(b"iCCP", b"x\0\0" + zlib.compress(SWAPPED_PROFILE))],
    )
    for format in ("png", "tiff"):
        assert open_image(filter_bytes(client, sent, format=format)).info["icc_profile"] == SWAPPED_PROFILE


@pytest.mark.parametrize("format", ["gif", "bmp"])
def test_formats_without_profiles_get_srgb_pixels(client: TestClient, format: str) -> None:
    """By this profile what is stored as red looks blue."""
    sent = encode(np.full((4, 4, 3), [255, 0, 0], np.uint8), "PNG", icc_profile=SWAPPED_PROFILE)
    with open_image(filter_bytes(client, sent, format=format)) as result:
        assert "icc_profile" not in result.info
        red, green, blue = np.asarray(result.convert("RGB"))[2, 2]
        assert red <= 3
        assert green <= 3
        assert blue >= 252


def test_formats_without_profiles_keep_alpha_when_they_get_srgb_pixels(client: TestClient) -> None:
    sent = encode(np.array([[[255, 0, 0, 255], [255, 0, 0, 0]]], np.uint8), "PNG", icc_profile=SWAPPED_PROFILE)
    result = decode(filter_bytes(client, sent, format="gif"))
    assert result[..., 3].tolist() == [[255, 0]]
    assert result[0, 0, 2] >= 252


@pytest.mark.parametrize("format", ["png", "jpeg", "tiff"])
def test_the_profile_of_a_grey_image_stays(client: TestClient, format: str) -> None:
    sent = encode(np.full((8, 8), 128, np.uint8), "PNG", icc_profile=LINEAR_GREY_PROFILE)
    with open_image(filter_bytes(client, sent, format=format)) as result:
        assert result.mode == "L"
        assert result.info["icc_profile"] == LINEAR_GREY_PROFILE


@pytest.mark.parametrize("format", ["webp", "avif", "gif", "bmp"])
@pytest.mark.parametrize("alpha", [False, True])
def test_formats_that_hold_no_grey_profile_get_srgb_pixels(client: TestClient, format: str, alpha: bool) -> None:
    """128 of 255 in linear grey is 188 in sRGB (IEC 61966-2-1); a grey profile on RGB pixels would be void."""
    grey = np.full((8, 8, 2), [128, 255], np.uint8)
    sent = encode(grey if alpha else grey[..., 0], "PNG", icc_profile=LINEAR_GREY_PROFILE)
    with open_image(filter_bytes(client, sent, format=format, quality="100")) as result:
        assert result.info.get("icc_profile", b"RGB ".rjust(20))[16:20] == b"RGB "
        assert np.abs(np.asarray(result.convert("RGB")).astype(int) - 188).max() <= 1


def test_the_profile_is_dropped_when_colour_becomes_grey(client: TestClient) -> None:
    sent = encode(draw_blobs(8, 8), "PNG", icc_profile=SRGB_PROFILE)
    with open_image(filter_bytes(client, sent, channels="gray")) as result:
        assert result.mode == "L"
        assert "icc_profile" not in result.info


def test_a_profile_that_is_none_is_no_reason_to_refuse_the_pixels(client: TestClient) -> None:
    for format in ("png", "gif", "bmp"):
        sent = encode(draw_blobs(4, 4), "PNG", icc_profile=b"not a profile" * 20)
        assert np.array_equal(decode(filter_bytes(client, sent, format=format))[..., :3], draw_blobs(4, 4))


# -- metadata

SECRET = "SECRET-51.4778N"
XMP = f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf>{SECRET}</rdf></x:xmpmeta>'.encode()


def write_secret_exif() -> bytes:
    exif = Image.Exif()
    exif[0x010F] = SECRET
    exif.get_ifd(0x8825)[29] = SECRET
    return exif.tobytes()


def write_images_with_metadata() -> dict[str, bytes]:
    pixels, exif = draw_blobs(16, 16), write_secret_exif()
    text = PngInfo()
    text.add_text("Comment", SECRET)
    text.add_text("Comment2", SECRET, zip=True)
    text.add_itxt("XML:com.adobe.xmp", XMP.decode())
    return {
        "jpeg": encode(pixels, "JPEG", exif=exif, comment=SECRET.encode(), xmp=XMP),
        "png": encode(pixels, "PNG", exif=exif, pnginfo=text),
        "webp": encode(pixels, "WEBP", exif=exif, xmp=XMP),
        "avif": encode(pixels, "AVIF", exif=exif, xmp=XMP),
        "tiff": encode(pixels, "TIFF", exif=exif, tiffinfo={270: SECRET, 315: SECRET, 700: XMP}),
        "gif": encode(pixels, "GIF", comment=SECRET.encode()),
        "png of 16 bits": write_png(
            draw_noise(4, 4, dtype="uint16"), before=[(b"eXIf", exif), (b"tEXt", b"Comment\0" + SECRET.encode())]
        ),
        "tiff of 16 bits": write_16_bit_tiff_with_description(),
    }


def write_16_bit_tiff_with_description() -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, draw_noise(4, 4, dtype="uint16"), description=SECRET, photometric="rgb")
    return buffer.getvalue()


@pytest.mark.parametrize("sent_as", list(write_images_with_metadata()))
@pytest.mark.parametrize("format", ["jpeg", "png", "webp", "avif", "gif", "tiff", "bmp", "npy"])
def test_nothing_but_pixels_and_profile_is_in_the_reply(client: TestClient, sent_as: str, format: str) -> None:
    sent = write_images_with_metadata()[sent_as]
    assert SECRET.encode() in sent

    result = filter_bytes(client, sent, format=format)

    for trace in (SECRET.encode(), b"Exif", b"EXIF", b"xmpmeta", b"GPS", b"tifffile", b"Pillow"):
        assert trace not in result
    if format == "png":
        assert {kind for kind, _ in read_chunks(result)} <= {b"IHDR", b"IDAT", b"IEND"}
    if format != "npy":
        with open_image(result) as image:
            assert set(image.getexif()) - TIFF_STRUCTURE == set()
            assert not {"comment", "exif", "xmp", "XML:com.adobe.xmp"} & set(image.info)


TIFF_STRUCTURE = {254, 256, 257, 258, 259, 262, 273, 277, 278, 279, 282, 283, 284, 296, 317, 338, 339}
"""Tags that tell how the pixels of a TIFF lie."""


# -- alpha


def test_hidden_colours_do_not_leak_into_their_neighbours(client: TestClient) -> None:
    pixels = np.zeros((9, 9, 4), np.uint8)
    pixels[...] = [255, 0, 0, 0]  # red that nobody sees
    pixels[3:6, 3:6] = [0, 0, 255, 255]

    result = decode(filter_bytes(client, encode(pixels), "box", size="3"))

    assert result.shape == (9, 9, 4)
    expected_alpha = ndimage.correlate(pixels[..., 3].astype(float), np.full((3, 3), 1 / 9), mode="nearest")
    assert np.abs(result[..., 3] - expected_alpha).max() <= 0.51
    assert result[result[..., 3] > 0][:, :3].tolist() == [[0, 0, 255]] * np.count_nonzero(result[..., 3])


def test_kernels_that_sum_to_0_keep_alpha(client: TestClient) -> None:
    pixels = draw_noise(9, 9, 4)
    result = decode(filter_bytes(client, encode(pixels), "edge"))
    assert np.array_equal(result[..., 3], pixels[..., 3])
    assert not np.array_equal(result[..., :3], pixels[..., :3])


@pytest.mark.parametrize(("alpha", "expected"), [("keep", [0, 255, 0]), ("filter", [85, 85, 85])])
def test_alpha_is_kept_or_filtered_as_asked(client: TestClient, alpha: str, expected: list[int]) -> None:
    pixels = np.array([[[9, 9, 9, 0], [9, 9, 9, 255], [9, 9, 9, 0]]], np.uint8)
    query = {"weights": "1,1,1", "columns": "3", "divisor": "3", "border": "wrap", "alpha": alpha}
    result = decode(filter_bytes(client, encode(pixels), "custom", **query))
    assert result[0, :, 3].tolist() == expected


def test_jpeg_lays_alpha_over_white(client: TestClient) -> None:
    pixels = np.zeros((16, 16, 4), np.uint8)
    pixels[..., 0], pixels[..., 3] = 200, np.linspace(0, 255, 16).astype(np.uint8)
    result = decode(filter_bytes(client, encode(pixels), format="jpeg", quality="100"))
    over_white = Image.alpha_composite(Image.new("RGBA", (16, 16), "white"), Image.fromarray(pixels)).convert("RGB")
    assert np.abs(result.astype(int) - np.asarray(over_white)).max() <= 6


def test_bmp_shows_no_pixel_that_was_hidden(client: TestClient) -> None:
    """Most programs ignore the fourth byte of a BMP, so what is transparent must look it without."""
    pixels = np.zeros((4, 4, 4), np.uint8)
    with open_image(filter_bytes(client, encode(pixels), format="bmp")) as result:
        shown = np.asarray(result.convert("RGBA"))
    assert np.all((shown[..., 3] == 0) | (shown[..., :3] == 255).all(axis=2))


def test_grey_with_alpha_over_white_stays_grey(client: TestClient) -> None:
    with open_image(
        filter_bytes(client, encode(np.full((8, 8, 2), [0, 128], np.uint8)), format="jpeg", quality="100")
    ) as image:
        assert image.mode == "L"
        assert np.abs(np.asarray(image).astype(int) - 127).max() <= 1


# -- what formats hold


@pytest.mark.parametrize(("format", "tolerance"), [("png", 0), ("tiff", 0), ("bmp", 0), ("webp", 0), ("avif", 3)])
def test_lossless_formats_return_every_pixel(client: TestClient, format: str, tolerance: int) -> None:
    pixels = draw_noise(16, 16)
    result = decode(filter_bytes(client, encode(pixels), format=format, quality="100"))
    assert np.abs(result.astype(int) - pixels).max() <= tolerance


@pytest.mark.parametrize("colours", [2, 17, 200, 255, 256])
def test_a_gif_of_few_colours_is_exact(client: TestClient, colours: int) -> None:
    palette = draw_noise(1, colours, 3, seed=5)[0]
    pixels = palette[np.arange(32 * 32).reshape(32, 32) % colours]
    assert np.array_equal(decode(filter_bytes(client, encode(pixels), format="gif"))[..., :3], pixels)


def test_a_gif_of_few_colours_and_transparency_is_exact(client: TestClient) -> None:
    palette = draw_noise(1, 200, 3, seed=6)[0]
    pixels = np.dstack([palette[np.arange(1024).reshape(32, 32) % 200], np.full((32, 32), 255, np.uint8)])
    pixels[:5, :7, 3] = 0
    result = decode(filter_bytes(client, encode(pixels), format="gif"))
    assert np.array_equal(result[..., 3], pixels[..., 3])
    seen = pixels[..., 3] == 255
    assert np.array_equal(result[seen], pixels[seen])


def test_a_gif_of_many_colours_is_near(client: TestClient) -> None:
    result = decode(filter_bytes(client, encode(draw_blobs(64, 64)), format="gif"))[..., :3]
    assert np.abs(result.astype(int) - draw_blobs(64, 64)).mean() < 6


def test_lossy_formats_heed_the_quality(client: TestClient) -> None:
    sent = encode(draw_noise(64, 64))
    for format in ("jpeg", "webp", "avif"):
        sizes = [len(filter_bytes(client, sent, format=format, quality=quality)) for quality in ("10", "90")]
        assert sizes[0] * 2 < sizes[1]


def test_the_quality_is_90_unless_asked(client: TestClient) -> None:
    sent = encode(draw_noise(64, 64))
    for format in ("jpeg", "webp", "avif"):
        plain = filter_bytes(client, sent, format=format)
        assert plain == filter_bytes(client, sent, format=format, quality="90")
        assert plain != filter_bytes(client, sent, format=format, quality="89")


def test_linear_light_mixes_black_and_white_to_188(client: TestClient) -> None:
    """Half of the light is 188 in sRGB (IEC 61966-2-1); half of the values is 127.5."""
    sent = encode(np.array([[0, 255]], np.uint8))
    query = {"weights": "1,1", "columns": "2", "divisor": "auto", "border": "wrap"}
    assert decode(filter_bytes(client, sent, "custom", **query)).tolist() == [[128, 128]]
    assert decode(filter_bytes(client, sent, "custom", linear="true", **query)).tolist() == [[188, 188]]


def test_linear_light_comes_back_where_nothing_is_filtered(client: TestClient) -> None:
    pixels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert np.array_equal(decode(filter_bytes(client, encode(pixels), linear="true")), pixels)


def test_grey_images_are_filtered_as_each_channel_of_a_colour_image(client: TestClient) -> None:
    grey = draw_noise(9, 9, 1)
    from_grey = decode(filter_bytes(client, encode(grey), "emboss"))
    from_colour = decode(filter_bytes(client, encode(np.dstack([grey] * 3)), "emboss"))
    assert np.array_equal(np.dstack([from_grey] * 3), from_colour)


def test_colour_becomes_grey_by_the_weights_of_the_eye(client: TestClient) -> None:
    pixels = draw_noise(9, 9)
    result = decode(filter_bytes(client, encode(pixels), channels="gray"))
    assert np.abs(result.astype(int) - np.asarray(ImageOps.grayscale(Image.fromarray(pixels)))).max() <= 1


def test_the_pixels_of_an_odd_profile_are_left_as_they_are(client: TestClient) -> None:
    """With the profile kept, converting as well would count it twice."""
    pixels = draw_noise(6, 6)
    sent = encode(pixels, "PNG", icc_profile=SWAPPED_PROFILE)
    result = open_image(filter_bytes(client, sent))
    assert np.array_equal(np.asarray(result), pixels)
    assert ImageCms.ImageCmsProfile(io.BytesIO(result.info["icc_profile"])).tobytes() == SWAPPED_PROFILE


@pytest.mark.parametrize(("subsampling", "expected"), [("4:4:4", 0), ("4:2:2", 1), ("4:2:0", 2)])
def test_a_jpeg_keeps_its_sampling_of_colours(client: TestClient, subsampling: str, expected: int) -> None:
    buffer = io.BytesIO()
    Image.fromarray(draw_noise(32, 32)).save(buffer, "JPEG", subsampling=subsampling)
    with open_image(filter_bytes(client, buffer.getvalue())) as result:
        assert JpegImagePlugin.get_sampling(result) == expected


def test_what_was_no_jpeg_keeps_all_its_colours_as_one(client: TestClient) -> None:
    with open_image(filter_bytes(client, encode(draw_noise(32, 32)), format="jpeg")) as result:
        assert JpegImagePlugin.get_sampling(result) == 0
