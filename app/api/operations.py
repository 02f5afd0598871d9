"""From the parameters of a request to the steps to be done."""

import json
from typing import Any, TypeVar

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, TypeAdapter, ValidationError

from app.api.parameters import ImageParameters
from kernels.catalogue import Catalogue
from kernels.chain import Step, resolve_chain
from kernels.errors import UnknownKernelError
from kernels.settings import MAX_NAME_LENGTH, Operation

Query = TypeVar("Query", bound=BaseModel)


def add_fields(query: Query, fields: dict[str, Any]) -> Query:
    """Take the form's other fields as parameters, too; the query string wins. Raises RequestValidationError."""
    if not fields:
        return query
    try:
        return type(query).model_validate(fields | query.model_dump(exclude_unset=True))
    except ValidationError as error:
        raise RequestValidationError(
            [{**item, "loc": ("body", *item["loc"])} for item in error.errors(include_url=False)]
        ) from None


def parse_steps(names: str, query: ImageParameters, catalogue: Catalogue) -> list[Step]:
    """The steps of a path such as `gaussian,edge`. Raises KernelError."""
    listed = names.split(",")
    for name in listed:
        if len(name) > MAX_NAME_LENGTH:
            raise UnknownKernelError(name, [])
    operations = [Operation(kernel=name) for name in listed]
    return resolve_chain(operations, catalogue, query.shared)


def parse_operations(operations: Any, query: ImageParameters, catalogue: Catalogue) -> list[Step]:
    """The steps of `operations`, JSON text or what it stands for. Raises RequestValidationError or KernelError."""
    try:
        if isinstance(operations, str):
            operations = json.loads(operations)
        parsed = TypeAdapter(list[Operation]).validate_python(operations)
    except ValidationError as error:
        raise RequestValidationError(
            [{**item, "loc": ("body", "operations", *item["loc"])} for item in error.errors(include_url=False)]
        ) from None
    except (ValueError, RecursionError) as error:
        raise RequestValidationError(
            [{"loc": ("body", "operations"), "msg": f"not valid JSON: {error}", "type": "json", "input": operations}]
        ) from None
    return resolve_chain(parsed, catalogue, query.shared)
