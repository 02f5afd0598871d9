"""Named kernels, applied to images with `tf.nn.conv2d`. The package does not depend on the HTTP service.

>>> from kernels import convolve
>>> convolve(photo, "emboss")                       # (height, width, 3) uint8 in and out
>>> convolve(photo, "gaussian", sigma=2, border="reflect")
>>> convolve(photo, [[0, -1, 0], [-1, 5, -1], [0, -1, 0]])
"""

import os
from typing import TYPE_CHECKING, Any

from kernels.errors import KernelError, KernelFileError, KernelParameterError, UnknownKernelError

__all__ = ["KernelError", "KernelFileError", "KernelParameterError", "UnknownKernelError", "convolve"]

# TensorFlow reads these once, when it is imported. Its start-up messages do not help a user. By itself it uses oneDNN
# only on processors with AVX-512; without oneDNN a convolution takes up to 50 times as long.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

if TYPE_CHECKING:
    from kernels.apply.filter import convolve


def __getattr__(name: str) -> Any:
    """Import `convolve` on first use: reading the name or limit of a setting must not load NumPy."""
    if name == "convolve":
        from kernels.apply.filter import convolve

        return convolve
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
