"""Put the service together."""

from collections.abc import Callable
from functools import partial
from importlib.metadata import version

from fastapi import FastAPI
from starlette.types import ASGIApp

from app.api.dependencies import Service, run_service
from app.api.problems import Problem, add_problem_handlers
from app.api.routes import (
    digits,
    documentation,
    explanation,
    filter,
    gallery,
    health,
    home,
    kernels,
    learn,
    metrics,
    size,
)
from app.api.uploads import BodyLimit
from app.middleware.auth import Gate
from app.middleware.disconnect import StopAbandoned
from app.middleware.headers import SecurityHeaders, share_with, trust_proxies
from app.middleware.observe import Observe
from app.middleware.rate_limit import ClientRates
from app.middleware.tokens import Tokens
from app.observability.metrics import Metrics
from app.observability.tracing import configure_fastapi, start_tracing
from app.pool.interface import Pool
from app.pool.pool import WorkerPool
from app.settings import AccessSettings, Settings
from app.tasks.catalogue import load_catalogue
from app.tasks.context import encode_static_data
from models.model_folder import read_card
from models.reader.reader import BUNDLED_FOLDER

DESCRIPTION = """
Send an image and the name of a kernel, get the filtered image back, right to the pixel. The convolution is
TensorFlow's `tf.nn.conv2d`; kernels are applied as written (correlation).

```
curl -F file=@photo.jpg http://localhost:8000/filter/emboss -o emboss.jpg
```
"""


def create_app(
    settings: Settings | None = None, access: AccessSettings | None = None, pool: Pool | None = None
) -> FastAPI:
    """Build the service, with its own worker processes unless a `pool` is given.

    Raises ModelFolderError for a bad CONVSERVE_MODEL_FOLDER, KernelFileError for a bad CONVSERVE_KERNELS_FILE,
    TokenError for bad tokens, TracingError where traces cannot be sent and ValidationError for a bad setting.
    """
    settings, access = settings or Settings(), access or AccessSettings()
    tokens, tracing = Tokens(access), start_tracing()
    catalogue = load_catalogue(settings)
    card = read_card(settings.model_folder or BUNDLED_FOLDER)

    app = FastAPI(
        title="convserve",
        description=DESCRIPTION,
        version=version("convserve"),
        license_info={"name": "Apache 2.0", "identifier": "Apache-2.0"},
        lifespan=run_service,
        telemetry=configure_fastapi(tracing),
        docs_url=None,
        openapi_url="/openapi.json" if access.docs else None,
        redoc_url=None,
    )
    pool = pool or WorkerPool(settings, "app.tasks.registry", encode_static_data(catalogue, card))
    service = Service(settings, access, catalogue, card, pool, Metrics(pool, card), tracing)
    app.state.service = service
    app.add_middleware(StopAbandoned)
    app.add_middleware(BodyLimit, max_bytes=settings.max_upload_bytes)
    rates = ClientRates(access.rate_limit) if access.rate_limit else None
    app.add_middleware(Gate, hosts=access.allowed_hosts, rates=rates, tokens=tokens)
    for routes in (filter, gallery, learn, digits, explanation, kernels, size, home, health):
        app.include_router(routes.router)
    if access.metrics and access.metrics_port is None:
        app.include_router(metrics.router)
    home.serve_page_files(app)
    documentation.serve_documentation(app, Problem, access)
    add_problem_handlers(app)
    if access.cors_origins:
        wrap_outside(app, partial(share_with, origins=access.cors_origins))
    wrap_outside(app, partial(SecurityHeaders, shared=bool(access.cors_origins)))
    wrap_outside(app, partial(Observe, metrics=service.metrics, tracing=tracing))
    if access.trusted_proxies:
        wrap_outside(app, partial(trust_proxies, proxies=access.trusted_proxies))
    return app


def wrap_outside(app: FastAPI, wrap: Callable[[ASGIApp], ASGIApp]) -> None:
    """Middleware that sees every answer. What `add_middleware` adds stands within the handler of unexpected errors."""
    build = app.build_middleware_stack
    app.build_middleware_stack = lambda: wrap(build())  # type: ignore[method-assign]
