"""What can be wrong with a kernel or the way it is asked for.

KernelError (a ValueError)
├── UnknownKernelError        no kernel of that name
├── KernelParameterError      a parameter, or a parameter together with this image, makes no sense
├── KernelFileError           a file of one's own kernels cannot be read
├── PairError                 two images that cannot be compared
└── UndeterminedKernelError   two images from which no kernel can be learnt
"""

from collections.abc import Sequence


class KernelError(ValueError):
    """Anything wrong with a kernel or the way it is asked for."""


class UnknownKernelError(KernelError):
    """No kernel of that name; `nearest` holds names that look like it, best first."""

    def __init__(self, name: str, nearest: Sequence[str], where: str = "") -> None:
        self.name = name
        self.nearest = list(nearest)
        hint = f" Did you mean {' or '.join(nearest)}?" if nearest else ""
        shown = name if len(name) <= 100 else name[:100] + " ..."
        super().__init__(f"{where}There is no kernel named '{shown}'.{hint}")


class KernelParameterError(KernelError):
    """`parameter` has a value that makes no sense. The message gives the value and what is allowed."""

    def __init__(self, parameter: str, message: str) -> None:
        self.parameter = parameter
        super().__init__(message)

    def __reduce__(self) -> tuple[type["KernelParameterError"], tuple[str, str]]:
        return type(self), (self.parameter, str(self))


class KernelFileError(KernelError):
    """A file of one's own kernels cannot be read. The message names the file and what is wrong in it."""


class PairError(KernelError):
    """Two images that cannot be compared: their sizes differ. The message names both."""


class UndeterminedKernelError(KernelError):
    """Two images from which no kernel can be learnt, as many would do. The message says why."""
