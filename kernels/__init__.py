"""Named kernels, applied to images with `tf.nn.conv2d`. The package does not depend on the HTTP service.

>>> from kernels import convolve
>>> convolve(photo, "emboss")                       # (height, width, 3) uint8 in and out
>>> convolve(photo, "gaussian", sigma=2, border="reflect")
>>> convolve(photo, [[0, -1, 0], [-1, 5, -1], [0, -1, 0]])
>>> convolve_in_steps(photo, ["gray", {"kernel": "max-pool", "size": 4}])
"""

from typing import TYPE_CHECKING, Any

from kernels.errors import KernelError, KernelFileError, KernelParameterError, UnknownKernelError

__all__ = [
    "KernelError",
    "KernelFileError",
    "KernelParameterError",
    "UnknownKernelError",
    "convolve",
    "convolve_in_steps",
]

if TYPE_CHECKING:
    from kernels.apply.arrays import convolve, convolve_in_steps


def __getattr__(name: str) -> Any:
    """Import the functions on first use: reading the name or limit of a setting must not load NumPy."""
    if name in ("convolve", "convolve_in_steps"):
        from kernels.apply import arrays

        return getattr(arrays, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
