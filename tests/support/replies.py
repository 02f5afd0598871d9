"""Requests that are expected to succeed."""

from fastapi.testclient import TestClient


def filter_bytes(client: TestClient, image: bytes, kernel: str = "identity", **query: str) -> bytes:
    """The body of the reply to the image as a raw body."""
    reply = client.post(f"/filter/{kernel}", params=query, content=image, headers={"Content-Type": "image/png"})
    assert reply.status_code == 200, reply.text
    return reply.content
