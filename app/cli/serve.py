"""`convserve serve`."""

import os
import socket
import tempfile
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.errors import exit_on_errors, fail
from app.cli.options import Engine, check_engine
from app.cli.settings import load_access, load_catalogue, load_settings
from app.errors import StartError

if TYPE_CHECKING:
    from app.settings import AccessSettings, Settings

BACKLOG = 2048
"""Connections that wait to be accepted."""


def serve(
    host: Annotated[
        str | None, typer.Option(help="Address to listen on.", show_default="CONVSERVE_HOST or 127.0.0.1")
    ] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.", show_default="CONVSERVE_PORT or 8000")] = None,
    on: Annotated[
        Engine, typer.Option("--on", help="Where images are processed: on this machine, or on Ray Serve.")
    ] = "local",
) -> None:
    """Start the service. Its settings are environment variables CONVSERVE_..."""
    check_engine(on)
    settings, access = load_settings(host=host, port=port), load_access()
    load_catalogue(settings)
    check_temporary_folder()
    if access.metrics_port:
        open_socket(settings.host, access.metrics_port, "port with CONVSERVE_METRICS_PORT").close()
    # Open before the slow imports: a port in use is reported at once, and early clients wait.
    with open_socket(settings.host, settings.port, "address or port with --host, --port") as listening:
        if on == "local":
            serve_locally(listening, settings, access)
            return
    from app.cluster.local import serve_on_ray

    serve_on_ray(settings, access)


def serve_locally(listening: socket.socket, settings: "Settings", access: "AccessSettings") -> None:
    from app.main import create_app, make_server
    from app.observability.logs import configure_logging
    from app.system import forbid_inspection, keep_freed_memory

    keep_freed_memory()
    with exit_on_errors():
        if access.wants_tokens:
            forbid_inspection()  # a worker that a hostile image controls must not read the tokens
        application = create_app(settings, access)
    configure_logging(settings.log_format, settings.log_level)
    address = f"http://{'localhost' if settings.host in ('127.0.0.1', '0.0.0.0', '::') else settings.host}"
    api = f", API {address}:{settings.port}/docs" if access.docs else ""
    print(f"convserve: page {address}:{settings.port}/{api}", flush=True)
    try:
        make_server(application).run(sockets=[listening])
    except StartError as error:
        fail(str(error), status=1)


def open_socket(host: str, port: int, remedy: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        fail(f"Cannot listen on {host} port {port}: {error.strerror}. Choose another {remedy}.")


def check_temporary_folder() -> None:
    """Large uploads are stored there while they arrive."""
    try:
        folder = tempfile.gettempdir()
    except OSError as error:
        fail(f"There is no temporary folder for large uploads: {error.strerror}. Set TMPDIR to a writable folder.")
    wanted = os.environ.get("TMPDIR")
    if wanted and os.path.abspath(wanted) != folder:
        fail(f"TMPDIR is {wanted!r}, which is not a writable folder. Large uploads need one: change or unset TMPDIR.")
