"""Describe invalid parameters: each with its name, the mistake, and the value as the client sent it."""

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError

from app.api.digit_parameters import ClassifyQuery, ExplainQuery
from app.api.parameters import ChainQuery, GalleryQuery, LearnQuery, SizeQuery

PARAMETER_NAMES = {
    name
    for query in (ChainQuery, GalleryQuery, LearnQuery, SizeQuery, ClassifyQuery, ExplainQuery)
    for name in query.model_fields
}
"""Of all routes, to suggest one for a misspelt name."""
MAX_SHOWN_CHARACTERS = 100
UNKNOWN = object()


def list_mistakes(request: Request, error: RequestValidationError) -> list[dict[str, Any]]:
    """The `errors` of a problem. `error.body` has the fields of the body, if they are the cause."""
    sent = {"query": request.query_params, "path": request.path_params, "body": error.body}
    mistakes = []
    for item in error.errors():
        loc, value = find_sent_value(item["loc"], sent)
        item = {**item, "loc": loc, "input": item.get("input") if value is UNKNOWN else value}
        mistake = {"loc": loc, "msg": describe_mistake(item), "type": item["type"], "input": shorten(item["input"])}
        if mistake not in mistakes:  # both numbers of stride=9 are the same text
            mistakes.append(mistake)
    return mistakes


def find_sent_value(loc: Sequence[str | int], sent: Mapping[str, Any]) -> tuple[list[str | int], Any]:
    """The part of an error's location that the client knows, and the value that was sent there.

    Pydantic's input is the value after earlier validators, such as one in lower case or an item of a split text. Its
    location may end inside of a text, or with the name of a validator.
    """
    value: Any = sent
    known: list[str | int] = []
    for part in loc:
        if isinstance(value, Mapping) and isinstance(part, str):
            value = value.get(part, UNKNOWN)
        elif isinstance(value, list) and isinstance(part, int):
            value = value[part] if part < len(value) else UNKNOWN
        elif value is None:  # the body is not known
            value = UNKNOWN
        elif value is not UNKNOWN:
            break
        known.append(part)
    return known, value


def describe_mistake(item: Mapping[str, Any]) -> str:
    """Pydantic's message with the invalid value, or with the most similar parameter name."""
    message = str(item["msg"]).removeprefix("Value error, ")
    if item["type"] == "extra_forbidden":
        name = str(item["loc"][-1])
        nearest = difflib.get_close_matches(name, PARAMETER_NAMES - {name}, n=1)
        return "there is no such parameter" + (f"; did you mean '{nearest[0]}'?" if nearest else "")
    if item["type"] in ("missing", "json", "repeated") or item.get("input") is None:
        return message
    return f"{message}; it is {shorten(item['input'])!r}"


def shorten(value: Any) -> Any:
    """A value that the client sent, shortened for a message."""
    if value is None or isinstance(value, (bool, int, float)):
        return value if value == value and abs(value or 0) != float("inf") else str(value)
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= MAX_SHOWN_CHARACTERS else text[:MAX_SHOWN_CHARACTERS] + " ..."
