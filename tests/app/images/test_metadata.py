"""Of the metadata of an upload, the result keeps only the ICC profile."""

import io

import pytest
import tifffile
from fastapi.testclient import TestClient
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.support.filtering import filter_bytes
from tests.support.images import draw_blobs, draw_noise, encode, open_image, read_chunks, write_png

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
def test_the_result_contains_only_pixels_and_profile(client: TestClient, sent_as: str, format: str) -> None:
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
"""Tags of a TIFF that describe the layout of the pixels."""
