"""Write a chain of kernels and layers as an ONNX graph.

    input    `image`  (n, height, width, channels) float32, 0..255
    output   `result` (n, height, width, maps) float32, not rounded

The graph computes what `/filter` computes before it rounds, for images without alpha.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels.apply.shapes import PlannedStep, Shape, plan_chain
from kernels.chain import AnyStep, Step
from kernels.colour import measure_brightness
from kernels.errors import KernelParameterError
from kernels.geometry import Axis
from kernels.layers.layer import Convolution, Pooling, Selection
from kernels.layers.step import LayerStep
from kernels.padding import Border
from kernels.product import Product
from kernels.settings import Response, scale_bias

OPSET, IR_VERSION = 19, 9
"""Of ONNX 1.14, from 2023: the first with the border `wrap`."""
MAXIMUM = 255.0
ANY_SIDE = 4096
"""Stands for a side that the graph leaves open."""
PAD_MODES = {"zero": "constant", "edge": "edge", "reflect": "reflect", "wrap": "wrap"}
NUMPY_MODES: dict[str, Any] = {"edge": "edge", "reflect": "reflect", "symmetric": "symmetric", "wrap": "wrap"}
Y, X = 2, 3
"""Axes of (n, channels, height, width)."""


def export_chain(steps: Sequence[AnyStep], path: Path, *, channels: int, size: tuple[int, int] | None = None) -> None:
    """Write the steps for images of 1 or 3 channels. Needs the package onnx.

    Without `size`, (height, width), the graph takes images of any size. Raises KernelParameterError for what ONNX
    cannot express, or only for a known size.
    """
    import onnx

    height, width = size or (ANY_SIDE, ANY_SIDE)
    plans = plan_chain(steps, Shape(height, width, channels))
    graph = Graph(is_sized=size is not None)
    values = graph.add("Transpose", "image", perm=[0, 3, 1, 2])
    for number, plan in enumerate(plans, 1):
        check_step(plan, graph.is_sized)
        is_last = number == len(plans)
        values = (
            graph.add_kernel(values, plan) if isinstance(plan.step, Step) else graph.add_layer(values, plan, plan.step)
        )
        response = plan.step.final_response if is_last else plan.step.response
        values = graph.add_response(values, response or "raw")
    graph.add("Transpose", values, output="result", perm=[0, 2, 3, 1])
    names = ", ".join(step.name for step in steps)
    after = plans[-1].after
    open_input, open_output = (["height", "width"], ["result_height", "result_width"])
    model = graph.build(
        names,
        [*(size or open_input), channels],
        [*((after.height, after.width) if size else open_output), after.maps],
    )
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())


def check_step(plan: PlannedStep, is_sized: bool) -> None:
    """Raise KernelParameterError for a step that has no graph."""
    step = plan.step
    is_padded = any(axis.padding_before or axis.padding_after for axis in (plan.rows, plan.columns))
    has_stride = plan.rows.stride > 1 or plan.columns.stride > 1
    if isinstance(step, Step) and step.settings.channels != "rgb":
        raise KernelParameterError("channels", f"channels is '{step.settings.channels}'; an ONNX file has 'rgb' only.")
    if isinstance(step, Step) and step.kernel.combine == "median":
        raise KernelParameterError("kernel", "ONNX has no operator for 'median', which is not a convolution.")
    border = step.settings.border if isinstance(step, Step) else step.border
    if is_sized or not (is_padded or has_stride):
        return
    if is_padded and border == "symmetric":
        raise KernelParameterError(
            "border",
            "ONNX has no border 'symmetric' for images of any size. Give the size, such as --image-size 640x480.",
        )
    mixes = isinstance(step, Step) and step.amount < 1
    if has_stride and (border != "valid" or mixes):
        raise KernelParameterError(
            "stride",
            "With a stride, the padding depends on the size. Give it, such as --image-size 640x480, or border=valid.",
        )


class Graph:
    """The nodes and constants of a graph. Values are named by their number; they are (n, channels, height, width)."""

    def __init__(self, *, is_sized: bool) -> None:
        self.is_sized = is_sized
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def add(self, operator: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        """Add a node. Returns the name of its output."""
        from onnx import helper

        name = output or f"value{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], **attributes))
        return name

    def add_constant(self, values: NDArray[Any] | np.generic) -> str:
        from onnx import numpy_helper

        name = f"constant{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.require(values, requirements="C"), name))
        return name

    def add_number(self, value: float) -> str:
        return self.add_constant(np.array(value, np.float32))

    def add_kernel(self, values: str, plan: PlannedStep) -> str:
        """A kernel, applied to each channel."""
        step = plan.step
        assert isinstance(step, Step)
        rows, columns, maps = plan.rows, plan.columns, plan.before.maps
        padded = self.add_border(values, rows, columns, step.settings.border)
        results = []
        for part in step.weights:
            scaled = part / step.divisor
            # A long blur is two passes: over the rows, then over the columns.
            passes = (scaled.column[:, None], scaled.row[None]) if isinstance(scaled, Product) else (scaled,)
            result = padded
            for weights in passes:
                filters = np.tile(weights.astype(np.float32), (maps, 1, 1, 1))
                result = self.add_convolution(result, filters, rows, columns, group=maps)
            results.append(result)
        if step.kernel.combine == "magnitude":
            squares = [self.add("Mul", result, result) for result in results]
            combined = self.add("Sqrt", self.add("Sum", *squares))
        else:
            combined = self.add("Max", *results) if len(results) > 1 else results[0]
        if step.amount < 1:
            original = self.add_centers(values, rows, columns)
            combined = self.add(
                "Add",
                self.add("Mul", combined, self.add_number(step.amount)),
                self.add("Mul", original, self.add_number(1 - step.amount)),
            )
        bias = step.settings.scale_bias(MAXIMUM)
        return self.add("Add", combined, self.add_number(bias)) if bias else combined

    def add_layer(self, values: str, plan: PlannedStep, step: LayerStep) -> str:
        """A layer over all maps."""
        maps, layer = plan.before.maps, step.layer
        if step.channels == "gray" and maps == 3:
            shares = measure_brightness(np.eye(3, dtype=np.float32)[None], False)
            values, maps = self.add("Conv", values, self.add_constant(shares.reshape(1, 3, 1, 1))), 1
        if isinstance(layer, Selection):
            return self.add("Gather", values, self.add_constant(np.array(layer.maps)), axis=1)
        if isinstance(layer, Pooling):
            return self.add_pooling(values, plan.rows, plan.columns, layer)
        if not isinstance(layer, Convolution):
            return self.add("Relu", values)
        if layer.inputs != maps:
            if maps != 1:
                raise KernelParameterError("weights", f"'{step.name}' sees alpha, which an ONNX file does not have.")
            values = self.add("Concat", *[values] * layer.inputs, axis=1)
        padded = self.add_border(values, plan.rows, plan.columns, step.border)
        result = self.add_convolution(padded, layer.weights.transpose(3, 2, 0, 1), plan.rows, plan.columns)
        if layer.has_bias:
            bias = np.array([scale_bias(each, MAXIMUM) for each in layer.bias], np.float32)
            result = self.add("Add", result, self.add_constant(bias.reshape(-1, 1, 1)))
        return self.add("Relu", result) if layer.is_rectified else result

    def add_convolution(
        self, values: str, filters: NDArray[np.float32], rows: Axis, columns: Axis, group: int = 1
    ) -> str:
        """`filters` are [out, in, height, width]. ONNX does not turn them by 180° either.

        With a side of 1 and not that of the axis, the pass is over the other axis alone.
        """
        strides, dilations = [rows.stride, columns.stride], [rows.dilation, columns.dilation]
        for place, (side, axis) in enumerate(zip(filters.shape[2:], (rows, columns), strict=True)):
            if side != axis.kernel:
                strides[place] = dilations[place] = 1
        return self.add("Conv", values, self.add_constant(filters), group=group, strides=strides, dilations=dilations)

    def add_pooling(self, values: str, rows: Axis, columns: Axis, layer: Pooling) -> str:
        """As TensorFlow: padding never wins, and an average does not count it."""
        window: dict[str, Any] = {
            "kernel_shape": list(layer.size),
            "strides": [rows.stride, columns.stride],
            "pads": [rows.padding_before, columns.padding_before, rows.padding_after, columns.padding_after],
        }
        if layer.kind == "average":
            return self.add("AveragePool", values, count_include_pad=0, **window)
        if layer.kind == "max":
            return self.add("MaxPool", values, **window)
        return self.add("Neg", self.add("MaxPool", self.add("Neg", values), **window))

    def add_border(self, values: str, rows: Axis, columns: Axis, border: Border) -> str:
        """The values with their border, as `kernels.padding.pad` adds it."""
        before, after = (rows.padding_before, columns.padding_before), (rows.padding_after, columns.padding_after)
        if border == "valid" or not any(before + after):
            return values
        if not self.is_sized or border == "zero":
            pads = np.array([0, 0, *before, 0, 0, *after])
            return self.add("Pad", values, self.add_constant(pads), mode=PAD_MODES[border])
        for number, axis in ((Y, rows), (X, columns)):  # numpy.pad continues patterns that ONNX's Pad rejects
            taken = np.pad(np.arange(axis.input), (axis.padding_before, axis.padding_after), mode=NUMPY_MODES[border])
            values = self.add("Gather", values, self.add_constant(taken), axis=number)
        return values

    def add_centers(self, values: str, rows: Axis, columns: Axis) -> str:
        """The values at which the results are placed."""
        starts = np.array([rows.first_center, columns.first_center])
        ends = np.array([axis.centers.stop - axis.input or np.iinfo(np.int64).max for axis in (rows, columns)])
        steps = np.array([rows.stride, columns.stride])
        arguments = [self.add_constant(numbers) for numbers in (starts, ends, np.array([Y, X]), steps)]
        return self.add("Slice", values, *arguments)

    def add_response(self, values: str, response: Response) -> str:
        if response == "raw":
            return values
        if response == "rescale":
            lowest = self.add("ReduceMin", values, self.add_constant(np.array([1, Y, X])))
            highest = self.add("ReduceMax", values, self.add_constant(np.array([1, Y, X])))
            least = self.add_number(float(np.finfo(np.float32).tiny))  # no division by 0 for a uniform image
            spread = self.add("Max", self.add("Sub", highest, lowest), least)
            share = self.add("Div", self.add("Sub", values, lowest), spread)
            return self.add("Mul", share, self.add_number(MAXIMUM))
        if response == "abs":
            values = self.add("Abs", values)
        elif response == "offset":
            half = self.add("Mul", values, self.add_number(0.5))
            values = self.add("Add", half, self.add_number((MAXIMUM + 1) / 2))
        return self.add("Clip", values, self.add_number(0), self.add_number(MAXIMUM))

    def build(self, description: str, input: Sequence[int | str], output: Sequence[int | str]) -> Any:
        """The model, with the sides and channels of its input and output."""
        from onnx import TensorProto, helper

        image, result = (
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", *shape])
            for name, shape in (("image", input), ("result", output))
        )
        graph = helper.make_graph(self.nodes, "convserve_chain", [image], [result], self.constants)
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="convserve"
        )
        helper.set_model_props(
            model,
            {"steps": description, "range": "0..255, not rounded", "layout": "(n, height, width, channels), sRGB"},
        )
        return model
