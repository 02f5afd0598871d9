"""Resolves names and settings to steps: kernels with all settings, ready to be applied."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from kernels.catalogue import Catalogue, normalize_name
from kernels.custom import CUSTOM, make_custom_kernel
from kernels.errors import KernelError, KernelParameterError, UnknownKernelError
from kernels.kernel import Kernel, choose_divisor, round_sum
from kernels.layers.catalogue import SELECT
from kernels.layers.layer import Convolution, Selection
from kernels.layers.step import LayerStep, find_changes, make_layer_step
from kernels.product import Product
from kernels.settings import SHAPE_PARAMETERS, FilterSettings, Operation, Response
from kernels.types import Weights

MAX_STEPS = 10
IMAGE_MAPS = (1, 3, 4)
"""Numbers of maps that are an image: grey, RGB, or RGBA."""
OWNERS = {
    "weights": "the kernel 'custom' or the layer 'conv'",
    "columns": "the kernel 'custom'",
    "layout": "the layer 'conv'",
}
"""The settings for weights in a request, and what has them."""


@dataclass(frozen=True)
class Step:
    """One kernel and its settings. Many requests use the same step, so what follows from it is computed once."""

    kernel: Kernel
    settings: FilterSettings
    amount: float
    """Share of the filtered image in a mix with the original, 0..1."""
    tolerance: float = 0.0
    """The largest error of a sum that a faster algorithm may make, relative to the range of the pixels."""

    @property
    def name(self) -> str:
        return self.kernel.name

    @property
    def final_response(self) -> Response:
        """The response if no step follows."""
        return self.response

    @cached_property
    def divisor(self) -> float:
        if self.settings.divisor == "auto":
            return choose_divisor(self.kernel.sum)
        if self.settings.divisor == "none":
            return 1.0
        return self.kernel.divisor if self.settings.divisor is None else self.settings.divisor

    @cached_property
    def sum(self) -> float:
        """The sum of the weights after `divisor` and `amount`."""
        return round_sum(np.array([self.amount * self.kernel.sum / self.divisor, 1 - self.amount]))

    @cached_property
    def response(self) -> Response:
        """The response of the settings, else of the kernel.

        A mix with the original does not sum to 0: it is clipped if neither sets a response.
        """
        if self.settings.response is not None:
            return self.settings.response
        return "clip" if self.amount < 1 and self.kernel.response is None else self.kernel.default_response

    @cached_property
    def weights(self) -> tuple[Weights | Product, ...]:
        """The parts of the kernel as written, or turned by 180° for `behaviour=convolve`."""
        if self.settings.behaviour == "correlate":
            return self.kernel.parts
        return tuple(part.turned if isinstance(part, Product) else part[::-1, ::-1] for part in self.kernel.parts)


AnyStep = Step | LayerStep
"""A step of a chain."""


def resolve_operation(name: str, settings: FilterSettings, catalogue: Catalogue) -> AnyStep:
    """Make the step of one kernel or layer. Raises UnknownKernelError or KernelParameterError."""
    layer = catalogue.find_layer(name)
    return resolve_step(name, settings, catalogue) if layer is None else make_layer_step(layer, settings)


def resolve_step(name: str, settings: FilterSettings, catalogue: Catalogue) -> Step:
    """Make the step of one kernel. Raises UnknownKernelError or KernelParameterError."""
    parameters = {key: value for key in SHAPE_PARAMETERS if (value := getattr(settings, key)) is not None}
    amount = settings.amount
    if normalize_name(name) == CUSTOM:
        if settings.weights is None:
            raise KernelParameterError(
                "weights", "The kernel 'custom' needs weights, for example weights=0,-1,0;-1,5,-1;0,-1,0."
            )
        if parameters:
            key = next(iter(parameters))
            raise KernelParameterError(key, f"The kernel 'custom' has no parameter '{key}'.")
        kernel = make_custom_kernel(settings.weights, settings.columns)
    else:
        entry = catalogue[name]
        for key, owner in OWNERS.items():
            if getattr(settings, key) is not None:
                raise KernelParameterError(key, f"'{key}' belongs to {owner}, not to '{entry.name}'.")
        if isinstance(settings.size, tuple):
            height, width = settings.size
            raise KernelParameterError(
                "size", f"size is {height}x{width}; the kernel '{entry.name}' is square: use one number."
            )
        if any(parameter.name == "amount" for parameter in entry.parameters):
            parameters["amount"] = amount
            amount = 1.0
        kernel = entry.make_kernel(parameters)
    if kernel.combine == "median" and settings.divisor is not None:
        raise KernelParameterError("divisor", "The kernel 'median' has no divisor: its result is one of the pixels.")
    if amount > 1:
        raise KernelParameterError("amount", f"amount is {amount:g}; for '{kernel.name}' it may be 0 to 1.")
    if isinstance(settings.bias, tuple):
        numbers = ",".join(f"{one:g}" if isinstance(one, float) else one for one in settings.bias)
        raise KernelParameterError(
            "bias", f"bias is {numbers}; for the kernel '{kernel.name}' it is one number. A layer has more."
        )
    if settings.anchor is not None:
        check_anchor(settings.anchor, kernel)
    return Step(kernel, settings, amount)


def resolve_chain(
    operations: Sequence[Operation], catalogue: Catalogue, shared: FilterSettings | None = None
) -> list[AnyStep]:
    """Make the steps of a chain of 1 to 10 operations. A step inherits the settings of `shared` that it does not set.

    A shared setting applies to the steps that have it: sigma, weights, ... to certain kernels only, and a layer has
    few of the others. Raises UnknownKernelError or KernelParameterError; the message names the step if the chain has
    several.
    """
    if not 1 <= len(operations) <= MAX_STEPS:
        raise KernelParameterError("operations", f"A chain has {len(operations)} steps; it may have 1 to {MAX_STEPS}.")
    given = shared.model_dump(exclude_unset=True) if shared else {}
    unused = find_changes(shared) if shared else set()
    steps: list[AnyStep] = []
    for number, operation in enumerate(operations, 1):
        try:
            accepted = list_settings(operation.kernel, catalogue)
            inherited = {key: value for key, value in given.items() if key in accepted}
            unused -= accepted
            settings = operation.model_copy(update=inherited | operation.model_dump(exclude_unset=True))
            steps.append(resolve_operation(operation.kernel, settings, catalogue))
        except (UnknownKernelError, KernelParameterError) as error:
            raise add_step_number(error, number, operation.kernel) if len(operations) > 1 else error from None
    if unused:
        key = sorted(unused)[0]
        names = ", ".join(operation.kernel for operation in operations)
        raise KernelParameterError(key, f"No kernel of this request ({names}) has a parameter '{key}'.")
    return steps


SPECIFIC_SETTINGS = frozenset({*SHAPE_PARAMETERS, "weights", "columns", "layout"})
"""The settings that only certain kernels or layers have."""


def list_settings(name: str, catalogue: Catalogue) -> frozenset[str]:
    """The settings of this kernel or layer. Raises UnknownKernelError."""
    layer = catalogue.find_layer(name)
    if layer is not None:
        return layer.accepts
    general = FilterSettings.model_fields.keys() - SPECIFIC_SETTINGS
    if normalize_name(name) == CUSTOM:
        return frozenset({*general, "weights", "columns"})
    return frozenset({*general, *(parameter.name for parameter in catalogue[name].parameters)})


def select_maps(steps: Sequence[AnyStep], maps: Sequence[int]) -> list[AnyStep]:
    """The steps, and then a selection of maps in this order, which has the response that the last step would have."""
    last = steps[-1]
    is_applied = last.settings.response is not None or not any(isinstance(step, LayerStep) for step in steps)
    response = "clip" if is_applied and last.final_response != "raw" else last.final_response
    entry = replace(SELECT, make=lambda _: Selection(tuple(maps)), defaults={"response": response})
    return [*steps, LayerStep(entry, entry.make(FilterSettings()), FilterSettings())]


def gives_image(steps: Sequence[AnyStep]) -> bool:
    """Whether the result of a chain is an image, not numbers: 1, 3 or 4 maps, brought into range and rounded."""
    layers = [step.layer for step in steps if isinstance(step, LayerStep)]
    counts = [layer.outputs for layer in layers if isinstance(layer, (Convolution, Selection))]
    return steps[-1].final_response != "raw" and (not counts or counts[-1] in IMAGE_MAPS)


def add_step_number(error: KernelError, number: int, name: str) -> KernelError:
    """Copy an error and add the number and kernel of the step to its message."""
    if isinstance(error, UnknownKernelError):
        return UnknownKernelError(error.name, error.nearest, f"Step {number}: ")
    if isinstance(error, KernelParameterError):
        return KernelParameterError(error.parameter, f"Step {number} ({name}): {error}")
    return error


def check_anchor(anchor: tuple[int, int], kernel: Kernel) -> None:
    """Raise KernelParameterError unless the anchor is a weight of the kernel."""
    rows, columns = kernel.shape
    x, y = anchor
    if not (0 <= x < columns and 0 <= y < rows):
        raise KernelParameterError(
            "anchor",
            f"anchor is {x},{y} (x,y); for a kernel of {columns} columns and {rows} rows it may be 0,0 to "
            f"{columns - 1},{rows - 1}.",
        )
