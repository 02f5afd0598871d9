"""The shapes between the steps of a chain, their cost and their receptive fields, computed without pixels."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from kernels.apply.channels import is_selection
from kernels.apply.layout import count_multiply_adds, lay_out_step
from kernels.apply.separable import PASS_COST
from kernels.chain import IMAGE_MAPS, AnyStep, Step, add_step_number
from kernels.errors import KernelParameterError
from kernels.geometry import Axis, Padding, lay_out_axis
from kernels.layers.layer import Convolution, Pooling, Selection
from kernels.layers.step import LayerStep


@dataclass(frozen=True)
class Shape:
    """Maps of one size. `has_alpha`: alpha accompanies them; it is not counted as a map."""

    height: int
    width: int
    maps: int
    has_alpha: bool = False

    @property
    def planes(self) -> int:
        """Maps and alpha."""
        return self.maps + self.has_alpha

    @property
    def values(self) -> int:
        return self.height * self.width * self.planes

    @property
    def is_image(self) -> bool:
        return self.maps in IMAGE_MAPS

    @property
    def image_planes(self) -> int:
        """The planes of a result: with alpha for grey and RGB. 4 maps have an alpha of their own."""
        return self.maps + (self.has_alpha and self.maps in (1, 3))

    def __str__(self) -> str:
        maps = "1 map" if self.maps == 1 else f"{self.maps} maps"
        return f"{maps} of {self.width}x{self.height}"


@dataclass(frozen=True)
class PlannedStep:
    """One step of a chain for a given shape. The receptive field is in pixels of the image, as (y, x)."""

    step: AnyStep
    before: Shape
    after: Shape
    rows: Axis
    columns: Axis
    receptive_field: tuple[int, int]
    """The height and width of what one value depends on."""
    distance: tuple[int, int]
    """From one value to the next."""

    @property
    def multiply_adds(self) -> int:
        """Of kernels in the passes that are chosen; of pooling none."""
        if isinstance(self.step, Step):
            return count_multiply_adds(self.step, self.rows, self.columns, self.before.planes)
        if isinstance(self.step.layer, Convolution):
            return self.rows.output * self.columns.output * int(self.step.layer.weights.size)
        return 0

    @property
    def reads(self) -> int:
        """Multiplications and comparisons: what the work is limited by."""
        if isinstance(self.step, LayerStep) and isinstance(self.step.layer, Pooling):
            return self.after.values * sum(self.step.layer.size)
        if isinstance(self.step, Step) and self.step.kernel.is_long:
            return int(PASS_COST * self.multiply_adds)
        return self.multiply_adds

    @property
    def parameters(self) -> int:
        """Weights and biases."""
        if isinstance(self.step, Step):
            bias = 1 if self.step.settings.bias not in (0.0, "0%") else 0
            return sum(int(part.size) for part in self.step.kernel.parts) + bias
        return self.step.layer.parameters


def plan_chain(steps: Sequence[AnyStep], image: Shape) -> list[PlannedStep]:
    """Every step for an image of this shape. Raises KernelParameterError; the message names the step."""
    shape, field, distance = image, (1, 1), (1, 1)
    planned: list[PlannedStep] = []
    for number, step in enumerate(steps, 1):
        try:
            rows, columns = lay_out(step, shape)
            maps, has_alpha = count_maps(step, shape)
        except KernelParameterError as error:
            raise add_step_number(error, number, step.name) if len(steps) > 1 else error from None
        after = Shape(rows.output, columns.output, maps, has_alpha)
        field = (
            field[0] + (rows.footprint - 1) * distance[0],
            field[1] + (columns.footprint - 1) * distance[1],
        )
        distance = (distance[0] * rows.stride, distance[1] * columns.stride)
        planned.append(PlannedStep(step, shape, after, rows, columns, field, distance))
        shape = after
    return planned


def lay_out(step: AnyStep, shape: Shape) -> tuple[Axis, Axis]:
    """The geometry of a step along y and x. Raises KernelParameterError if its window does not fit."""
    if isinstance(step, Step):
        return lay_out_step(step, shape.height, shape.width)
    height, width = step.layer.size
    if isinstance(step.layer, Pooling) and (height > shape.height or width > shape.width):
        raise KernelParameterError(
            "size",
            f"The pooling window is {width}x{height} pixels (width x height) and larger than the map; it may be at "
            f"most {shape.width}x{shape.height}.",
        )
    padding: Padding = "VALID" if step.border == "valid" else "SAME"
    (stride_y, stride_x), (dilation_y, dilation_x) = step.stride, step.dilation
    try:
        return (
            lay_out_axis(shape.height, height, stride=stride_y, dilation=dilation_y, padding=padding),
            lay_out_axis(shape.width, width, stride=stride_x, dilation=dilation_x, padding=padding),
        )
    except KernelParameterError as error:
        raise KernelParameterError("border", f"{error} Any border other than 'valid' adds padding.") from None


def count_maps(step: AnyStep, shape: Shape) -> tuple[int, bool]:
    """The maps after a step, and whether alpha accompanies them. Raises KernelParameterError if they do not fit."""
    if isinstance(step, Step):
        channels = step.settings.channels
        if channels == "rgb":
            return shape.maps, shape.has_alpha
        if shape.maps not in (1, 3):
            raise KernelParameterError(
                "channels", f"channels is '{channels}', and the step gets {shape}; for other than 1 or 3 it is 'rgb'."
            )
        if is_selection(channels):
            return 3, shape.has_alpha
        return (1 if channels == "gray" else shape.maps), shape.has_alpha
    shape = convert_channels(step, shape)
    if isinstance(step.layer, Selection):
        step.layer.check(shape.maps)
        return len(step.layer.maps), shape.has_alpha
    if not isinstance(step.layer, Convolution):
        return shape.maps, shape.has_alpha
    layer = step.layer
    if sees_alpha(layer, shape):
        return (layer.outputs - 1, True) if layer.outputs == layer.inputs else (layer.outputs, False)
    check_inputs(layer, shape)
    return layer.outputs, shape.has_alpha


def convert_channels(step: LayerStep, shape: Shape) -> Shape:
    """The shape after a conversion to grey, if the step has one."""
    return replace(shape, maps=1) if step.channels == "gray" and shape.maps == 3 else shape


def sees_alpha(layer: Convolution, shape: Shape) -> bool:
    """Whether alpha is the last input: a layer with 4 inputs sees the alpha of an image, opaque if it has none."""
    return layer.inputs == 4 and shape.maps in (1, 3)


def check_inputs(layer: Convolution, shape: Shape) -> None:
    """Raise KernelParameterError if the layer has another number of inputs. One map is repeated for three."""
    if layer.inputs == shape.maps or (layer.inputs == 3 and shape.maps == 1):
        return
    height, width = layer.size
    hints = []
    if layer.inputs == 1 and shape.maps == 3:
        hints.append("channels=gray converts the image to grey first")
    if shape.maps in (height, layer.outputs):
        hints.append("check the order of the axes: layout=oihw is [out,in,height,width], hwio [height,width,in,out]")
    raise KernelParameterError(
        "weights",
        f"The layer has {layer.inputs} inputs ({height}x{width}, {layer.outputs} outputs) and gets {shape}; the two "
        f"numbers must be equal.{' Remedy: ' + '; '.join(hints) + '.' if hints else ''}",
    )
