"""Options that several commands share, and options that are made from the parameter models of the service."""

import inspect
from collections.abc import Callable, Collection, Mapping
from importlib.util import find_spec
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import typer
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from app.cli.errors import describe_first_error, fail

Model = TypeVar("Model", bound=BaseModel)
Command = Callable[..., None]
Engine = Literal["local", "ray"]

ImagesArgument = Annotated[list[Path], typer.Argument(help="Image files, or folders with image files.")]
OutputOption = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", help="File to write; for several images, or without an extension, a folder.",
        show_default="beside the image",
    ),
]  # fmt: skip
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
CsvOption = Annotated[bool, typer.Option("--csv", help="Print CSV.")]


def check_engine(engine: Engine) -> None:
    if engine == "ray" and find_spec("ray") is None:
        fail("--on ray needs Ray, which is not installed: pip install 'convserve[ray]'.")


def add_options(
    argument: str,
    model: type[BaseModel],
    *,
    panel: str | None = None,
    omit: Collection[str] = (),
    help: Mapping[str, str] | None = None,
) -> Callable[[Command], Command]:
    """Give a command an option for each field of a model, and pass it the validated model as `argument`.

    The model's `model_fields_set` has only the options with another value than the default. `help` replaces
    descriptions that are about HTTP.
    """
    fields = {name: field for name, field in model.model_fields.items() if name not in omit}
    texts = {name: field.description or "" for name, field in fields.items()} | dict(help or {})

    def decorate(command: Command) -> Command:
        own = [parameter for parameter in inspect.signature(command).parameters.values() if parameter.name != argument]
        options = [make_option(name, field, texts[name], panel) for name, field in fields.items()]
        defaults = {option.name: option.default for option in options}

        def run(**arguments: Any) -> None:
            given = {name: arguments.pop(name) for name in fields}
            values = {name: value for name, value in given.items() if value not in (defaults[name], [])}
            command(**arguments, **{argument: validate(model, values)})

        run.__name__, run.__doc__ = command.__name__, command.__doc__
        run.__signature__ = inspect.Signature([*own, *options])  # type: ignore[attr-defined]
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in (*own, *options)}
        return run

    return decorate


def make_option(name: str, field: FieldInfo, help: str, panel: str | None) -> inspect.Parameter:
    """An option of text, which the model parses; a flag for a bool; a repeatable option for several texts."""
    default = None
    if get_origin(field.annotation) is tuple and get_args(field.annotation)[-1] is Ellipsis:
        option: Any = Annotated[list[str] | None, typer.Option(f"--{name}", help=help, rich_help_panel=panel)]
    elif field.annotation is bool:
        names = f"--{name}/--no-{name}" if field.default else f"--{name}"
        option = Annotated[bool | None, typer.Option(names, help=help, rich_help_panel=panel)]
    else:
        metavar = f"<{describe_type(field)}>"
        option = Annotated[str | None, typer.Option(f"--{name}", help=help, metavar=metavar, rich_help_panel=panel)]
        default = None if field.default is None else describe_default(field.default)
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=option)


def describe_type(field: FieldInfo) -> str:
    """`str`, `auto|dark|light` or `int 1..31`."""
    annotation = field.annotation
    kinds = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
    names: list[str] = []
    for kind in kinds:
        plain = get_args(kind)[0] if get_origin(kind) is Annotated else kind
        if get_origin(plain) is Literal:
            names += get_args(plain)
        elif plain in (int, float):
            names.append(plain.__name__)
        elif plain is not NoneType:
            return "str"
    minimum = next((limit.ge for limit in field.metadata if hasattr(limit, "ge")), None)
    maximum = next((limit.le for limit in field.metadata if hasattr(limit, "le")), None)
    limits = "" if minimum is None or maximum is None else f" {minimum}..{maximum}"
    return "|".join(names) + limits


def describe_default(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def validate(model: type[Model], values: dict[str, Any]) -> Model:
    """Ends the command with the first error."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        field, value, message = describe_first_error(error)
        fail(f"--{field} {value}: {message}.")
