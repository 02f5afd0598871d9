"""Bodies as clients write them: multipart forms, base64, compressed bodies. A rejection names the real reason."""

import base64
import gzip
import json
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from tests.support.images import decode, draw_noise, encode
from tests.support.problems import check_problem

PIXELS = draw_noise(9, 7)
IMAGE = encode(PIXELS)
ENCODED = base64.b64encode(IMAGE).decode()
FILTER = "/filter/identity?format=png"
DISPOSITION = 'form-data; name="file"; filename="a.png"'


def write_part(content: bytes, disposition: str = DISPOSITION, boundary: str = "x") -> bytes:
    head = f"--{boundary}\r\nContent-Disposition: {disposition}\r\nContent-Type: image/png\r\n\r\n"
    return head.encode() + content + b"\r\n"


FORM = write_part(IMAGE) + b"--x--\r\n"


def send_form(client: httpx2.Client, body: Any, content_type: str = "multipart/form-data; boundary=x") -> Any:
    return client.post(FILTER, content=body, headers={"Content-Type": content_type})


def check_image(reply: Any) -> None:
    assert reply.status_code == 200, reply.text
    assert (decode(reply.content) == PIXELS).all()


def send_in_bytes(body: bytes) -> Any:
    return (body[start : start + 1] for start in range(len(body)))


# -- multipart forms

ACCEPTED = {
    "plain": FORM,
    "preamble": b"This is a message with multiple parts in MIME format.\r\n" + FORM,
    "preamble that resembles the boundary": b"--xy\r\n--\r\n -\n--x? --x\r\n" + FORM,
    "long preamble": b"-" * 100_000 + b"\r\n" + FORM,
    "empty lines before": b"\r\n\r\n" + FORM,
    "epilogue": FORM + b"That was all.\r\n--x\r\n",
    "no line break at the end": FORM.removesuffix(b"\r\n"),
    "space after a boundary": FORM.replace(b"--x\r\n", b"--x \t\r\n"),
}


@pytest.mark.parametrize("send", [bytes, send_in_bytes], ids=["at once", "in single bytes"])
@pytest.mark.parametrize("name", ACCEPTED)
def test_forms_of_real_clients_are_read(client: httpx2.Client, name: str, send: Any) -> None:
    if len(ACCEPTED[name]) < 10_000 or send is bytes:
        check_image(send_form(client, send(ACCEPTED[name])))


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ("form-data; name=file; filename*=UTF-8''b%C3%BCro.png", "büro-identity.png"),
        ("form-data; name=\"file\"; filename*=utf-8''%e2%82%ac%20rates.png", "€ rates-identity.png"),
        ("form-data; name=\"file\"; filename*=ISO-8859-1'en'%A3.png", "£-identity.png"),
        ("form-data; name=\"file\"; filename*=UTF-8''a%22b%5C.png", None),
        ('form-data; name="file"; filename="plain.png"; filename*=UTF-8\'\'other.png', None),
        ('form-data; name="file"; filename=""', None),
    ],
)
def test_a_part_with_a_file_name_is_a_file(client: httpx2.Client, disposition: str, name: str | None) -> None:
    """The examples are from RFC 8187, 3.2."""
    reply = send_form(client, write_part(IMAGE, disposition) + b"--x--")
    check_image(reply)
    if name:
        assert f"filename*=UTF-8''{quote(name)}" in reply.headers["content-disposition"]


def test_the_name_of_a_raw_upload_may_be_extended(client: httpx2.Client) -> None:
    headers = {"Content-Type": "image/png", "Content-Disposition": "attachment; filename*=UTF-8''b%C3%BCro.png"}
    reply = client.post(FILTER, content=IMAGE, headers=headers)
    assert "filename*=UTF-8''b%C3%BCro-identity.png" in reply.headers["content-disposition"]


REJECTED = {
    "cut in the file": (FORM[:60], ("truncated", "60 bytes", "--x--")),
    "cut before the last line": (FORM[: -len(b"--x--\r\n")], ("truncated", "--x--")),
    "cut in the last line": (FORM[: -len(b"-\r\n")], ("truncated", "--x--")),
    "cut in a header": (FORM[:20], ("truncated",)),
    "second file cut": (write_part(b"3", 'form-data; name="quality"') + write_part(IMAGE)[:-9], ("truncated",)),
    "nothing": (b"", ("0 bytes", "--x")),
    "another boundary": (FORM.replace(b"--x", b"--y"), (f"{len(FORM)} bytes", "--x")),
    "bare LF": (FORM.replace(b"\r\n", b"\n"), ("LF", "CR LF")),
    "bare LF in the first line": (FORM.replace(b"--x\r\n", b"--x\n", 1), ("CR LF",)),
    "bare LF in the headers": (FORM.replace(b'a.png"\r\n', b'a.png"\n'), ("CR LF",)),
    "bare LF before the last line": (FORM.replace(b"\r\n--x--", b"\n--x--"), ("CR LF",)),
    "no name": (write_part(IMAGE, "form-data") + b"--x--", ("name",)),
    "no colon in a header": (b"--x\r\nfoo\r\n\r\nabc\r\n--x--", ("malformed", "header")),
}


@pytest.mark.parametrize("send", [bytes, send_in_bytes], ids=["at once", "in single bytes"])
@pytest.mark.parametrize("name", REJECTED)
def test_other_forms_are_rejected_with_the_reason(client: httpx2.Client, name: str, send: Any) -> None:
    body, says = REJECTED[name]
    detail = check_problem(send_form(client, send(body)), 400, "")["detail"]
    assert all(part in detail for part in says), detail


def test_every_cut_of_a_form_is_rejected(client: httpx2.Client) -> None:
    for end in range(0, len(FORM) - 2, 7):
        check_problem(send_form(client, FORM[:end]), 400, "")


def test_a_form_without_a_boundary_names_the_header(client: httpx2.Client) -> None:
    assert "no boundary" in check_problem(send_form(client, FORM, "multipart/form-data"), 400, "")["detail"]
    assert (
        "256" in check_problem(send_form(client, FORM, "multipart/form-data; boundary=" + "x" * 300), 400, "")["detail"]
    )


def test_a_truncated_form_of_two_images_is_rejected(client: httpx2.Client) -> None:
    first, second = (write_part(IMAGE, f'form-data; name="{name}"; filename="a"') for name in ("before", "after"))
    reply = client.post("/learn", content=first + second, headers={"Content-Type": "multipart/form-data; boundary=x"})
    assert "truncated" in check_problem(reply, 400, "")["detail"]


def test_a_body_without_a_form_is_no_pair_of_images(client: httpx2.Client) -> None:
    reply = client.post("/learn", content=IMAGE, headers={"Content-Type": "image/png"})
    assert "'before' and 'after'" in check_problem(reply, 415, "unsupported-upload")["detail"]


# -- base64


@pytest.mark.parametrize(
    "text",
    [
        ENCODED,
        base64.encodebytes(IMAGE).decode(),
        ENCODED.replace("A", "A \t\r\n"),
        ENCODED.rstrip("="),
        base64.urlsafe_b64encode(IMAGE).decode(),
        base64.urlsafe_b64encode(IMAGE).decode().rstrip("="),
        f"data:image/png;base64,{ENCODED}",
        f"data:image/png;base64,{base64.urlsafe_b64encode(IMAGE).decode().rstrip('=')}\n",
    ],
    ids=["plain", "lines", "whitespace", "unpadded", "url-safe", "url-safe and unpadded", "data URI", "all"],
)
@pytest.mark.parametrize("extra", [0, 1, 2], ids=lambda extra: f"{extra} bytes more")
def test_base64_of_every_kind_is_read(client: httpx2.Client, text: str, extra: int) -> None:
    assert "+" in ENCODED
    assert "/" in ENCODED
    if extra:  # the three lengths of padding
        padded = base64.b64encode(IMAGE + bytes(extra)).decode()
        text = padded.rstrip("=") if "=" not in text else padded
    check_image(client.post(FILTER, json={"file": text}))


@pytest.mark.parametrize(
    ("text", "says"),
    [("a*bc", "'*'"), ("ab=cd", "'='"), ("abcde", "5 characters"), ("\u00e9", "'é'"), ("data:image/png,abc:", "','")],
)
def test_other_base64_is_rejected_with_the_reason(client: httpx2.Client, text: str, says: str) -> None:
    body = check_problem(client.post(FILTER, json={"file": text}), 422, "bad-parameter")
    assert "base64" in body["detail"]
    assert says in body["detail"]


# -- compressed bodies


@pytest.mark.parametrize("route", [FILTER, "/gallery", "/classify", "/read", "/classify/explain", "/learn", "/filter"])
def test_a_compressed_body_is_named(client: httpx2.Client, route: str) -> None:
    headers = {"Content-Type": "image/png", "Content-Encoding": "gzip"}
    reply = client.post(route, content=gzip.compress(IMAGE), headers=headers)
    assert "'gzip'" in check_problem(reply, 415, "unsupported-upload")["detail"]
    assert reply.headers["accept-encoding"] == "identity"


def test_identity_is_no_compression(client: httpx2.Client) -> None:
    headers = {"Content-Type": "image/png", "Content-Encoding": "Identity"}
    check_image(client.post(FILTER, content=IMAGE, headers=headers))


# -- repeated parameters


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("POST", "/filter/gaussian?sigma=1&sigma=2", "sigma"),
        ("POST", "/filter/gaussian?sigma=1&sigma=1", "sigma"),
        ("POST", "/filter/blur?stride=2&stride=3", "stride"),
        ("POST", "/filter/custom?weights=1,2,1;2,4,2;1,2,1&format=png&weights=1", "weights"),
        ("POST", '/filter?operations=["blur"]&operations=["edge"]', "operations"),
        ("POST", "/gallery?side=100&side=", "side"),
        ("POST", "/classify?polarity=dark&polarity=light", "polarity"),
        ("GET", "/kernels/gaussian?sigma=1&sigma=2", "sigma"),
        ("GET", "/size?input=28&kernel=5&input=29", "input"),
    ],
)
def test_a_repeated_parameter_is_rejected(client: httpx2.Client, method: str, path: str, name: str) -> None:
    request: dict[str, Any] = {"content": IMAGE, "headers": {"Content-Type": "image/png"}} if method == "POST" else {}
    body = check_problem(client.request(method, path, **request), 422, "bad-parameter")
    assert [(error["loc"], error["msg"]) for error in body["errors"]] == [
        (["query", name], "sent 2 times; it may be sent once")
    ]


def test_a_repeated_field_is_rejected(client: httpx2.Client) -> None:
    field = write_part(b"2", 'form-data; name="sigma"')
    reply = client.post(
        "/filter/gaussian", content=field + field + FORM, headers={"Content-Type": "multipart/form-data; boundary=x"}
    )
    assert check_problem(reply, 422, "bad-parameter")["errors"][0]["loc"] == ["body", "sigma"]
    document = json.dumps({"file": ENCODED})[:-1] + ', "sigma": 1, "sigma": 2}'
    reply = client.post("/filter/gaussian", content=document, headers={"Content-Type": "application/json"})
    assert check_problem(reply, 422, "bad-parameter")["errors"][0]["loc"] == ["body", "sigma"]
    operations = '[{"kernel": "gaussian", "sigma": 1, "sigma": 2}]'
    reply = client.post("/filter", params={"operations": operations}, files={"file": IMAGE})
    assert "sigma" in check_problem(reply, 422, "bad-parameter")["detail"]
