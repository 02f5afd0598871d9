"""The steps of a filter request as text: kernel names, or the JSON that `POST /filter` takes as `operations`."""

import json
from collections.abc import Sequence

from pydantic import TypeAdapter, ValidationError

from kernels.catalogue import Catalogue
from kernels.chain import AnyStep, resolve_chain, resolve_operation
from kernels.errors import KernelParameterError, UnknownKernelError
from kernels.settings import MAX_NAME_LENGTH, FilterSettings, Operation

_operations = TypeAdapter(list[Operation])


def parse_steps(names: str, settings: FilterSettings, catalogue: Catalogue) -> list[AnyStep]:
    """The steps of kernel names such as `gaussian,edge`, which share the settings. Raises KernelError."""
    listed = names.split(",")
    for name in listed:
        if len(name) > MAX_NAME_LENGTH:
            raise UnknownKernelError(name, [])
    return resolve_chain([Operation(kernel=name) for name in listed], catalogue, settings)


def parse_operations_text(text: str, settings: FilterSettings, catalogue: Catalogue) -> list[AnyStep]:
    """The steps of kernel names, or of a JSON document (the beginning is `[`). Raises KernelError."""
    if not text.lstrip().startswith("["):
        return parse_steps(text, settings, catalogue)
    try:
        operations = _operations.validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        message = f"The operations are not valid{f' at {place}' if place else ''}: {first['msg']}."
        raise KernelParameterError("operations", message) from None
    return resolve_chain(operations, catalogue, settings)


def encode_operations(steps: Sequence[AnyStep]) -> str:
    """All settings that are not defaults, from which `decode_operations` makes the same steps again."""
    return json.dumps(
        [step.settings.model_dump(mode="json", exclude_unset=True) | {"kernel": step.name} for step in steps]
    )


def decode_operations(operations: str, catalogue: Catalogue) -> tuple[AnyStep, ...]:
    """The inverse of `encode_operations`. Raises KernelError or pydantic.ValidationError."""
    parsed = _operations.validate_json(operations)
    return tuple(resolve_operation(operation.kernel, operation, catalogue) for operation in parsed)
