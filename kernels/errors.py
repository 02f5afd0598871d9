"""Errors about kernels and their settings.

KernelError (a ValueError)
├── UnknownKernelError        no kernel has this name
├── KernelParameterError      a parameter is invalid, alone or together with this image
├── KernelFileError           a TOML file of kernels cannot be read
├── PairError                 two images cannot be compared
└── UndeterminedKernelError   two images do not determine a kernel
"""

from collections.abc import Sequence

MAX_SHOWN_CHARACTERS = 100


class KernelError(ValueError):
    """A kernel or its settings are invalid."""


class UnknownKernelError(KernelError):
    """No kernel has this name. `nearest` holds similar names, best match first."""

    def __init__(self, name: str, nearest: Sequence[str], prefix: str = "") -> None:
        self.name = name
        self.nearest = list(nearest)
        hint = f" Did you mean {' or '.join(nearest)}?" if nearest else ""
        shown = name if len(name) <= MAX_SHOWN_CHARACTERS else name[:MAX_SHOWN_CHARACTERS] + " ..."
        super().__init__(f"{prefix}There is no kernel named '{shown}'.{hint}")


class KernelParameterError(KernelError):
    """`parameter` has an invalid value. The message gives the value and the allowed range."""

    def __init__(self, parameter: str, message: str) -> None:
        self.parameter = parameter
        super().__init__(message)


class KernelFileError(KernelError):
    """A TOML file of kernels cannot be read. The message names the file and the error in it."""


class PairError(KernelError):
    """Two images cannot be compared because their sizes differ. The message gives both sizes."""


class UndeterminedKernelError(KernelError):
    """Two images do not determine a kernel: many kernels explain them. The message gives the reason."""
