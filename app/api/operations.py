"""The kernels and settings of a request as the steps of a chain."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

from fastapi.exceptions import RequestValidationError
from pydantic import TypeAdapter, ValidationError

from app.api.parameters import FilterQuery, ImageParameters
from app.api.repeated_parameters import parse_json
from app.api.uploads import add_fields
from app.tasks.operations import encode_operations, parse_steps
from kernels.catalogue import Catalogue
from kernels.chain import AnyStep, resolve_chain
from kernels.settings import Operation

MAX_CACHED_REQUESTS = 256
MAX_CACHED_TEXT = 4000
"""Characters of query and form fields. Longer ones are not cached. They would fill the memory."""


class Chain(NamedTuple):
    """The steps of a request, and the same as JSON for the worker (`app/tasks/operations.py`)."""

    steps: tuple[AnyStep, ...]
    operations: str


@dataclass(frozen=True)
class FilterText:
    """What a filter request asks for, as sent. Two are equal if they were sent with the same text."""

    names: str
    query_string: bytes
    fields: tuple[tuple[str, Any], ...]
    """Names and values of the fields of the body."""
    query: FilterQuery = field(compare=False)
    """The parameters of the query string."""

    @property
    def is_cacheable(self) -> bool:
        """Not for JSON with other values than text, because 1 and true would be equal."""
        if any(type(value) is not str for _, value in self.fields):
            return False
        return len(self.query_string) + sum(len(name) + len(value) for name, value in self.fields) <= MAX_CACHED_TEXT


class FilterDemand(NamedTuple):
    """What a filter request asks for."""

    query: FilterQuery
    """All parameters, with those of the body."""
    chain: Chain


def cache_demands(catalogue: Catalogue) -> Callable[[FilterText], FilterDemand]:
    """Make a function that parses filter requests for this catalogue, and caches the results of recent ones.

    Clients repeat their parameters. Parsing them takes 100 to 400 µs, and finding them in the cache 1 µs. The function
    raises RequestValidationError or KernelError; errors are not cached.
    """

    def parse(text: FilterText) -> FilterDemand:
        query = add_fields(text.query, dict(text.fields))
        return FilterDemand(query, make_chain(parse_steps(text.names, query.shared, catalogue)))

    parse_cached = lru_cache(MAX_CACHED_REQUESTS)(parse)
    return lambda text: parse_cached(text) if text.is_cacheable else parse(text)


def make_chain(steps: Sequence[AnyStep]) -> Chain:
    return Chain(tuple(steps), encode_operations(steps))


def parse_operations(operations: Any, query: ImageParameters, catalogue: Catalogue) -> list[AnyStep]:
    """The steps of the parameter `operations`, as JSON text or parsed JSON.

    Raises RequestValidationError or KernelError.
    """
    try:
        if isinstance(operations, str):
            operations = parse_json(operations)
        parsed = TypeAdapter(list[Operation]).validate_python(operations)
    except ValidationError as error:
        raise RequestValidationError(
            [{**item, "loc": ("body", "operations", *item["loc"])} for item in error.errors(include_url=False)],
            body={"operations": operations},
        ) from None
    except (ValueError, RecursionError) as error:
        raise RequestValidationError(
            [{"loc": ("body", "operations"), "msg": f"not valid JSON: {error}", "type": "json", "input": operations}]
        ) from None
    return resolve_chain(parsed, catalogue, query.shared)
