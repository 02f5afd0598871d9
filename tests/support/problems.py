"""Check responses that are problems (RFC 9457)."""

from collections.abc import Iterator
from typing import Any


def raw_body(body: bytes | Iterator[bytes], content_type: str = "image/png") -> dict[str, Any]:
    return {"content": body, "headers": {"Content-Type": content_type}}


def check_problem(response: Any, status: int, slug: str) -> dict[str, Any]:
    """Check that a response is a complete problem without internals. Returns the body."""
    assert response.status_code == status, response.text
    assert response.headers["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert {"type", "title", "status", "detail", "request_id"} <= set(body) <= {
        "type", "title", "status", "detail", "request_id", "errors", "did_you_mean"
    }  # fmt: skip
    assert body["request_id"] == response.headers["X-Request-ID"]
    assert body["status"] == status
    assert body["type"] == (f"/problems#{slug}" if slug else "about:blank")
    assert body["title"]
    assert isinstance(body["detail"], str)
    assert 10 < len(body["detail"]) < 1000
    for trace in ("Traceback", "site-packages", ".py", "object at 0x"):
        assert trace not in response.text
    return body
