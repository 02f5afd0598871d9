"""Pairs of images for `POST /learn`, and requests that are expected to succeed."""

from typing import Any

import httpx2

from tests.support.photograph import draw_photograph

PHOTOGRAPH = draw_photograph(240, 320, contrast=35)


def learn(client: httpx2.Client, before: bytes, after: bytes, **parameters: Any) -> Any:
    reply = client.post("/learn", params=parameters, files={"before": ("a", before), "after": ("b", after)})
    assert reply.status_code == 200, reply.text
    return reply.json()
