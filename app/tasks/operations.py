"""The steps of a filter request as JSON, in the form of the parameter `operations` of `POST /filter`."""

import json
from collections.abc import Sequence

from pydantic import TypeAdapter

from kernels.catalogue import Catalogue
from kernels.chain import Step, resolve_step
from kernels.settings import Operation

_operations = TypeAdapter(list[Operation])


def encode_operations(steps: Sequence[Step]) -> str:
    """All settings that are not defaults, from which `decode_operations` makes the same steps again."""
    return json.dumps(
        [step.settings.model_dump(mode="json", exclude_unset=True) | {"kernel": step.kernel.name} for step in steps]
    )


def decode_operations(operations: str, catalogue: Catalogue) -> tuple[Step, ...]:
    """The inverse of `encode_operations`. Raises KernelError or pydantic.ValidationError."""
    parsed = _operations.validate_json(operations)
    return tuple(resolve_step(operation.kernel, operation, catalogue) for operation in parsed)
