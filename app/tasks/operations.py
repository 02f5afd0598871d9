"""The steps of a filter request as text: kernel names, or the JSON that `POST /filter` takes as `operations`."""

import json
from collections.abc import Sequence

from pydantic import TypeAdapter

from kernels.catalogue import Catalogue
from kernels.chain import Step, resolve_chain, resolve_step
from kernels.errors import UnknownKernelError
from kernels.settings import MAX_NAME_LENGTH, FilterSettings, Operation

_operations = TypeAdapter(list[Operation])


def parse_steps(names: str, settings: FilterSettings, catalogue: Catalogue) -> list[Step]:
    """The steps of kernel names such as `gaussian,edge`, which share the settings. Raises KernelError."""
    listed = names.split(",")
    for name in listed:
        if len(name) > MAX_NAME_LENGTH:
            raise UnknownKernelError(name, [])
    return resolve_chain([Operation(kernel=name) for name in listed], catalogue, settings)


def encode_operations(steps: Sequence[Step]) -> str:
    """All settings that are not defaults, from which `decode_operations` makes the same steps again."""
    return json.dumps(
        [step.settings.model_dump(mode="json", exclude_unset=True) | {"kernel": step.kernel.name} for step in steps]
    )


def decode_operations(operations: str, catalogue: Catalogue) -> tuple[Step, ...]:
    """The inverse of `encode_operations`. Raises KernelError or pydantic.ValidationError."""
    parsed = _operations.validate_json(operations)
    return tuple(resolve_step(operation.kernel, operation, catalogue) for operation in parsed)
