"""From the parameters of a request to the steps to be done."""

import json
from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic import TypeAdapter, ValidationError

from app.api.parameters import ImageParameters
from kernels.catalogue import Catalogue
from kernels.chain import Step, resolve_chain
from kernels.settings import Operation


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
