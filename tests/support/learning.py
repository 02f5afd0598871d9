"""A photograph for `POST /learn`, and requests that are expected to succeed."""

from typing import Any

import httpx2

from tests.support.photograph import draw_photograph

PHOTOGRAPH = draw_photograph(240, 320, contrast=35)


def learn(client: httpx2.Client, before: bytes, after: bytes, **parameters: Any) -> Any:
    response = client.post("/learn", params=parameters, files={"before": ("a", before), "after": ("b", after)})
    assert response.status_code == 200, response.text
    return response.json()
