"""What is a number, and how a message quotes the value that is none."""

import base64
import json
from typing import Any

import httpx2
import pytest

from tests.support.images import draw_noise, encode
from tests.support.problems import check_problem

IMAGE = encode(draw_noise(16, 16))
ENCODED = base64.b64encode(IMAGE).decode()
RAW: dict[str, Any] = {"content": IMAGE, "headers": {"Content-Type": "image/png"}}

NO_NUMBERS = ["\uff13", "1_0", "1__0", "_1", "0x3", "\u0663", "\u00b2", "3,0,0", "true", "True", "1e", "--1", "3 3"]
"""A full-width and an Arabic 3, a superscript 2, and what Python or C reads as a number."""
NUMERIC = [
    ("/filter/gaussian", "sigma"), ("/filter/gaussian", "size"),
    ("/filter/blur", "stride"), ("/filter/blur", "dilation"),
    ("/filter/blur", "divisor"), ("/filter/blur", "bias"), ("/filter/blur", "amount"), ("/filter/blur", "anchor"),
    ("/filter/blur", "quality"), ("/filter/custom", "weights"), ("/filter/custom", "columns"), ("/gallery", "side"),
    ("/classify/explain", "map"), ("/classify/explain", "scale"),
]  # fmt: skip


@pytest.mark.parametrize(("route", "name"), NUMERIC)
def test_only_ascii_digits_are_numbers(client: httpx2.Client, route: str, name: str) -> None:
    """In the query, the form and JSON alike. float() and int() of Python accept most of the others."""
    for text in NO_NUMBERS:
        for reply in (
            client.post(route, params={name: text}, **RAW),
            client.post(route, files={"file": IMAGE}, data={name: text}),
            client.post(route, json={"file": ENCODED, name: text}),
        ):
            body = check_problem(reply, 422, "bad-parameter")
            assert body["errors"][0]["loc"][1] == name, body
            assert repr(text)[1:-1] in body["detail"] or (name == "weights" and "3" in text), (text, body["detail"])


@pytest.mark.parametrize(("route", "name"), NUMERIC)
def test_a_boolean_is_no_number(client: httpx2.Client, route: str, name: str) -> None:
    for value in (True, False):
        body = check_problem(client.post(route, json={"file": ENCODED, name: value}), 422, "bad-parameter")
        assert (body["errors"][0]["loc"][1], body["errors"][0]["input"]) == (name, value)
        assert str(value) in body["detail"]


def test_numbers_of_operations_and_weights_are_as_strict(client: httpx2.Client) -> None:
    for setting in ({"sigma": True}, {"sigma": "1_0"}, {"sigma": "\uff13"}, {"stride": [1, True]}, {"divisor": True}):
        operations = [{"kernel": "blur"}, {"kernel": "gaussian", **setting}]
        for request in ({"params": {"operations": json.dumps(operations)}, **RAW},
                        {"json": {"file": ENCODED, "operations": operations}}):  # fmt: skip
            body = check_problem(client.post("/filter", **request), 422, "bad-parameter")
            assert body["errors"][0]["loc"][:4] == ["body", "operations", 1, next(iter(setting))]
    for weights in ([[True, 1]], [["1_0"]], [["\uff13/2"]], [["1/1_0"]], "[[true]]", [[None]], [["nan"]]):
        body = check_problem(
            client.post("/filter/custom", json={"file": ENCODED, "weights": weights}), 422, "bad-parameter"
        )
        assert "is not a number" in body["detail"]


@pytest.mark.parametrize("text", ["2", "+2", "2.", "2.0", " 2 ", "2e0", "20E-1", "02"])
def test_usual_spellings_of_a_number_are_read(client: httpx2.Client, text: str) -> None:
    expected = client.post("/filter/gaussian?sigma=2", **RAW)
    reply = client.post("/filter/gaussian", params={"sigma": text}, **RAW)
    assert (reply.status_code, reply.content) == (200, expected.content)
    reply = client.post("/filter/custom", params={"weights": f"1/{text.strip()},1;{text},-.5"}, **RAW)
    assert reply.status_code == 200


@pytest.mark.parametrize(
    ("query", "quoted"),
    [
        ("border=SOFT", "'SOFT'"), ("format=PSD", "'PSD'"), ("channels=CMYK", "'CMYK'"), ("alpha=%20Maybe", "' Maybe'"),
        ("stride=1,2,3", "'1,2,3'"), ("stride=9", "'9'"), ("stride=1,9", "'1,9'"), ("anchor=1,x", "'1,x'"),
        ("anchor=1,2,3", "'1,2,3'"), ("bias=1e99", "'1e99'"), ("divisor=1E10", "'1E10'"), ("divisor=Half", "'Half'"),
        ("bias=%20much", "' much'"), ("linear=Perhaps", "'Perhaps'"), ("quality=1e3", "'1e3'"),
        ("response=Sepia", "'Sepia'"), ("amount=1.50e1", "'1.50e1'"),
    ],
)  # fmt: skip
def test_a_message_quotes_the_value_as_sent(client: httpx2.Client, query: str, quoted: str) -> None:
    name, _, value = query.partition("=")
    value = value.replace("%20", " ")
    fields = {name: value}
    for place, reply in (
        ("query", client.post(f"/filter/blur?{query}", **RAW)),
        ("body", client.post("/filter/blur", files={"file": IMAGE}, data=fields)),
        ("body", client.post("/filter/blur", json={"file": ENCODED} | fields)),
    ):
        body = check_problem(reply, 422, "bad-parameter")
        assert body["errors"] == [{"loc": [place, name], "msg": body["errors"][0]["msg"],
                                   "type": body["errors"][0]["type"], "input": value}]  # fmt: skip
        assert body["detail"].startswith(f"{name}: ")
        assert body["detail"].endswith(f"it is {quoted}")


@pytest.mark.parametrize(
    "fields",
    [{"bias": "1e99"}, {"divisor": 1e10}, {"weights": 5}, {"weights": {"a": 1}}, {"stride": {"y": 1}}, {"bias": [1, 2]},
     {"bias": None}, {"anchor": "1"}, {"anchor": 5}, {"stride": [1, 2, 3]}, {"explain": []}, {"border": ["edge"]}],
    ids=str,
)  # fmt: skip
def test_a_message_never_names_a_validator(client: httpx2.Client, fields: dict[str, Any]) -> None:
    operations = [{"kernel": "blur", **fields}]
    for reply in (
        client.post("/filter/blur", json={"file": ENCODED, **fields}),
        client.post("/filter", json={"file": ENCODED, "operations": operations}),
    ):
        text = json.dumps(check_problem(reply, 422, "bad-parameter"))
        for name in ("constrained", "literal[", "list[", "function-", "union", "Tuple", "tuple", "float"):
            assert name not in text, text
