"""The shapes, costs and receptive fields of a chain as JSON, for `explain=json` and `GET /size`."""

from typing import Any

from kernels.apply.shapes import PlannedStep, Shape
from kernels.geometry import Axis
from kernels.layers.layer import Convolution, Layer, describe_kind
from kernels.layers.step import LayerStep


def describe_shapes(plan: PlannedStep) -> dict[str, Any]:
    """The shapes before and after a step, its parameters, and the pixels of the image that one value depends on."""
    return {
        "input_shape": describe_shape(plan.before),
        "output_shape": describe_shape(plan.after),
        "parameters": plan.parameters,
        "receptive_field": {"width": plan.receptive_field[1], "height": plan.receptive_field[0]},
    }


def describe_shape(shape: Shape) -> dict[str, Any]:
    return {"height": shape.height, "width": shape.width, "maps": shape.maps, "alpha": shape.has_alpha}


def describe_geometry(rows: Axis, columns: Axis) -> dict[str, Any]:
    """Padding, anchor and output size of a step, with the lecture's formula."""
    return {
        "padding": {
            "top": rows.padding_before,
            "bottom": rows.padding_after,
            "left": columns.padding_before,
            "right": columns.padding_after,
        },
        "anchor": {"x": columns.anchor, "y": rows.anchor},
        "output": {
            "width": columns.output,
            "height": rows.output,
            "width_formula": f"(W - F + 2P)/S + 1 = {columns.formula}",
            "height_formula": f"(H - F + 2P)/S + 1 = {rows.formula}",
        },
    }


def describe_weights(layer: Layer) -> dict[str, int] | None:
    """The sides of the weights of a convolution; None for a layer without weights."""
    if not isinstance(layer, Convolution):
        return None
    height, width = layer.size
    return {"height": height, "width": width, "inputs": layer.inputs, "outputs": layer.outputs}


def describe_planned_step(plan: PlannedStep) -> dict[str, Any]:
    """A step without pixels, for `GET /size`."""
    step = plan.step
    kind = describe_kind(step.layer) if isinstance(step, LayerStep) else "kernel"
    return {
        "kernel": step.name,
        "kind": kind,
        "window": {"width": plan.columns.kernel, "height": plan.rows.kernel},
        "weights_shape": describe_weights(step.layer) if isinstance(step, LayerStep) else None,
        **describe_shapes(plan),
        **describe_geometry(plan.rows, plan.columns),
        "multiply_adds": plan.multiply_adds,
    }
