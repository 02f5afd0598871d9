"""`convserve health`."""

from typing import Annotated

import typer

from app.cli.errors import fail
from app.cli.settings import load_settings

TIMEOUT_SECONDS = 5


def check_health(
    url: Annotated[
        str | None, typer.Option(help="Address of the service.", show_default="CONVSERVE_HOST and CONVSERVE_PORT")
    ] = None,
) -> None:
    """Check that a running service answers, for the HEALTHCHECK of a container. Exit status 1 if it does not."""
    import httpx

    address = find_address(url)
    try:
        reply = httpx.get(f"{address}/livez", timeout=TIMEOUT_SECONDS)
        reply.raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        fail(f"The service at {address} is not healthy: {error}", status=1)
    typer.echo(reply.text)


def find_address(url: str | None) -> str:
    """The address that was given, else that of a service on this machine with the same settings."""
    settings = load_settings()
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)
    return (url or f"http://{host}:{settings.port}").rstrip("/")
