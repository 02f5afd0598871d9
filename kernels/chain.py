"""From names and settings to kernels ready to be applied."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kernels.catalogue import Catalogue, normalize_name
from kernels.custom import CUSTOM, make_custom_kernel
from kernels.errors import KernelError, KernelParameterError, UnknownKernelError
from kernels.kernel import Kernel, Weights, choose_divisor, round_sum
from kernels.settings import SHAPING, FilterSettings, Operation, Response

MAX_STEPS = 10


@dataclass(frozen=True)
class Step:
    """One kernel with everything that decides how it is applied."""

    kernel: Kernel
    settings: FilterSettings
    amount: float
    """0..1: share of the filtered image in the result."""

    @property
    def divisor(self) -> float:
        if self.settings.divisor == "auto":
            return choose_divisor(self.kernel.sum)
        if self.settings.divisor == "none":
            return 1.0
        return self.kernel.divisor if self.settings.divisor is None else self.settings.divisor

    @property
    def sum(self) -> float:
        """Of the weights as used, after divisor and amount."""
        return round_sum(np.array([self.amount * self.kernel.sum / self.divisor, 1 - self.amount]))

    @property
    def response(self) -> Response:
        """The one asked for, else the kernel's; a mix with the original no longer sums to 0 and is clipped."""
        if self.settings.response is not None:
            return self.settings.response
        return "clip" if self.amount < 1 and self.kernel.response is None else self.kernel.default_response

    @property
    def weights(self) -> tuple[Weights, ...]:
        """As written, or turned by 180° for `behaviour=convolve`."""
        if self.settings.behaviour == "correlate":
            return self.kernel.parts
        return tuple(part[::-1, ::-1] for part in self.kernel.parts)


def resolve_step(name: str, settings: FilterSettings, catalogue: Catalogue) -> Step:
    """Make the step of one kernel. Raises UnknownKernelError or KernelParameterError."""
    shaping = {key: value for key in SHAPING if (value := getattr(settings, key)) is not None}
    amount = settings.amount
    if normalize_name(name) == CUSTOM:
        if settings.weights is None:
            raise KernelParameterError(
                "weights", "The kernel 'custom' needs weights, for example weights=0,-1,0;-1,5,-1;0,-1,0."
            )
        if shaping:
            raise KernelParameterError(
                next(iter(shaping)), f"The kernel 'custom' has no parameter '{next(iter(shaping))}'."
            )
        kernel = make_custom_kernel(settings.weights, settings.columns)
    else:
        entry = catalogue[name]
        for key in ("weights", "columns"):
            if getattr(settings, key) is not None:
                raise KernelParameterError(key, f"'{key}' belongs to the kernel 'custom', not to '{entry.name}'.")
        if any(parameter.name == "amount" for parameter in entry.parameters):
            shaping["amount"] = amount
            amount = 1.0
        kernel = entry.make_kernel(shaping)
    if amount > 1:
        raise KernelParameterError("amount", f"amount is {amount:g}; for '{kernel.name}' it may be 0 to 1.")
    if settings.anchor is not None:
        check_anchor(settings.anchor, kernel)
    return Step(kernel, settings, amount)


def resolve_chain(
    operations: Sequence[Operation], catalogue: Catalogue, shared: FilterSettings | None = None
) -> list[Step]:
    """Make the steps of a chain of 1 to 10 operations. `shared` settings hold for every step that does not set them.

    A shared setting that belongs to certain kernels (sigma, weights, ...) goes to the steps that take it. Raises
    UnknownKernelError or KernelParameterError, with the step named where there are several.
    """
    if not 1 <= len(operations) <= MAX_STEPS:
        raise KernelParameterError("operations", f"A chain has {len(operations)} steps; it may have 1 to {MAX_STEPS}.")
    given = shared.model_dump(exclude_unset=True) if shared else {}
    special = {key for key in (*SHAPING, "weights", "columns") if given.get(key) is not None}
    unused = set(special)
    steps = []
    for number, operation in enumerate(operations, 1):
        try:
            taken = name_shaping_parameters(operation.kernel, catalogue)
            inherited = {key: value for key, value in given.items() if key in taken or key not in special}
            unused -= taken
            settings = operation.model_copy(update=inherited | operation.model_dump(exclude_unset=True))
            steps.append(resolve_step(operation.kernel, settings, catalogue))
        except (UnknownKernelError, KernelParameterError) as error:
            raise name_step(error, number, operation.kernel) if len(operations) > 1 else error from None
    if unused:
        key = sorted(unused)[0]
        names = ", ".join(operation.kernel for operation in operations)
        raise KernelParameterError(key, f"No kernel of this request ({names}) has a parameter '{key}'.")
    return steps


def name_shaping_parameters(name: str, catalogue: Catalogue) -> set[str]:
    if normalize_name(name) == CUSTOM:
        return {"weights", "columns"}
    return {parameter.name for parameter in catalogue[name].parameters}


def name_step(error: KernelError, number: int, name: str) -> KernelError:
    """The same error, telling which step of the chain it is about."""
    if isinstance(error, UnknownKernelError):
        return UnknownKernelError(error.name, error.nearest, f"Step {number}: ")
    if isinstance(error, KernelParameterError):
        return KernelParameterError(error.parameter, f"Step {number} ({name}): {error}")
    return error


def check_anchor(anchor: tuple[int, int], kernel: Kernel) -> None:
    rows, columns = kernel.shape
    x, y = anchor
    if not (0 <= x < columns and 0 <= y < rows):
        raise KernelParameterError(
            "anchor",
            f"anchor is {x},{y} (x,y); for a kernel of {columns} columns and {rows} rows it may be 0,0 to "
            f"{columns - 1},{rows - 1}.",
        )
