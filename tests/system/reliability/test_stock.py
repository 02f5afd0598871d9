"""The control: a service written in the usual way fails the tests of this folder."""

from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest
from fastapi.testclient import TestClient

from tests.support.images import decode, draw_noise, encode
from tests.support.mutants import make_mutants, make_seeds
from tests.support.stock_service import app
from tests.system.reliability.test_hostile_uploads import HOSTILE
from tests.system.reliability.test_isolation import POLYGLOTS, SECRET

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),
]  # of decompression bombs and corrupt EXIF


@pytest.fixture(scope="module")
def stock() -> Iterator[TestClient]:
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def post(stock: TestClient, data: bytes) -> tuple[int, bytes]:
    reply = stock.post("/filter", files={"file": ("a", data)})
    return reply.status_code, reply.content


def test_it_answers_hostile_files_with_500_or_decodes_them(stock: TestClient) -> None:
    statuses = Counter(post(stock, data)[0] for data, _ in HOSTILE.values())
    assert statuses[500] >= 2
    assert statuses[200] >= 5, "decompression bombs that it has decoded"


def test_it_answers_damaged_files_with_500(stock: TestClient) -> None:
    statuses = Counter(post(stock, mutant)[0] for mutant in make_mutants(make_seeds(), 500, seed=5))
    assert statuses[500] > 0


def test_it_fills_a_truncated_image_with_grey(stock: TestClient) -> None:
    image = encode(draw_noise(64, 64), "JPEG")
    status, half = post(stock, image[: len(image) // 2] + b"\xff\xd9")
    assert status == 200
    assert np.ptp(decode(half)[-8:], axis=(0, 1)).max() < 10, "the last rows hold a part of the image"


def test_it_passes_metadata_on(stock: TestClient) -> None:
    assert any(SECRET in post(stock, image)[1] for image in POLYGLOTS.values())
