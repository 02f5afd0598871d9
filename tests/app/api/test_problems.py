"""Every error is `application/problem+json` with the members of RFC 9457. No request is a 500."""

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from fastapi.testclient import TestClient
from PIL import Image

import app.api.problem_types
import app.errors
import app.images.errors
import app.tasks.errors
import kernels.errors
from app.main import create_app
from app.pool.pool import WorkerPool
from app.settings import Settings
from tests.support.decompression_bombs import write_frame_bomb, write_scan_bomb
from tests.support.images import (
    draw_noise,
    encode,
    encode_frames,
    write_chunk,
)
from tests.support.problems import check_problem, raw_body

IMAGE = encode(draw_noise(20, 30))
ENCODED = base64.b64encode(IMAGE).decode()
SMALL = encode(draw_noise(8, 8))

IN_CHUNKS = "in chunks"
"""A placeholder for a body without Content-Length."""


@dataclass(frozen=True)
class Case:
    """A request that is rejected. `says` are parts of the message: the value, the limit, the setting."""

    id: str
    status: int
    slug: str
    path: str
    says: tuple[str, ...] = ()
    method: str = "POST"
    request: dict[str, Any] = field(default_factory=lambda: {"files": {"file": IMAGE}})
    limited: bool = False
    """Whether it is sent to the service with low limits."""


def json_body(text: str) -> dict[str, Any]:
    return {"content": text.encode("utf-8", "surrogatepass"), "headers": {"Content-Type": "application/json"}}


def form_body(body: bytes, content_type: str = "multipart/form-data; boundary=x") -> dict[str, Any]:
    return {"content": body, "headers": {"Content-Type": content_type}}


def claim_size(width: int, height: int) -> bytes:
    """A PNG with a size in its header and without pixels."""
    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x02\0\0\0"
    return b"\x89PNG\r\n\x1a\n" + write_chunk(b"IHDR", header) + write_chunk(b"IDAT", b"x") + write_chunk(b"IEND", b"")


FILTER = "/filter/blur"
CASES = [
    # -- unknown resources
    Case("unknown kernel", 404, "unknown-kernel", "/filter/embos", ("'embos'", "emboss")),
    Case("unknown kernel in a chain", 404, "unknown-kernel", "/filter/blur,embos", ("'embos'", "emboss")),
    Case("unknown kernel in operations", 404, "unknown-kernel", "/filter", ("'bulr'", "blur"),
         request={"files": {"file": IMAGE}, "data": {"operations": '[{"kernel": "bulr"}]'}}),
    Case("unknown kernel described", 404, "unknown-kernel", "/kernels/gausian", ("gaussian",), "GET", {}),
    Case("unknown kernel drawn", 404, "unknown-kernel", "/kernels/gausian/preview.png", ("gaussian",), "GET", {}),
    Case("unknown kernel in the gallery", 404, "unknown-kernel", "/gallery?kernels=blur,sobl", ("'sobl'", "sobel")),
    Case("lone surrogate as a kernel", 422, "bad-parameter", "/filter",
         request=json_body(json.dumps({"file": ENCODED, "operations": [{"kernel": "\ud800"}]}))),
    Case("no such route", 404, "", "/filters", ("/filters",)),
    Case("no such asset", 404, "", "/docs/assets/nothing.js", ("/docs/assets/nothing.js",), "GET", {}),
    Case("wrong method", 405, "", FILTER, ("GET", "POST"), "GET", {}),
    Case("wrong method for the page", 405, "", "/kernels", ("DELETE", "GET"), "DELETE", {}),
    # -- negotiation
    Case("nothing acceptable", 406, "not-acceptable", FILTER, ("text/html", "image/png"),
         request={"files": {"file": IMAGE}, "headers": {"Accept": "text/html"}}),
    Case("everything refused", 406, "not-acceptable", FILTER,
         request={"files": {"file": IMAGE}, "headers": {"Accept": "*/*;q=0"}}),
    Case("raw numbers as an image by Accept", 406, "not-acceptable", FILTER + "?response=raw", ("application/x-npy",),
         request={"files": {"file": IMAGE}, "headers": {"Accept": "image/png"}}),
    # -- too large
    Case("too many bytes", 413, "upload-too-large", FILTER, ("20001", "20000", "CONVSERVE_MAX_UPLOAD_BYTES"),
         request=raw_body(bytes(20001)), limited=True),
    Case("too many bytes without a length", 413, "upload-too-large", FILTER, ("20000", "CONVSERVE_MAX_UPLOAD_BYTES"),
         request={"content": IN_CHUNKS, "headers": {"Content-Type": "image/png"}}, limited=True),
    Case("too many bytes in a form", 413, "upload-too-large", FILTER, ("20000", "CONVSERVE_MAX_UPLOAD_BYTES"),
         request={"files": {"file": bytes(30000)}}, limited=True),
    Case("too many bytes in JSON", 413, "upload-too-large", "/filter", ("20000", "CONVSERVE_MAX_UPLOAD_BYTES"),
         request=json_body('{"file": "' + "A" * 30000 + '"}'), limited=True),
    Case("too many bytes for the gallery", 413, "upload-too-large", "/gallery", ("CONVSERVE_MAX_UPLOAD_BYTES",),
         request=raw_body(bytes(20001)), limited=True),
    Case("too many pixels", 413, "image-too-large", FILTER, ("40×26", "1000", "CONVSERVE_MAX_PIXELS"),
         request={"files": {"file": encode(Image.new("1", (40, 26)))}}, limited=True),
    Case("too many pixels for the gallery", 413, "image-too-large", "/gallery?kernels=blur",
         ("40×26", "CONVSERVE_MAX_PIXELS"), request=raw_body(encode(Image.new("1", (40, 26)))), limited=True),
    Case("too many pixels to explain", 413, "image-too-large", FILTER + "?explain=json", ("CONVSERVE_MAX_PIXELS",),
         request={"files": {"file": encode(Image.new("1", (40, 26)))}}, limited=True),
    Case("a bomb", 413, "image-too-large", FILTER, ("8000×8000", "50000000", "CONVSERVE_MAX_PIXELS"),
         request=raw_body(claim_size(8000, 8000))),
    Case("a bomb beyond Pillow's own limit", 413, "image-too-large", FILTER,
         ("4225000000", "50000000", "CONVSERVE_MAX_PIXELS"), request=raw_body(claim_size(65000, 65000))),
    Case("too many pixels in all frames", 413, "image-too-large", FILTER,
         ("20×20", "3 frames", "1000", "CONVSERVE_MAX_PIXELS", "frames=first"), limited=True,
         request=raw_body(encode_frames([draw_noise(20, 20, 1, seed=s) for s in (1, 2, 3)], "GIF"))),
    Case("too many pixels on a later page", 413, "image-too-large", FILTER, ("1000", "CONVSERVE_MAX_PIXELS"),
         request=raw_body(encode_frames([Image.new("L", (2, 2)), Image.new("L", (60, 60))], "TIFF")), limited=True),
    Case("too many scans", 413, "image-too-complex", FILTER, ("101", "100", "CONVSERVE_MAX_JPEG_SCANS"),
         request=raw_body(write_scan_bomb(200))),
    Case("too many frames", 413, "image-too-complex", "/gallery", ("2001", "2000", "CONVSERVE_MAX_FRAMES"),
         request=raw_body(write_frame_bomb(2001, "GIF"))),
    Case("too much work", 413, "work-too-large", "/filter/disk?radius=31",
         ("7.14e+06", "1e+05", "CONVSERVE_MAX_MULTIPLY_ADDS"), limited=True, request={"files": {"file": IMAGE}}),
    Case("too much work to explain", 413, "work-too-large", "/filter/disk?radius=31&explain=json",
         ("CONVSERVE_MAX_MULTIPLY_ADDS",), limited=True),
    Case("too much work in all steps", 413, "work-too-large", "/filter/" + ",".join(["edge"] * 10),
         ("CONVSERVE_MAX_MULTIPLY_ADDS",), limited=True),
    Case("too much work in all frames", 413, "work-too-large", "/filter/disk?radius=4", ("1.94e+05", "1e+05"),
         request=raw_body(encode_frames([draw_noise(20, 20, seed=s) for s in (1, 2)], "GIF")), limited=True),
    # -- not an image
    Case("a form of addresses", 415, "unsupported-upload", FILTER, ("application/x-www-form-urlencoded", "'file'"),
         request={"data": {"file": "x"}}),
    Case("no type at all", 415, "unsupported-upload", FILTER, ("no Content-Type",), request={"content": IMAGE}),
    Case("text", 415, "unsupported-upload", "/gallery", ("text/plain",), request=raw_body(b"hello", "text/plain")),
    Case("text that says it is an image", 415, "unsupported-image", FILTER, ("12 bytes", "PNG", "AVIF"),
         request=raw_body(b"not an image")),
    Case("SVG", 415, "unsupported-image", "/gallery", request=raw_body(b"<svg xmlns='http://www.w3.org/2000/svg'/>")),
    Case("PDF", 415, "unsupported-image", FILTER, request={"files": {"file": ("a.png", b"%PDF-1.7", "image/png")}}),
    Case("an image format that is not read", 415, "unsupported-image", FILTER,
         request=raw_body(encode(draw_noise(8, 8), "PPM"))),
    # -- incomplete uploads
    Case("an empty body", 422, "empty-image", FILTER, ("0 bytes",), request=raw_body(b"")),
    Case("an empty file", 422, "empty-image", FILTER, request={"files": {"file": ("a.png", b"")}}),
    Case("a form without a file", 422, "bad-parameter", FILTER, ("'file'", "'image'"),
         request={"files": {"image": IMAGE}}),
    Case("a form with the file as text", 422, "bad-parameter", FILTER, ("'file'",),
         request=form_body(b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\nabc\r\n--x--\r\n')),
    Case("a form without a boundary", 400, "", FILTER, request=form_body(b"abc", "multipart/form-data")),
    Case("a broken form", 400, "", FILTER, request=form_body(b"abc")),
    Case("a broken part", 400, "", "/gallery", request=form_body(b"--x\r\nfoo\r\n\r\nabc\r\n--x--")),
    Case("a part without a name", 400, "", "/filter",
         request=form_body(b"--x\r\nContent-Disposition: form-data\r\n\r\nabc\r\n--x--")),
    Case("two files", 400, "", FILTER, ("1",), request={"files": [("file", IMAGE), ("file", IMAGE)]}),
    Case("too many fields", 400, "", FILTER, ("50",),
         request={"files": {"file": SMALL}, "data": {f"f{number}": "x" for number in range(60)}}),
    Case("a field too long", 400, "", FILTER, request={"files": {"file": SMALL}, "data": {"weights": "1" * 1_100_000}}),
    Case("bad JSON", 422, "bad-parameter", FILTER, ("JSON",), request=json_body("{")),
    Case("JSON in a wrong encoding", 422, "bad-parameter", FILTER, request={
        "content": b'{"file": "\xff"}', "headers": {"Content-Type": "application/json"}}),
    Case("JSON that is a list", 422, "bad-parameter", FILTER, ("'file'",), request=json_body("[]")),
    Case("JSON without a file", 422, "bad-parameter", FILTER, ("'file'",), request=json_body('{"sigma": 1}')),
    Case("JSON with a number as file", 422, "bad-parameter", FILTER, ("'file'",), request=json_body('{"file": 5}')),
    Case("bad base64", 422, "bad-parameter", FILTER, ("base64",), request=json_body('{"file": "a*b"}')),
    Case("base64 that is not ASCII", 422, "bad-parameter", FILTER, ("base64",),
         request=json_body('{"file": "\\u00e9"}')),
    Case("deep JSON", 422, "bad-parameter", FILTER, request=json_body("[" * 100_000)),
    Case("deep JSON as a parameter", 422, "bad-parameter", "/filter/custom",
         request=json_body(f'{{"file": "{ENCODED}", "weights": {"[" * 900}{"]" * 900}}}')),
    Case("lone surrogate as a value", 422, "bad-parameter", FILTER,
         request=json_body(json.dumps({"file": ENCODED, "border": "\ud800"}))),
    Case("lone surrogate as a name", 422, "bad-parameter", FILTER,
         request=json_body(json.dumps({"file": ENCODED, "\ud800": 1}))),
    Case("unknown field of the form", 422, "bad-parameter", FILTER, ("sigmma",),
         request={"files": {"file": IMAGE}, "data": {"sigmma": "2"}}),
    Case("a bad field of the form", 422, "bad-parameter", FILTER, ("border",),
         request={"files": {"file": IMAGE}, "data": {"border": "soft"}}),
    # -- operations
    Case("no operations", 422, "bad-parameter", "/filter", ("operations", "required")),
    *(Case(f"operations {text[:30]}", 422, "bad-parameter", "/filter", ("operations", *says),
           request={"files": {"file": IMAGE}, "data": {"operations": text}})
      for text, says in [("[", ("JSON",)), ("[" * 100_000, ("JSON",)), ("{}", ()), ("[]", ("0", "10")), ("[1]", ()),
                         ('[{"sigma": 1}]', ("kernel",)), ('[{"kernel": 5}]', ("kernel",)),
                         ('[{"kernel": "blur", "border": "soft"}]', ("border",)), ("null", ())]),
    Case("operations of 11 steps", 422, "bad-parameter", "/filter", ("11", "10"),
         request={"files": {"file": IMAGE}, "data": {"operations": json.dumps([{"kernel": "blur"}] * 11)}}),
    # -- parameters
    *(Case(f"{kernel}?{query}", 422, "bad-parameter", f"/filter/{kernel}?{query}", (query.split("=")[0], *says))
      for kernel, query, says in [
          ("blur", "border=soft", ("wrap",)), ("blur", "border=mirror", ("reflect", "symmetric")),
          ("blur", "stride=0", ("1",)), ("blur", "stride=9", ("8",)), ("blur", "stride=1,2,3", ()),
          ("blur", "stride=x", ()), ("blur", "stride=", ()), ("blur", "dilation=0", ()),
          ("blur", "dilation=9,1", ("8",)),
          ("blur", "divisor=0", ("auto", "none")), ("blur", "divisor=half", ("auto", "none")),
          ("blur", "divisor=nan", ()), ("blur", "divisor=inf", ()), ("blur", "bias=much", ("50%",)),
          ("blur", "bias=nan", ()), ("blur", "bias=1e99", ()), ("blur", "bias=nan%25", ()),
          ("blur", "response=sepia", ("clip", "rescale")), ("blur", "amount=1.5", ("1.5", "1")),
          ("blur", "amount=-1", ("0",)), ("blur", "amount=nan", ()), ("unsharp", "amount=11", ("10",)),
          ("blur", "channels=cmyk", ("gray", "luma")), ("blur", "channels=rr", ()), ("blur", "channels=", ()),
          ("blur", "alpha=maybe", ("auto", "keep", "filter")), ("blur", "linear=perhaps", ()),
          ("blur", "format=psd", ("png", "npy")), ("blur", "quality=0", ("1",)), ("blur", "quality=101", ("100",)),
          ("blur", "quality=high", ()), ("blur", "frames=some", ("first",)), ("blur", "explain=yes", ("json",)),
          ("blur", "behaviour=turn", ("correlate", "convolve")), ("blur", "anchor=5,5", ("5,5", "2,2")),
          ("blur", "anchor=-1,0", ()), ("blur", "anchor=1", ()), ("blur", "sigma=1", ()), ("blur", "weights=1", ()),
          ("blur", "nonsense=1", ("no such parameter",)), ("gaussian", "sigma=0", ("0.1", "200")),
          ("gaussian", "sigma=201", ("201", "200")), ("gaussian", "sigma=nan", ()),
          ("gaussian", "size=4", ("4", "odd")), ("gaussian", "size=1203", ("1203", "1201")),
          ("disk", "size=65", ("65", "63")), ("gaussian", "radius=2", ("gaussian",)),
          ("box", "size=0", ()), ("disk", "radius=32", ("31",)), ("motion", "length=0", ()),
          ("motion", "angle=361", ("360",)), ("gabor", "wavelength=1", ("2", "40")), ("log", "sigma=0.1", ("0.5",)),
          ("dog", "sigma1=0", ()), ("dog", "sigma2=99", ()), ("custom", "weights=", ()),
          ("custom", "weights=a", ("'a'",)),
          ("custom", "weights=1,2;3", ("2, 1",)), ("custom", "weights=[[1,2],[3]]", ()),
          ("custom", "weights=0", ()), ("custom", "weights=1,2,3", ("columns",)), ("custom", "weights=nan", ()),
          ("custom", "weights=1e400", ()), ("custom", "weights=[[1", ("JSON",)), ("custom", "weights={}", ()),
          ("custom", "weights=[[]]", ()), ("custom", "columns=64&weights=1", ("63",)),
      ]),
    Case("custom without weights", 422, "bad-parameter", "/filter/custom", ("weights",)),
    Case("weights that do not fill their columns", 422, "bad-parameter", "/filter/custom?weights=1,2,3&columns=2",
         ("3", "2")),
    Case("a kernel of 64 columns", 422, "bad-parameter", "/filter/custom?weights=" + "1," * 63 + "1;" + "1," * 63 + "1",
         ("64", "63")),
    Case("both of two mistakes", 422, "bad-parameter", FILTER + "?stride=9&quality=0", ("stride", "quality")),
    Case("a kernel too large for the image", 422, "bad-parameter", "/filter/box?size=31&border=valid", ("31", "20")),
    Case("a later step too large for the image", 422, "bad-parameter",
         "/filter/box,box?size=11&border=valid&stride=2", ("Step 2 (box)",)),
    Case("raw numbers as PNG", 422, "unwritable-format", "/filter/edge?response=raw&format=png", ("png", "npy")),
    Case("frames as JPEG", 422, "unwritable-format", FILTER + "?format=jpeg", ("2 frames", "jpeg"),
         request=raw_body(encode_frames([draw_noise(8, 8, 1, seed=s) for s in (1, 2)], "GIF"))),
    *(Case(f"too wide for {format}", 422, "unwritable-format", f"/filter/identity?format={format}", ("70000×1", format),
           request=raw_body(encode(Image.new("RGB", (70000, 1))))) for format in ("jpeg", "webp", "avif", "gif")),
    Case("a side of the gallery too small", 422, "bad-parameter", "/gallery?side=15", ("side", "16")),
    Case("a side of the gallery too large", 422, "bad-parameter", "/gallery?side=513", ("side", "512")),
    Case("a gallery of too many kernels", 422, "bad-parameter", "/gallery?kernels=blur,blur,blur,blur",
         ("4", "3", "CONVSERVE_MAX_GALLERY_KERNELS"), limited=True),
    Case("a kernel described with a bad parameter", 422, "bad-parameter", "/kernels/gaussian?sigma=999", ("999",),
         "GET", {}),
    Case("a kernel drawn with a bad parameter", 422, "bad-parameter", "/kernels/gaussian/preview.png?sigma=999",
         ("999",), "GET", {}),
    *(Case(f"size?{query}", 422, "bad-parameter", f"/size?{query}", (says,), "GET", {})
      for query, says in [("", "input"), ("input=28", "kernel"), ("input=0&kernel=3", "input"),
                          ("input=x&kernel=3", "input"),
                          ("input=28&kernel=0", "kernel"), ("input=28&kernel=3&stride=0", "stride"),
                          ("input=28&kernel=3&dilation=0", "dilation"), ("input=28&kernel=3&padding=-1", "-1"),
                          ("input=28&kernel=3&padding=most", "most"), ("input=3&kernel=5", "5"),
                          ("input=" + "9" * 5000 + "&kernel=3", "input")]),
]  # fmt: skip


def send(client: TestClient, case: Case) -> Any:
    request = dict(case.request)
    if request.get("content") == IN_CHUNKS:
        request["content"] = (bytes(7000) for _ in range(4))
    return client.request(case.method, case.path, **request)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_rejection_is_a_problem_that_names_the_cause(
    client: TestClient, limited_client: TestClient, case: Case
) -> None:
    body = check_problem(send(limited_client if case.limited else client, case), case.status, case.slug)
    text = body["detail"] + str([error["loc"] for error in body.get("errors") or []])
    for part in case.says:
        assert part in text
    if case.slug == "bad-parameter":
        assert body["errors"]
        assert all(error["msg"] and error["loc"] for error in body["errors"])


@pytest.mark.parametrize("case", [case for case in CASES if case.slug or case.status == 400], ids=lambda case: case.id)
def test_rejection_is_documented(client: TestClient, case: Case) -> None:
    path = case.path.split("?")[0]
    parts = path.split("/")
    if parts[1] == "filter" and len(parts) == 3:
        path = "/filter/{kernel}"
    elif parts[1] == "kernels" and len(parts) > 2:
        path = "/".join(["", "kernels", "{name}", *parts[3:]])
    responses = client.get("/openapi.json").json()["paths"][path][case.method.lower()]["responses"]
    assert "application/problem+json" in responses[str(case.status)]["content"]


def test_every_slug_is_explained_at_problems(client: TestClient) -> None:
    page = client.get("/problems")
    assert page.status_code == 200
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    for slug in {case.slug for case in CASES if case.slug}:
        assert f'id="{slug}"' in page.text
    assert "`" not in page.text  # Markdown's backticks are marked up as code
    assert "<code>did_you_mean</code>" in page.text
    (*_, sheet) = re.findall(r'rel="stylesheet" href="([^"]+)"', page.text)
    assert client.get(sheet).headers["Content-Type"].startswith("text/css")


def test_unknown_kernel_has_suggestions(client: TestClient) -> None:
    response = client.post("/filter/top-sobell", files={"file": IMAGE})
    assert response.json()["did_you_mean"][0] == "top-sobel"
    assert client.post("/filter/xyzzyx", files={"file": IMAGE}).json()["did_you_mean"] == []


def test_unsupported_image_lists_the_accepted_types(client: TestClient) -> None:
    """RFC 9110, 15.5.16: the Accept header of a 415."""
    response = client.post("/filter/blur", **raw_body(b"not an image"))
    assert {"image/png", "image/jpeg", "image/avif"} <= set(response.headers["Accept"].split(", "))


def test_wrong_method_lists_the_allowed_one(client: TestClient) -> None:
    assert client.get("/filter/blur").headers["Allow"] == "POST"


def test_requests_within_the_limits_succeed(limited_client: TestClient) -> None:
    """1000 pixels, 20000 bytes and 100000 multiplications are allowed."""
    assert limited_client.post("/filter/blur", **raw_body(encode(Image.new("L", (40, 25))))).status_code == 200
    frames = encode_frames([draw_noise(20, 20, 1, seed=s) for s in (1, 2, 3)], "GIF")
    assert limited_client.post("/filter/blur?frames=first", **raw_body(frames)).status_code == 200
    frames = encode_frames([draw_noise(20, 20, seed=s) for s in (1, 2)], "GIF")
    assert limited_client.post("/filter/box?size=9&frames=first", **raw_body(frames)).status_code == 200
    padded = SMALL + bytes(20_000 - len(SMALL))
    assert limited_client.post("/filter/blur", **raw_body(padded)).status_code == 200
    assert limited_client.post("/filter/box?size=9", **raw_body(encode(Image.new("L", (35, 35))))).status_code == 413
    assert limited_client.post("/filter/box?size=9", **raw_body(encode(Image.new("L", (35, 28))))).status_code == 200


def test_declared_length_is_rejected_before_the_body_is_read(limited_client: TestClient) -> None:
    def never_read() -> Iterator[bytes]:
        yield b"x"

    if not isinstance(limited_client, TestClient):
        pytest.skip("a real client does not break off a body that it has announced")
    headers = {"Content-Type": "image/png", "Content-Length": "999999"}
    response = limited_client.post("/filter/blur", content=never_read(), headers=headers)
    assert "999999" in check_problem(response, 413, "upload-too-large")["detail"]


# -- problem types


def find_errors(base: type[Exception]) -> set[type[Exception]]:
    return {base}.union(*(find_errors(error) for error in base.__subclasses__()))


def test_every_error_of_kernels_and_images_has_a_slug() -> None:
    errors = find_errors(kernels.errors.KernelError) | find_errors(app.images.errors.ImageError)
    errors -= {kernels.errors.KernelError, app.images.errors.ImageError}
    errors |= {app.errors.WorkTooLargeError}
    errors |= {
        error
        for error in vars(app.errors).values()
        if isinstance(error, type) and issubclass(error, ValueError) and error.__module__ == "app.errors"
    }
    assert errors - set(app.tasks.errors.SLUGS) == set()
    assert len(errors) >= 12


def test_every_problem_type_has_a_case() -> None:
    kinds = set(app.api.problem_types.PROBLEM_TYPES) - {"bad-kernels-file", "corrupt-image"}
    kinds -= {
        "blank-image",
        "too-many-files",
        "no-training-record",
    }  # test_digits_route, test_explain_route
    kinds -= {"unknown-lesson"}  # test_lessons_route
    kinds -= {"unknown-model", "bad-inference-request", "bad-class-file"}  # test_inference_route, test_own_classes
    kinds -= {
        "overloaded",
        "took-too-long",
        "worker-lost",
    }  # tests/app/pool
    kinds -= {"malformed-request", "request-head-too-large", "slow-client", "too-many-connections"}  # tests/app/server
    kinds -= {"no-room", "no-files-left", "too-much-held"}  # tests/app/server
    kinds -= {"unauthorized", "unknown-host", "too-many-requests"}  # tests/app/middleware/test_access.py
    assert kinds == {case.slug for case in CASES if case.slug}


def test_unexpected_error_of_a_worker_is_a_500_without_details(capfd: pytest.CaptureFixture[str]) -> None:
    settings = Settings(workers=1)
    service = create_app(settings, pool=WorkerPool(settings, "tests.support.failing_filter"))
    with TestClient(service, raise_server_exceptions=False) as client:
        response = client.post("/filter/blur", files={"file": SMALL})
        assert client.get("/livez").status_code == 200
    body = check_problem(response, 500, "")
    assert "secret" not in json.dumps(body)
    assert "secret" not in str(response.headers)
    assert "RuntimeError: secret-password in /etc/secret.py" in capfd.readouterr().err


def test_quoted_values_are_shortened(client: TestClient) -> None:
    response = client.post("/filter/blur", params={"border": "x" * 5000}, files={"file": SMALL})
    assert len(check_problem(response, 422, "bad-parameter")["errors"][0]["input"]) < 200
    response = client.post("/filter/" + "x" * 400, files={"file": SMALL})
    assert len(check_problem(response, 404, "unknown-kernel")["detail"]) < 600


def test_valid_request_succeeds(client: TestClient) -> None:
    assert client.post("/filter/blur", files={"file": IMAGE}).status_code == 200
