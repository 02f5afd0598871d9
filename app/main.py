"""Put the service together: `create_app` for any ASGI server, `make_server` for the service's own."""

from functools import partial
from typing import cast

from starlette.middleware import Middleware
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from app.api.application import Application, configure_telemetry
from app.api.dependencies import Service, run_service
from app.api.problem_handlers import add_problem_handlers
from app.api.problems import render_error, render_server_error
from app.api.routers import include_routers
from app.api.routes.documentation import describe_api
from app.lessons.read import read_lessons
from app.middleware.auth import AccessControl
from app.middleware.body_limit import BodyLimit
from app.middleware.compress import CompressPages
from app.middleware.cors import AllowOrigins
from app.middleware.disconnect import CancelOnDisconnect
from app.middleware.head import AnswerHead
from app.middleware.headers import SecurityHeaders
from app.middleware.observe import Observe
from app.middleware.rate_limit import ClientRates
from app.middleware.tokens import Tokens
from app.middleware.trailing_slash import DropTrailingSlash
from app.observability.metrics import Metrics, VersionCollector
from app.observability.tracing import start_tracing
from app.pool.collector import WorkersCollector
from app.pool.interface import Pool
from app.pool.pool import WorkerPool
from app.server.collector import ConnectionsCollector
from app.server.server import Server
from app.settings import AccessSettings, Settings
from app.tasks.catalogue import load_catalogue
from app.tasks.context import encode_static_data
from models.model_folder import read_card
from models.reader.weights import BUNDLED_FOLDER


def create_app(
    settings: Settings | None = None, access: AccessSettings | None = None, pool: Pool | None = None
) -> Application:
    """The whole service as an ASGI app, with its own worker processes unless a `pool` is given.

    Raises ModelFolderError for a bad CONVSERVE_MODEL_FOLDER, KernelFileError for a bad CONVSERVE_KERNELS_FILE,
    LessonsFolderError for a bad CONVSERVE_LESSONS_FOLDER, TokenError for bad tokens, TracingError if traces cannot be
    sent and ValidationError for a bad setting.
    """
    settings, access = settings or Settings(), access or AccessSettings()
    tokens, tracing = Tokens(access), start_tracing()
    rates = ClientRates(access.rate_limit) if access.rate_limit else None
    catalogue, card = load_catalogue(settings), read_card(settings.model_folder or BUNDLED_FOLDER)
    lessons = read_lessons(catalogue, settings.lessons_folder)
    pool = pool or WorkerPool(settings, "app.tasks.registry", encode_static_data(catalogue, card))
    metrics = Metrics(WorkersCollector(pool), VersionCollector(card))
    outer = [
        Middleware(DropTrailingSlash),
        Middleware(Observe, metrics=metrics, tracing=tracing),
        Middleware(AnswerHead),
    ]
    outer += [Middleware(SecurityHeaders, cross_origin=bool(access.cors_origins))]
    if access.trusted_proxies:  # outermost: it replaces the address of the proxy by that of the client
        outer.insert(0, Middleware(ProxyHeadersMiddleware, list(access.trusted_proxies)))
    if access.cors_origins:
        outer += [Middleware(AllowOrigins, origins=access.cors_origins)]
    inner = [
        Middleware(AccessControl, hosts=access.allowed_hosts, rates=rates, tokens=tokens, render_error=render_error),
        Middleware(CompressPages),
        Middleware(BodyLimit, max_bytes=settings.max_upload_bytes),
        Middleware(CancelOnDisconnect),
    ]
    telemetry = configure_telemetry(tracing)
    app = Application(
        outer_middleware=outer, middleware=inner, lifespan=run_service, telemetry=telemetry, **describe_api(access)
    )
    app.state.service = Service(settings, access, catalogue, lessons, card, pool, metrics, tracing)
    include_routers(app, access)
    add_problem_handlers(app)
    return app


def make_server(app: Application) -> Server:
    """The HTTP server for an app of `create_app` with its own worker processes."""
    service: Service = app.state.service
    render = partial(render_server_error, cors_origins=service.access.cors_origins)
    reserve_slot = cast(WorkerPool, service.pool).reserve
    lifespan = partial(app.router.lifespan_context, app)
    server = Server(app, lifespan, service.settings, render, reserve_slot, service.draining.set)
    service.metrics.registry.register(ConnectionsCollector(server.server_state))
    return server
