"""What the running service holds, and the dependencies that hand it to the routes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, TypedDict, cast

from fastapi import Depends, FastAPI, Request

from app.settings import Settings
from app.workers import PictureWorkers
from kernels.catalogue import Catalogue

if TYPE_CHECKING:
    from models.digits import DigitReader
    from models.explanation import Explainer


@dataclass(frozen=True)
class Service:
    """Made once by `create_app`; `workers` accept work while the lifespan lasts."""

    settings: Settings
    catalogue: Catalogue
    workers: PictureWorkers


class Running(TypedDict):
    """What is there only while the service runs."""

    reader: "DigitReader"
    explainer: "Explainer"


@asynccontextmanager
async def run_service(app: FastAPI) -> AsyncIterator[Running]:
    """Import TensorFlow, convolve once and load the digit reader before the first request is taken."""
    service = cast(Service, app.state.service)
    reader = await service.workers.run(warm_up_service, service.settings)
    yield {"reader": reader, "explainer": make_explainer(reader)}
    service.workers.close()


def warm_up_service(settings: Settings) -> "DigitReader":
    from kernels.engine import warm_up
    from models.digits import BUNDLED_FOLDER, DigitReader

    warm_up()
    reader = DigitReader.load(settings.model_folder or BUNDLED_FOLDER)
    reader.warm_up()
    return reader


def make_explainer(reader: "DigitReader") -> "Explainer":
    """It is traced by the first request that needs it: few do, and the start would be half a second longer."""
    from models.explanation import Explainer

    return Explainer(reader)


def get_service(request: Request) -> Service:
    return cast(Service, request.app.state.service)


def get_reader(request: Request) -> Any:
    return request.state.reader


def get_explainer(request: Request) -> Any:
    return request.state.explainer


ServiceDependency = Annotated[Service, Depends(get_service)]
ReaderDependency = Annotated[Any, Depends(get_reader)]
"""A `models.digits.DigitReader`; naming the type here would import TensorFlow's wrappers with the routes."""
ExplainerDependency = Annotated[Any, Depends(get_explainer)]
"""A `models.explanation.Explainer`."""
