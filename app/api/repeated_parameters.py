"""Parameters that are sent more than once."""

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError

REPEATABLE = {"region"}


async def reject_repeated_in_query(request: Request) -> None:
    """A dependency: every parameter of the query strings but those in REPEATABLE has one value.

    Raises RequestValidationError.

    FastAPI would use the last one.
    """
    query = request.scope["query_string"]
    if query.count(b"&") and len(request.query_params) < len(request.query_params.multi_items()):
        reject_repeated("query", [name for name, _ in request.query_params.multi_items()])


def reject_repeated(place: str, names: Iterable[str]) -> None:
    """`place`: `query` or `body`. Raises RequestValidationError if a name is repeated that is not REPEATABLE."""
    repeated = [
        {"loc": (place, name), "msg": f"sent {count} times; it may be sent once", "type": "repeated", "input": None}
        for name, count in Counter(names).items()
        if count > 1 and name not in REPEATABLE
    ]
    if repeated:
        raise RequestValidationError(repeated)


def parse_json(text: str | bytes) -> Any:
    """Raises ValueError or RecursionError if it is not JSON, and RequestValidationError if an object repeats a name."""

    def make_object(members: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(members) > len(made := dict(members)):
            reject_repeated("body", [name for name, _ in members])
        return made

    return json.loads(text, object_pairs_hook=make_object)
