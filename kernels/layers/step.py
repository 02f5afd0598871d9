"""A layer with its settings, ready to be applied as a step of a chain."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

from kernels.errors import KernelParameterError
from kernels.layers.catalogue import LayerEntry
from kernels.layers.layer import Convolution, Layer, Pooling
from kernels.padding import Border
from kernels.settings import FilterSettings, Response


@dataclass(frozen=True, eq=False)
class LayerStep:
    """A layer and its settings."""

    entry: LayerEntry
    layer: Layer
    settings: FilterSettings

    @property
    def name(self) -> str:
        return self.entry.name

    @cached_property
    def border(self) -> Border:
        return cast(Border, self._choose("border"))

    @cached_property
    def channels(self) -> str:
        """`rgb`: all maps. `gray`: a colour image is converted to grey first."""
        return cast(str, self._choose("channels"))

    @cached_property
    def response(self) -> Response | None:
        """The response of the settings. None: the values stay as they are, and are clipped at the end of the chain."""
        return self.settings.response

    @property
    def final_response(self) -> Response:
        """The response if no step follows."""
        return self.response or cast(Response, self.entry.defaults.get("response", "clip"))

    @cached_property
    def stride(self) -> tuple[int, int]:
        if isinstance(self.layer, Pooling):
            return self.layer.stride
        return self.settings.stride if isinstance(self.layer, Convolution) else (1, 1)

    @cached_property
    def dilation(self) -> tuple[int, int]:
        return self.settings.dilation if isinstance(self.layer, Convolution) else (1, 1)

    def _choose(self, name: str) -> Any:
        """The setting, or the default of the layer if it is not set."""
        if name in self.settings.model_fields_set and name in self.entry.accepts:
            return getattr(self.settings, name)
        return self.entry.defaults.get(name, getattr(self.settings, name))


def find_changes(settings: FilterSettings) -> set[str]:
    """The settings that are not defaults."""
    defaults = FilterSettings()
    names = settings.model_fields_set & FilterSettings.model_fields.keys()
    return {name for name in names if getattr(settings, name) != getattr(defaults, name)}


def make_layer_step(entry: LayerEntry, settings: FilterSettings) -> LayerStep:
    """Make the step of one layer. Raises KernelParameterError."""
    for key in sorted(find_changes(settings)):
        if key not in entry.accepts:
            names = ", ".join(sorted(entry.accepts))
            raise KernelParameterError(key, f"The layer '{entry.name}' has no parameter '{key}': it has {names}.")
    step = LayerStep(entry, entry.make(settings), settings)
    if isinstance(step.layer, Pooling) and step.border not in ("zero", "valid"):
        raise KernelParameterError(
            "border",
            f"border is '{step.border}'; pooling has 'zero' (TensorFlow's SAME) and 'valid' (VALID). Set it for each "
            "step in `operations`.",
        )
    if step.channels not in ("rgb", "gray"):
        raise KernelParameterError(
            "channels", f"channels is '{step.channels}'; the layer '{entry.name}' has 'rgb' (all maps) and 'gray'."
        )
    return step
