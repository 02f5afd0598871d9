"""Named kernels and their convolution over images, through `tf.nn.conv2d`. Knows no HTTP.

>>> from kernels import convolve
>>> convolve(photo, "emboss")                       # (height, width, 3) uint8 in and out
>>> convolve(photo, "gaussian", sigma=2, border="reflect")
>>> convolve(photo, [[0, -1, 0], [-1, 5, -1], [0, -1, 0]])
"""

from typing import TYPE_CHECKING, Any

from kernels.errors import KernelError, KernelFileError, KernelParameterError, UnknownKernelError

__all__ = ["KernelError", "KernelFileError", "KernelParameterError", "UnknownKernelError", "convolve"]

if TYPE_CHECKING:
    from kernels.apply.filter import convolve


def __getattr__(name: str) -> Any:
    """`convolve` when it is asked for: with it comes NumPy, which who wants a setting's name or limit need not load."""
    if name == "convolve":
        from kernels.apply.filter import convolve

        return convolve
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
