"""Damaged images are rejected. No result shows a partly decoded image."""

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from tests.support.images import draw_noise, encode, encode_frames, open_image, write_gif, write_png
from tests.support.problems import check_problem, raw_body


def make_samples() -> dict[str, bytes]:
    """Small valid files of every format. They show noise, so most of each file is pixel data."""
    frames = [draw_noise(12, 12, seed=seed) for seed in (1, 2, 3)]
    colours = [Image.fromarray(frame).quantize(64) for frame in frames]
    return {
        "png": encode(draw_noise(12, 12)),
        "png palette": encode(colours[0], "PNG", transparency=3),
        "png 16": write_png(draw_noise(12, 12, 4, dtype="uint16")),
        "apng": encode_frames(frames, "PNG", duration=50),
        "jpeg": encode(draw_noise(24, 24), "JPEG"),
        "jpeg progressive": encode(draw_noise(24, 24), "JPEG", progressive=True),
        "jpeg cmyk": encode(Image.fromarray(draw_noise(24, 24)).convert("CMYK"), "JPEG"),
        "gif": encode_frames(colours, "GIF", duration=50),
        "webp": encode(draw_noise(24, 24), "WEBP", lossless=True),
        "webp animated": encode_frames(frames, "WEBP", duration=50, lossless=True),
        "tiff": encode(draw_noise(12, 12), "TIFF"),
        "tiff lzw": encode(draw_noise(12, 12), "TIFF", compression="tiff_lzw"),
        "tiff 16": encode(Image.fromarray(draw_noise(12, 12, 1, dtype="uint16")), "TIFF"),
        "bmp": encode(draw_noise(12, 12), "BMP"),
        "avif": encode(draw_noise(24, 24), "AVIF"),
    }


SAMPLES = make_samples()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("share", [0.3, 0.5, 0.75, 0.9])
@pytest.mark.parametrize("name", SAMPLES)
def test_truncated_image_is_rejected(client: TestClient, name: str, share: float) -> None:
    data = SAMPLES[name]
    assert client.post("/filter/blur", **raw_body(data)).status_code == 200
    response = client.post("/filter/blur", **raw_body(data[: int(share * len(data))]))
    check_problem(response, 422, "corrupt-image")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", SAMPLES)
def test_first_bytes_of_a_file_are_rejected(client: TestClient, name: str) -> None:
    for length in (1, 2, 4, 8, 12, 16, 24, 32):
        assert client.post("/filter/blur", **raw_body(SAMPLES[name][:length])).status_code in (415, 422)


def test_gif_without_trailer_is_accepted(client: TestClient) -> None:
    """Many programs omit the last byte. All pixels are present."""
    sent = write_gif((4, 4), [1, 2, 3] * 4, [((0, 0), np.zeros((4, 4), np.uint8), 1, 0, None)], None)
    assert client.post("/filter/blur", **raw_body(sent[:-1])).status_code == 200


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", SAMPLES)
def test_mutated_files_are_filtered_or_rejected(client: TestClient, name: str) -> None:
    random = np.random.default_rng(list(name.encode()))
    for _ in range(25):
        mutant = bytearray(SAMPLES[name])
        for _ in range(int(random.integers(1, 6))):
            position = int(random.integers(min(len(mutant), 300) if random.random() < 0.7 else len(mutant)))
            choice = random.integers(4)
            if choice < 2:
                mutant[position] = int(random.integers(256))
            elif choice == 2:
                mutant[position : position + 4] = random.choice([b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff"])
            else:
                del mutant[position : position + int(random.integers(1, 9))]
        response = client.post("/filter/blur", **raw_body(bytes(mutant)))
        assert response.status_code in (200, 413, 415, 422), (response.text, bytes(mutant))
        if response.status_code == 200:
            open_image(response.content).load()
