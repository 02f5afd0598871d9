"""Colour that a file states without an ICC profile is kept, or converted to sRGB.

The references are LittleCMS with profiles of published primaries, and what Chromium 156 displays
(tests/system/browser/test_colour.py compares with the installed one).
"""

import io
import struct
import zlib

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image, ImageCms

from tests.support.filtering import filter_bytes
from tests.support.images import (
    SRGB_PROFILE,
    SWAPPED_PROFILE,
    Pixels,
    decode,
    draw_noise,
    encode,
    encode_frames,
    open_image,
    read_chunks,
    read_png,
    write_png,
    write_profile,
)
from tests.support.paths import DATA

WHITE = b"XYZ " + bytes(4) + struct.pack(">3i", 63190, 65536, 54061)
COLORANTS = {
    "sRGB": ((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410)),
    "Display P3": ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407)),
    "Adobe RGB": ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457)),
    "BT.2020": ((0.67348, 0.27904, -0.00194), (0.16566, 0.67534, 0.02998), (0.12505, 0.04561, 0.79686)),
}
"""XYZ of red, green and blue adapted to D50, as in the profiles of Apple, Adobe and Google."""
ADOBE_CHROMATICITIES = (31270, 32900, 64000, 33000, 21000, 71000, 15000, 6000)
SRGB_CHROMATICITIES = (31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)


def make_profile(primaries: str, curve: bytes) -> bytes:
    tags = {b"wtpt": WHITE}
    for name, xyz in zip((b"r", b"g", b"b"), COLORANTS[primaries], strict=True):
        tags[name + b"XYZ"] = b"XYZ " + bytes(4) + struct.pack(">3i", *(round(65536 * value) for value in xyz))
        tags[name + b"TRC"] = curve
    return write_profile(b"RGB ", tags)


def make_gamma_curve(gamma: float) -> bytes:
    return b"curv" + bytes(4) + struct.pack(">IH", 1, round(256 * gamma))


def make_srgb_curve() -> bytes:
    """IEC 61966-2-1 as a table."""
    values = np.arange(4096) / 4095
    light = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return b"curv" + bytes(4) + struct.pack(">I", 4096) + np.rint(65535 * light).astype(">u2").tobytes()


def convert_with_lcms(pixels: Pixels, profile: bytes) -> Pixels:
    srgb = ImageCms.createProfile("sRGB")
    intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
    return np.asarray(
        ImageCms.profileToProfile(Image.fromarray(pixels), io.BytesIO(profile), srgb, renderingIntent=intent)
    )


def write_gamma(value: int) -> tuple[bytes, bytes]:
    return b"gAMA", struct.pack(">I", value)


def write_chromaticities(values: tuple[int, ...]) -> tuple[bytes, bytes]:
    return b"cHRM", struct.pack(">8I", *values)


def write_cicp(primaries: int, transfer: int, matrix: int = 0) -> tuple[bytes, bytes]:
    return b"cICP", bytes([primaries, transfer, matrix, 1])


SRGB = (b"sRGB", b"\0")
GAMMA_1, ADOBE = write_gamma(100_000), [write_gamma(45_455), write_chromaticities(ADOBE_CHROMATICITIES)]
P3, PQ = write_cicp(12, 13), write_cicp(9, 16)
NOISE = draw_noise(40, 50)


def send(client: TestClient, data: bytes, **query: str) -> tuple[bytes, str | None]:
    reply = client.post("/filter/identity", content=data, headers={"Content-Type": "image/png"}, params=query)
    assert reply.status_code == 200, reply.text
    return reply.content, reply.headers.get("X-Colour")


@pytest.mark.parametrize(
    ("chunks", "primaries", "curve"),
    [
        ([GAMMA_1], "sRGB", make_gamma_curve(1)),
        ([write_gamma(50_000)], "sRGB", make_gamma_curve(2)),
        ([write_gamma(55_556), write_chromaticities(SRGB_CHROMATICITIES)], "sRGB", make_gamma_curve(1.8)),
        (ADOBE, "Adobe RGB", make_gamma_curve(2.2)),
        ([P3], "Display P3", make_srgb_curve()),
        ([write_cicp(9, 13)], "BT.2020", make_srgb_curve()),
        ([write_cicp(9, 8)], "BT.2020", make_gamma_curve(1)),
        ([write_cicp(1, 4)], "sRGB", make_gamma_curve(2.2)),
        ([write_cicp(9, 14)], "BT.2020", make_gamma_curve(2.4)),
    ],
)
@pytest.mark.parametrize("bits", [8, 16])
def test_pixels_become_srgb(
    client: TestClient, chunks: list[tuple[bytes, bytes]], primaries: str, curve: bytes, bits: int
) -> None:
    sent = write_png(NOISE.astype(np.uint16) * 257 if bits == 16 else NOISE, before=chunks)
    data, outcome = send(client, sent, format="bmp")
    expected = convert_with_lcms(NOISE, make_profile(primaries, curve)).astype(int)
    assert np.abs(decode(data) - expected).max() <= 2
    assert np.abs(expected - NOISE).max() > 5
    assert outcome == "converted"


def test_16_bits_are_converted_in_16_bits(client: TestClient) -> None:
    """Light of 1 to 5 of 65,535 is 1 to 5 times 12.92 in sRGB (IEC 61966-2-1)."""
    pixels = np.array([[[1, 2, 3], [5, 32768, 65535]]], np.uint16)
    data, _ = send(client, write_png(pixels, before=[GAMMA_1]), format="tiff")
    import tifffile

    assert tifffile.imread(io.BytesIO(data)).tolist() == [[[13, 26, 39], [65, 48192, 65535]]]


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize(
    "chunks",
    [[GAMMA_1], ADOBE, [P3], [PQ, (b"mDCV", bytes(range(24))), (b"cLLI", struct.pack(">II", 40_000_000, 1_000_000))],
     [SRGB, write_gamma(45_455)], [write_cicp(200, 100)]],
)  # fmt: skip
def test_a_png_keeps_its_chunks(client: TestClient, chunks: list[tuple[bytes, bytes]], dtype: str) -> None:
    pixels = draw_noise(9, 7, dtype=dtype)
    data, _ = send(client, write_png(pixels, before=chunks))
    kept = [chunk for chunk in read_chunks(data) if chunk[0] not in (b"IHDR", b"IDAT", b"IEND")]
    assert sorted(kept) == sorted(chunks)
    assert np.array_equal(read_png(data), pixels)
    kinds = [kind for kind, _ in read_chunks(data)]
    assert max(kinds.index(kind) for kind, _ in chunks) < kinds.index(b"IDAT")


def test_an_animated_png_keeps_its_chunks(client: TestClient) -> None:
    whole = encode_frames([draw_noise(6, 6, seed=1), draw_noise(6, 6, seed=2)], "PNG", duration=100)
    chunk = struct.pack(">I", 4) + P3[0] + P3[1] + struct.pack(">I", zlib.crc32(P3[0] + P3[1]))
    data, outcome = send(client, whole[:33] + chunk + whole[33:])
    assert P3 in read_chunks(data)
    assert outcome == "kept"
    assert open_image(data).n_frames == 2  # type: ignore[attr-defined]


def find_nclx(data: bytes) -> tuple[int, int]:
    start = data.index(b"colrnclx") + 8
    return struct.unpack(">HH", data[start : start + 4])


@pytest.mark.parametrize("name", ["cicp_p3.png", "cicp_pq2020.png", "avif_nclx_pq_bt2020.avif"])
def test_code_points_are_kept_in_avif_and_png(client: TestClient, name: str) -> None:
    sent = (DATA / name).read_bytes()
    expected = (12, 13) if "p3" in name else (9, 16)
    avif, outcome = send(client, sent, format="avif", quality="100")
    assert (find_nclx(avif), outcome) == (expected, "kept")
    png, outcome = send(client, sent, format="png")
    assert (b"cICP", bytes([*expected, 0, 1])) in read_chunks(png)
    assert outcome == "kept"
    assert np.abs(decode(avif).astype(int) - decode(sent)).max() <= 3


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("gama_1.0.png", (188, 137, 99)),
        ("gama_chrm_adobe.png", (146, 62, 23)),
        ("cicp_p3.png", (138, 59, 21)),
        ("cicp_pq2020.png", (165, 0, 0)),
        ("srgb_gama.png", (128, 64, 32)),
        ("avif_nclx_pq_bt2020.avif", (255, 0, 0)),
    ],
)
@pytest.mark.parametrize("format", ["bmp", "gif", "tiff", "webp"])
def test_the_cases_are_written_as_chromium_displays_them(
    client: TestClient, name: str, shown: tuple[int, int, int], format: str
) -> None:
    """`shown` is what Chromium 156 displays."""
    data, outcome = send(client, (DATA / name).read_bytes(), format=format, quality="100")
    assert np.abs(np.asarray(open_image(data).convert("RGB"))[3, 3].astype(int) - shown).max() <= 1
    assert outcome == (None if name == "srgb_gama.png" else "converted")


CODES = [16, 32, 64, 96, 128, 140, 148, 160, 192, 224, 255]
CHROMIUM = {
    (9, 16): [1, 5, 30, 70, 132, 163, 187, 213, 255, 255, 255],
    (9, 18): [3, 14, 43, 71, 99, 111, 120, 135, 189, 228, 255],
    (1, 1): [4, 20, 54, 87, 121, 134, 142, 155, 189, 222, 255],
    (1, 4): [7, 26, 62, 96, 129, 141, 149, 161, 193, 225, 255],
    (1, 5): [1, 10, 40, 72, 106, 120, 129, 142, 179, 217, 255],
    (1, 7): [34, 50, 81, 112, 141, 152, 159, 170, 199, 228, 255],
    (1, 8): [71, 99, 137, 165, 188, 196, 200, 208, 225, 241, 255],
    (1, 17): [3, 15, 48, 83, 118, 132, 141, 154, 191, 228, 255],
}
"""What Chromium 156 displays for greys of these values, by code points."""


@pytest.mark.parametrize("codes", CHROMIUM)
@pytest.mark.parametrize("channels", [1, 3])
def test_transfer_curves_are_those_of_chromium(client: TestClient, codes: tuple[int, int], channels: int) -> None:
    grey = np.array([CODES], np.uint8)
    sent = write_png(grey if channels == 1 else np.dstack([grey] * 3), before=[write_cicp(*codes)])
    result = np.asarray(open_image(send(client, sent, format="bmp")[0]).convert("RGB"))
    assert np.abs(result[0].astype(int) - np.array(CHROMIUM[codes])[:, None]).max() <= 1


@pytest.mark.parametrize(
    ("code", "nits"),
    [(0.0, 0.0), (0.5081, 100.0), (0.5807, 203.0), (0.7518, 1000.0), (0.9026, 4000.0), (1.0, 10_000.0)],
)
def test_pq_is_that_of_bt_2100(code: float, nits: float) -> None:
    """Published values, such as 58 % for reference white (ITU-R BT.2408)."""
    from app.images.tone_mapping import REFERENCE_WHITE_NITS, linearize_pq

    assert linearize_pq(np.array(code)) * REFERENCE_WHITE_NITS == pytest.approx(nits, rel=0.003)


@pytest.mark.parametrize(("code", "light"), [(0.0, 0.0), (0.25, 1 / 48), (0.5, 1 / 12), (0.75, 0.265), (1.0, 1.0)])
def test_hlg_is_that_of_bt_2100(code: float, light: float) -> None:
    """Table 5: up to one half, light is a third of the square; 75 % is reference white, 26.5 % of the peak."""
    from app.images.tone_mapping import linearize_hlg

    assert linearize_hlg(np.array(code)) == pytest.approx(light, abs=0.001)


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        ([P3, (b"iCCP", b"x\0\0" + zlib.compress(SWAPPED_PROFILE))], (138, 59, 21)),
        ([(b"iCCP", b"x\0\0" + zlib.compress(SWAPPED_PROFILE)), SRGB], (32, 64, 128)),
        ([(b"iCCP", b"x\0\0" + zlib.compress(SWAPPED_PROFILE)), GAMMA_1], (32, 64, 128)),
        ([SRGB, GAMMA_1], (128, 64, 32)),
        ([write_chromaticities(ADOBE_CHROMATICITIES)], (128, 64, 32)),
        ([write_gamma(0)], (128, 64, 32)),
        ([write_gamma(45_455)], (128, 64, 32)),
        ([GAMMA_1, write_chromaticities((0,) * 8)], (128, 64, 32)),
        ([write_cicp(9, 16, matrix=9)], (128, 64, 32)),
        ([(b"cICP", b"\x09\x10\0")], (128, 64, 32)),
    ],
)
def test_the_first_statement_counts(
    client: TestClient, chunks: list[tuple[bytes, bytes]], expected: tuple[int, int, int]
) -> None:
    """cICP, then iCCP, sRGB, gAMA with cHRM. `expected` is what Chromium 156 displays, or sRGB where it rejects."""
    sent = write_png(np.full((4, 4, 3), [128, 64, 32], np.uint8), before=chunks)
    data, _ = send(client, sent, format="bmp")
    assert np.abs(decode(data)[2, 2].astype(int) - expected).max() <= 1


def test_alpha_is_kept(client: TestClient) -> None:
    pixels = np.full((4, 4, 4), [128, 64, 32, 77], np.uint8)
    data, _ = send(client, write_png(pixels, before=[GAMMA_1]), format="webp", quality="100")
    assert np.abs(decode(data)[0, 0].astype(int) - (188, 137, 99, 77)).max() <= 1


def test_a_grey_image_is_converted(client: TestClient) -> None:
    sent = write_png(np.full((4, 4), 128, np.uint8), before=[GAMMA_1])
    assert np.abs(decode(send(client, sent, format="jpeg")[0]).astype(int) - 188).max() <= 1


@pytest.mark.parametrize(
    ("chunk", "query", "outcome"),
    [
        (write_cicp(200, 100), {"format": "jpeg"}, "dropped"),
        (PQ, {"format": "npy"}, "dropped"),
        ((b"iCCP", b"x\0\0" + zlib.compress(b"junk" * 50)), {"format": "gif"}, "dropped"),
        ((b"iCCP", b"x\0\0" + zlib.compress(SWAPPED_PROFILE)), {"channels": "gray"}, "dropped"),
        ((b"iCCP", b"x\0\0" + zlib.compress(SWAPPED_PROFILE)), {"format": "gif"}, "converted"),
        ((b"iCCP", b"x\0\0" + zlib.compress(SWAPPED_PROFILE)), {"format": "webp"}, "kept"),
        (PQ, {"format": "jpeg"}, "converted"),
        (PQ, {}, "kept"),
        (SRGB, {"format": "jpeg"}, None),
    ],
)
def test_the_outcome_is_reported(
    client: TestClient, chunk: tuple[bytes, bytes], query: dict[str, str], outcome: str | None
) -> None:
    sent = write_png(NOISE, before=[chunk])
    assert send(client, sent, **query)[1] == outcome
    explanation = client.post(
        "/filter/identity", content=sent, headers={"Content-Type": "image/png"}, params={"explain": "json"} | query
    ).json()
    assert explanation.get("colour", {}).get("outcome") == outcome


def test_the_colour_space_is_explained(client: TestClient) -> None:
    sent = write_png(NOISE, before=[PQ])
    reply = client.post(
        "/filter/identity?explain=json&format=jpeg", content=sent, headers={"Content-Type": "image/png"}
    )
    assert reply.json()["colour"] == {"space": "BT.2020 primaries, PQ", "outcome": "converted"}


def write_v5_bmp(pixels: Pixels, kind: bytes, profile: bytes) -> bytes:
    """24 bits, with the profile after the pixels. Source: BITMAPV5HEADER."""
    height, width, _ = pixels.shape
    rows = b"".join(row[:, ::-1].tobytes().ljust((3 * width + 3) // 4 * 4, b"\0") for row in pixels[::-1])
    header = struct.pack("<IiiHHIIiiII", 124, width, height, 1, 24, 0, len(rows), 2835, 2835, 0, 0) + bytes(16)
    header += kind[::-1] + bytes(48) + struct.pack("<IIII", 4, 124 + len(rows), len(profile), 0)
    start = 14 + len(header)
    return b"BM" + struct.pack("<IHHI", start + len(rows) + len(profile), 0, 0, start) + header + rows + profile


def test_the_profile_of_a_bmp_is_kept_or_converted(client: TestClient) -> None:
    sent = write_v5_bmp(NOISE, b"MBED", SWAPPED_PROFILE)
    png, outcome = send(client, sent, format="png")
    assert (open_image(png).info["icc_profile"], outcome) == (SWAPPED_PROFILE, "kept")
    bmp, outcome = send(client, sent)
    expected = convert_with_lcms(NOISE, SWAPPED_PROFILE)
    assert np.abs(decode(bmp).astype(int) - expected).max() <= 1
    assert outcome == "converted"


@pytest.mark.parametrize(("kind", "profile"), [(b"sRGB", SWAPPED_PROFILE), (b"LINK", b"C:\\a.icc\0"), (b"Win ", b"")])
def test_a_bmp_without_an_embedded_profile_is_srgb(client: TestClient, kind: bytes, profile: bytes) -> None:
    """As Chromium displays it."""
    data, outcome = send(client, write_v5_bmp(NOISE, kind, profile))
    assert np.array_equal(decode(data), NOISE)
    assert outcome is None


def test_a_profile_without_a_perceptual_table_is_applied(client: TestClient) -> None:
    """Chromium takes the table A2B0 or, without it, A2B1. Both profiles below print cyan ink as red."""
    from tests.support.images import write_ink_profile

    ink = write_ink_profile()
    sent = encode(Image.new("CMYK", (8, 8), (255, 0, 0, 0)), "JPEG", icc_profile=ink.replace(b"A2B0", b"A2B1"))
    red, green, blue = decode(send(client, sent, format="png")[0])[4, 4]
    assert red > 200
    assert max(green, blue) < 60


def test_srgb_as_a_profile_is_no_conversion(client: TestClient) -> None:
    sent = write_png(NOISE, before=[(b"iCCP", b"x\0\0" + zlib.compress(SRGB_PROFILE))])
    assert open_image(filter_bytes(client, sent, format="png")).info["icc_profile"] == SRGB_PROFILE
