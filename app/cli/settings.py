"""Load the settings and the kernel catalogue. A mistake in them ends the command before it imports TensorFlow."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from app.cli.errors import describe_first_error, exit_on_errors, fail

if TYPE_CHECKING:
    from app.settings import AccessSettings, Settings
    from kernels.catalogue import Catalogue

Loaded = TypeVar("Loaded")


def load_settings(**options: Any) -> "Settings":
    """Settings from environment variables. `options` of the command line override them unless they are None."""
    from app.settings import Settings

    return load(Settings, {name: value for name, value in options.items() if value is not None})


def load_access() -> "AccessSettings":
    from app.settings import AccessSettings

    return load(AccessSettings, {})


def load(kind: Callable[..., Loaded], options: dict[str, Any]) -> Loaded:
    from pydantic import ValidationError

    try:
        return kind(**options)
    except ValidationError as error:
        field, value, message = describe_first_error(error)
        if not field:
            fail(f"{message[0].upper()}{message[1:]}.")
        fail(f"{f'--{field}' if field in options else f'CONVSERVE_{field.upper()}'} is {value!r}: {message}.")


def load_catalogue(settings: "Settings") -> "Catalogue":
    """The named kernels, those of the digit model and those of CONVSERVE_KERNELS_FILE."""
    from app.tasks import catalogue

    with exit_on_errors():
        return catalogue.load_catalogue(settings)
