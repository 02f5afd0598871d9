"""Images with an EXIF orientation become upright. The reference is Pillow's ImageOps.exif_transpose."""

import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from fastapi.testclient import TestClient
from PIL import Image, ImageOps

from tests.support.filtering import filter_bytes
from tests.support.heif import write_aperture, write_avif, write_nclx
from tests.support.images import (
    ORIENTATION_TAG,
    Pixels,
    decode,
    draw_blobs,
    draw_noise,
    encode,
    open_image,
    read_png,
    write_exif,
    write_png,
)


def turn(pixels: Pixels, orientation: int) -> Pixels:
    """What a viewer shows: Pillow turns an image of pixel indices, which select the pixels."""
    height, width = pixels.shape[:2]
    numbers = Image.fromarray(np.arange(height * width, dtype=np.int32).reshape(height, width))
    numbers.getexif()[ORIENTATION_TAG] = orientation
    turned = ImageOps.exif_transpose(numbers)
    return pixels.reshape(height * width, *pixels.shape[2:])[np.asarray(turned)]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_all_eight_orientations_become_upright(client: TestClient, format: str, orientation: int) -> None:
    stored = draw_noise(5, 7)
    exif = Image.Exif()
    exif[ORIENTATION_TAG] = orientation
    sent = encode(stored, format, exif=exif.tobytes(), **({"lossless": True} if format == "WEBP" else {}))
    if format in ("JPEG", "AVIF"):  # Pillow writes irot and imir into an AVIF
        stored = np.asarray(open_image(sent).convert("RGB"))

    reply = client.post("/filter/identity?format=png", content=sent, headers={"Content-Type": "image/jpeg"})

    result = decode(reply.content)
    assert np.array_equal(result, turn(stored, orientation))
    size = (5, 7) if orientation >= 5 else (7, 5)
    assert (reply.headers["X-Origin-Width"], reply.headers["X-Origin-Height"]) == (str(size[0]), str(size[1]))
    assert (reply.headers["X-Result-Width"], reply.headers["X-Result-Height"]) == (str(size[0]), str(size[1]))
    assert ORIENTATION_TAG not in open_image(reply.content).getexif()


@pytest.mark.parametrize(
    ("orientation", "shown"),
    [(5, [["red"], ["blue"]]), (6, [["red"], ["blue"]]), (7, [["blue"], ["red"]]), (8, [["blue"], ["red"]]),
     (2, [["blue", "red"]]), (3, [["blue", "red"]]), (4, [["red", "blue"]])],
)  # fmt: skip
def test_a_red_and_a_blue_pixel_are_turned_as_in_the_standard(
    client: TestClient, orientation: int, shown: list[list[str]]
) -> None:
    colours = {"red": (255, 0, 0), "blue": (0, 0, 255)}
    sent = encode(np.array([[colours["red"], colours["blue"]]], np.uint8), "PNG", exif=write_exif(orientation))
    assert decode(filter_bytes(client, sent)).tolist() == [[list(colours[name]) for name in row] for row in shown]


def test_an_asymmetric_kernel_is_applied_to_the_upright_image(client: TestClient) -> None:
    stored = draw_noise(6, 9)
    sent = encode(stored, "PNG", exif=write_exif(6))
    upright = turn(stored, 6).astype(int)

    result = decode(filter_bytes(client, sent, "custom", weights="0,0,1", columns="3", border="zero"))

    expected = np.zeros_like(upright)
    expected[:, :-1] = upright[:, 1:]
    assert np.array_equal(result, expected)


@pytest.mark.parametrize(
    "exif",
    [write_exif(0), write_exif(9), write_exif(65535), write_exif(b"6\0", kind=2), write_exif(b"\x06\x06", kind=1)],
    ids=["0", "9", "65535", "text", "bytes"],
)
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_an_invalid_orientation_is_ignored(client: TestClient, format: str, exif: bytes) -> None:
    sent = encode(draw_blobs(5, 7), format, exif=exif)
    assert np.array_equal(decode(filter_bytes(client, sent, format="png")), decode(sent))


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data", "ignore:Possibly corrupt EXIF data")
@pytest.mark.parametrize(
    "exif",
    [
        b"Exif\0\0nonsense",
        b"Exif\0\0II*\0",
        b"Exif\0\0II*\0\xff\xff\xff\x7f",
        write_exif(6)[:-12],
        b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + bytes(40),
    ],
)
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_broken_exif_is_ignored(client: TestClient, format: str, exif: bytes) -> None:
    sent = encode(draw_blobs(5, 7), format, exif=exif)
    assert np.array_equal(decode(filter_bytes(client, sent, format="png")), decode(sent))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_16_bit_pngs_become_upright(client: TestClient, orientation: int) -> None:
    colour = draw_noise(4, 6, dtype="uint16")
    exif = write_exif(orientation).removeprefix(b"Exif\0\0")
    result = filter_bytes(client, write_png(colour, before=[(b"eXIf", exif)]))
    read = cv2.imdecode(np.frombuffer(result, np.uint8), cv2.IMREAD_UNCHANGED)
    assert read is not None
    assert np.array_equal(read[:, :, ::-1], turn(colour, orientation))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_16_bit_tiffs_become_upright(client: TestClient, channels: int, orientation: int, tmp_path: Path) -> None:
    stored = draw_noise(4, 6, channels, dtype="uint16")
    path = tmp_path / "stored.tif"
    tifffile.imwrite(
        path,
        stored,
        photometric="minisblack" if channels == 1 else "rgb",
        extrasamples=["unassalpha"] if channels == 4 else None,
        extratags=[(ORIENTATION_TAG, "H", 1, orientation, True)],
    )
    if channels == 4:
        stored[..., :3][stored[..., 3] == 0] = 0
    (tmp_path / "reply.tif").write_bytes(filter_bytes(client, path.read_bytes()))
    result = tifffile.imread(tmp_path / "reply.tif")
    assert result.dtype == np.uint16
    assert np.array_equal(result, turn(stored, orientation))


PROFILE = b"\nexif\n      32\n" + write_exif(6).hex().encode()
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>'
)
PNG_TEXTS = {
    "profile": (b"tEXt", b"Raw profile type exif\0" + PROFILE),
    "deflated profile": (b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(PROFILE)),
    "text named exif": (b"tEXt", b"exif\0" + write_exif(6)),
    "xmp": (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP),
    "deflated xmp": (b"iTXt", b"XML:com.adobe.xmp\0\x01\0\0\0" + zlib.compress(XMP)),
}


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("text", PNG_TEXTS)
def test_the_text_of_a_png_does_not_turn_it(client: TestClient, text: str, dtype: str) -> None:
    pixels = draw_noise(5, 7, dtype=dtype)
    assert np.array_equal(read_png(filter_bytes(client, write_png(pixels, before=[PNG_TEXTS[text]]))), pixels)


def test_exif_wins_over_the_text_of_a_png(client: TestClient) -> None:
    pixels = draw_noise(5, 7)
    exif = (b"eXIf", write_exif(3).removeprefix(b"Exif\0\0"))
    sent = write_png(pixels, before=[exif, PNG_TEXTS["text named exif"]])
    assert np.array_equal(read_png(filter_bytes(client, sent)), pixels[::-1, ::-1])


@pytest.mark.parametrize("format", ["JPEG", "WEBP", "AVIF", "TIFF"])
def test_xmp_does_not_turn_an_image(client: TestClient, format: str) -> None:
    options = {"tiffinfo": {700: XMP}} if format == "TIFF" else {"xmp": XMP}
    sent = encode(draw_blobs(5, 7), format, **options)
    assert b"Orientation" in sent
    assert decode(filter_bytes(client, sent, format="png")).shape == (5, 7, 3)


@pytest.mark.parametrize("channels", [1, 3])
def test_xmp_does_not_turn_a_16_bit_tiff(client: TestClient, channels: int, tmp_path: Path) -> None:
    path = tmp_path / "xmp.tif"
    photometric = "minisblack" if channels == 1 else "rgb"
    pixels = draw_noise(5, 7, channels, dtype="uint16")
    tifffile.imwrite(path, pixels, photometric=photometric, extratags=[(700, "B", len(XMP), XMP, True)])
    assert np.array_equal(read_png(filter_bytes(client, path.read_bytes(), format="png")), pixels)


def test_an_avif_with_damaged_exif_is_displayed(client: TestClient) -> None:
    """Browsers ignore the EXIF of an AVIF, and decode it."""
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    whole = encode(draw_blobs(16, 16), "AVIF", exif=exif.tobytes())
    start = max(whole.rfind(b"MM\0*"), whole.rfind(b"II*\0"))
    sent = whole[:start] + b"XX" + whole[start + 2 :]
    assert np.array_equal(decode(filter_bytes(client, sent, format="png")), decode(whole))


@pytest.mark.parametrize("brand", [b"mif1", b"miaf", b"MA1B"])
def test_an_avif_with_another_major_brand_is_read(client: TestClient, brand: bytes) -> None:
    whole = encode(draw_blobs(16, 16), "AVIF")
    sent = whole[:8] + brand + whole[12:]
    assert np.array_equal(decode(filter_bytes(client, sent, format="png")), decode(whole))


@pytest.mark.parametrize(
    ("aperture", "shown"),
    [
        (write_aperture(20, 10, -6, -3), (slice(0, 10), slice(0, 20))),
        (write_aperture(20, 10, 0, 0), (slice(None), slice(None))),
        (write_aperture(40, 10, 0, 0), (slice(None), slice(None))),
    ],
    ids=["upper left", "centre", "too large"],
)
def test_the_clean_aperture_of_an_avif_is_shown_as_in_chromium(
    client: TestClient, aperture: bytes, shown: tuple[slice, slice]
) -> None:
    """Chromium 156 ignores an aperture that does not begin in the upper left corner."""
    whole = encode(draw_blobs(16, 32), "AVIF", subsampling="4:4:4")
    sent = write_avif(whole, (32, 16), [write_nclx(1, 13, 6), aperture])
    assert np.array_equal(decode(filter_bytes(client, sent, format="png")), decode(whole)[shown])
