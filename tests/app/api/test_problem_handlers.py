"""Problems for errors of worker processes, of FastAPI, of the middleware and of the server."""

import errno
import json

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.api.problem_handlers import add_problem_handlers
from app.api.problem_types import PROBLEM_TYPES
from app.api.problems import describe_problem, render_error, render_server_error
from app.errors import OverloadedError, TaskError, UnauthorizedError
from app.images.errors import UnreadableFormatError
from app.tasks.errors import SLUGS, UNEXPECTED
from kernels.errors import KernelParameterError, UnknownKernelError


def make_client(error: Exception) -> TestClient:
    """An app whose only route raises the error."""
    app = FastAPI()

    @app.get("/")
    def fail() -> None:
        raise error

    add_problem_handlers(app)
    return TestClient(app, raise_server_exceptions=False)


def test_every_slug_except_the_unexpected_one_has_a_problem_type() -> None:
    assert set(SLUGS.values()) == set(PROBLEM_TYPES)
    assert UNEXPECTED not in PROBLEM_TYPES
    assert all(kind.slug == slug for slug, kind in PROBLEM_TYPES.items())


@pytest.mark.parametrize(
    ("native", "sent"),
    [
        (UnknownKernelError("embos", ["emboss"]),
         TaskError("unknown-kernel", "There is no kernel named 'embos'. Did you mean emboss?",
                   {"did_you_mean": ["emboss"]})),
        (KernelParameterError("sigma", "sigma is 99."),
         TaskError("bad-parameter", "sigma is 99.", {"parameter": "sigma"})),
        (UnreadableFormatError("12 bytes"), TaskError("unsupported-image", "12 bytes")),
        (OverloadedError("Full.", 7), TaskError("overloaded", "Full.", {"retry_after_s": 7})),
    ],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
def test_worker_error_is_rendered_like_the_native_one(native: Exception, sent: TaskError) -> None:
    responses = [make_client(error).get("/") for error in (native, sent)]
    assert responses[0].status_code == responses[1].status_code == PROBLEM_TYPES[sent.slug].status
    assert responses[0].json() == responses[1].json()
    assert responses[0].headers == responses[1].headers


def test_worker_fields_become_problem_members() -> None:
    unknown = make_client(TaskError("unknown-kernel", "No.", {"did_you_mean": ["blur"], "status": 200, "other": 1}))
    body = unknown.get("/").json()
    assert body["did_you_mean"] == ["blur"]
    assert body["status"] == 404
    assert "other" not in body
    bad = make_client(TaskError("bad-parameter", "sigma is 99.", {"parameter": "sigma"})).get("/")
    assert bad.status_code == 422
    assert bad.json()["errors"] == [{"loc": ["query", "sigma"], "msg": "sigma is 99.", "type": "kernel_parameter"}]
    unsupported = make_client(TaskError("unsupported-image", "12 bytes")).get("/")
    assert {"image/png", "image/jpeg"} <= set(unsupported.headers["Accept"].split(", "))


def test_worker_cannot_set_headers() -> None:
    response = make_client(TaskError("blank-image", "No ink.", {"headers": {"Set-Cookie": "a=b"}})).get("/")
    assert response.status_code == 422
    assert "Set-Cookie" not in response.headers


@pytest.mark.parametrize("slug", [UNEXPECTED, "no-such-slug", ""])
def test_unknown_slug_is_a_500_without_details(slug: str) -> None:
    response = make_client(TaskError(slug, "secret traceback")).get("/")
    assert response.status_code == 500
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json()["type"] == "about:blank"
    assert "secret" not in response.text
    with pytest.raises(TaskError, match="secret traceback"):  # the server logs it
        describe_problem(TaskError(slug, "secret traceback"))


@pytest.mark.parametrize(
    ("number", "status", "slug"),
    [(errno.ENOSPC, 507, "no-room"), (errno.EMFILE, 503, "no-files-left"), (errno.EACCES, 500, "")],
)
def test_resource_exhaustion_is_507_or_503(number: int, status: int, slug: str) -> None:
    response = make_client(OSError(number, "it failed")).get("/")
    assert response.status_code == status
    assert response.json()["type"] == (f"/problems#{slug}" if slug else "about:blank")


def test_problem_is_rendered_without_fastapi() -> None:
    response = render_error(UnauthorizedError("No token.", "Bearer"), "id-1")
    assert (response.status, response.slug) == (401, "unauthorized")
    assert dict(response.headers) == {b"content-type": b"application/problem+json", b"www-authenticate": b"Bearer"}
    assert json.loads(response.body) == {
        "type": "/problems#unauthorized",
        "title": "Unauthorized",
        "status": 401,
        "detail": "No token.",
        "request_id": "id-1",
    }


def test_server_error_has_the_headers_of_the_middleware() -> None:
    origins = ("https://shop.example",)
    response = render_server_error(
        OverloadedError("Full.", 7), "id-1", "/filter/emboss", "https://shop.example", cors_origins=origins
    )
    headers = dict(response.headers)
    assert headers[b"retry-after"] == b"7"
    assert headers[b"access-control-allow-origin"] == b"https://shop.example"
    assert headers[b"cross-origin-resource-policy"] == b"cross-origin"
    assert headers[b"x-content-type-options"] == b"nosniff"
