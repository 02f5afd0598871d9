"""Put the service together."""

from collections.abc import Callable
from importlib.metadata import version

from fastapi import FastAPI
from starlette.types import ASGIApp

from app.abandonment import StopAbandoned
from app.learned import load_catalogue
from app.observability.metrics import Metrics
from app.observability.middleware import Observe
from app.problems import Problem, add_problem_handlers
from app.routes import digits, documentation, explanation, filter, gallery, health, home, kernels, learn, metrics, size
from app.settings import Settings
from app.state import Service, run_service
from app.uploads import BodyLimit
from app.workers import PictureWorkers
from models.digits import BUNDLED_FOLDER
from models.folder import read_card

DESCRIPTION = """
Send a picture and the name of a kernel, get the filtered picture back, right to the pixel. The convolution is
TensorFlow's `tf.nn.conv2d`; kernels are applied as written (correlation).

```
curl -F file=@photo.jpg http://localhost:8000/filter/emboss -o emboss.jpg
```
"""


def create_app(settings: Settings | None = None) -> FastAPI:
    """Build the service.

    Raises ModelFolderError for a bad CONVSERVE_MODEL_FOLDER, KernelFileError for a bad CONVSERVE_KERNELS_FILE and
    ValidationError for a bad setting.
    """
    settings = settings or Settings()
    catalogue = load_catalogue(settings)
    card = read_card(settings.model_folder or BUNDLED_FOLDER)

    app = FastAPI(
        title="convserve",
        description=DESCRIPTION,
        version=version("convserve"),
        license_info={"name": "Apache 2.0", "identifier": "Apache-2.0"},
        lifespan=run_service,
        docs_url=None,
        redoc_url=None,
    )
    workers = PictureWorkers(settings)
    service = Service(settings, catalogue, card, workers, Metrics(workers, card))
    app.state.service = service
    app.add_middleware(StopAbandoned)
    app.add_middleware(BodyLimit, max_bytes=settings.max_upload_bytes)
    for routes in (filter, gallery, learn, digits, explanation, kernels, size, home, health, metrics):
        app.include_router(routes.router)
    home.serve_page_files(app)
    documentation.serve_documentation(app, Problem)
    add_problem_handlers(app)
    wrap_outside(app, lambda inside: Observe(inside, service.metrics))
    return app


def wrap_outside(app: FastAPI, wrap: Callable[[ASGIApp], ASGIApp]) -> None:
    """Middleware that sees every answer. What `add_middleware` adds stands within the handler of unexpected errors."""
    build = app.build_middleware_stack
    app.build_middleware_stack = lambda: wrap(build())  # type: ignore[method-assign]
