"""Named kernels and their convolution over pictures, through `tf.nn.conv2d`. Knows no HTTP.

>>> from kernels import convolve
>>> convolve(photo, "emboss")                       # (height, width, 3) uint8 in and out
>>> convolve(photo, "gaussian", sigma=2, border="reflect")
>>> convolve(photo, [[0, -1, 0], [-1, 5, -1], [0, -1, 0]])
"""

from kernels.convolution import convolve
from kernels.errors import KernelError, KernelFileError, KernelParameterError, UnknownKernelError

__all__ = ["KernelError", "KernelFileError", "KernelParameterError", "UnknownKernelError", "convolve"]
