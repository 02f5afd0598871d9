"""What an operator can set: environment variables with the prefix CONVSERVE_."""

import difflib
import ipaddress
import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from app.system import choose_worker_count

PREFIX = "CONVSERVE_"

LogFormat = Literal["console", "json"]
LogLevel = Literal["debug", "info", "warning", "error"]


def split_list(value: Any) -> Any:
    """Of a variable: items between commas or spaces."""
    return tuple(item for item in re.split(r"[\s,]+", value) if item) if isinstance(value, str) else value


def check_rate(rate: str) -> str:
    from limits import parse

    try:
        parse(rate)
    except ValueError:
        raise ValueError("say how many in what time, such as 20/second or 1000/hour") from None
    return rate


def check_proxy(proxy: str) -> str:
    ipaddress.ip_network(proxy)
    return proxy


Listed = Annotated[tuple[str, ...], NoDecode, BeforeValidator(split_list)]


class AccessSettings(BaseSettings):
    """Who may call. Kept apart from `Settings`, which go to the worker processes: tokens do not."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="forbid")

    tokens: Annotated[
        SecretStr, Field(description="Bearer tokens, of which a caller needs one; with commas or spaces between them.")
    ] = SecretStr("")
    tokens_file: Annotated[
        Path | None, Field(description="The same in a file, one a line; read again when it changes.")
    ] = None
    rate_limit: Annotated[
        Annotated[str, AfterValidator(check_rate)] | None,
        Field(description="Most requests of each client, such as `20/second` or `1000/hour`; then 429."),
    ] = None
    trusted_proxies: Annotated[
        Annotated[tuple[Annotated[str, AfterValidator(check_proxy)], ...], NoDecode, BeforeValidator(split_list)],
        Field(description="Addresses and networks whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed."),
    ] = ()
    cors_origins: Annotated[
        Listed, Field(description="Origins such as `https://example.com` whose scripts may read the answers; `*`: all.")
    ] = ()
    allowed_hosts: Annotated[
        Listed, Field(description="Names that the service may be called by, such as `example.com` or `*.example.com`.")
    ] = ()
    docs: Annotated[bool, Field(description="Whether there are /docs and /openapi.json.")] = True
    metrics: Annotated[bool, Field(description="Whether there is /metrics.")] = True
    metrics_port: Annotated[
        int | None, Field(ge=0, le=65535, description="Port of its own for /metrics, without tokens.")
    ] = None

    @property
    def wants_tokens(self) -> bool:
        return bool(self.tokens.get_secret_value().strip(", ") or self.tokens_file)


SECRET_VARIABLES = (
    f"{PREFIX}TOKENS", f"{PREFIX}TOKENS_FILE", "OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
)  # fmt: skip
"""That no worker process needs to know."""


class Settings(BaseSettings):
    """Limits and places; the units are in the names."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="forbid")

    host: Annotated[str, Field(description="Address to listen on.")] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535, description="Port to listen on.")] = 8000
    kernels_file: Annotated[Path | None, Field(description="TOML file of kernels of one's own.")] = None
    max_upload_bytes: Annotated[int, Field(ge=1, description="Largest request body.")] = 50_000_000
    max_pixels: Annotated[int, Field(ge=1, description="Largest image: width × height × frames.")] = 50_000_000
    max_frames: Annotated[int, Field(ge=1, description="Most frames or pages of one image.")] = 2000
    max_jpeg_scans: Annotated[
        int, Field(ge=1, description="Most scans of a progressive JPEG: each costs time, and ten are usual.")
    ] = 100
    max_metadata_bytes: Annotated[
        int, Field(ge=1, description="Most texts and colour profile in an image, inflated.")
    ] = 16_000_000
    max_multiply_adds: Annotated[
        int, Field(ge=1, description="Most multiplications that one request may cost (weights × results).")
    ] = 200_000_000_000
    max_gallery_kernels: Annotated[int, Field(ge=1, description="Most images on one contact sheet.")] = 100
    max_digit_files: Annotated[int, Field(ge=1, description="Most images in one request to /classify.")] = 64
    model_folder: Annotated[Path | None, Field(description="Digit model to use instead of the bundled one.")] = None
    workers: Annotated[
        int,
        Field(
            ge=1,
            le=256,
            description="Processes that work on images, each on one at a time. Default: the number of cores, fewer "
            "where there is less than 1.5 GB of memory for each.",
        ),
    ] = Field(default_factory=choose_worker_count)
    deadline_seconds: Annotated[
        float, Field(gt=0, description="Longest work on one request; then it is stopped and answered with 503.")
    ] = 10
    large_upload_bytes: Annotated[int, Field(ge=1, description="Uploads above this wait in a line of their own.")] = (
        1_000_000
    )
    max_waiting: Annotated[
        int, Field(ge=0, description="Most uploads that wait for a worker; beyond them the answer is 503.")
    ] = 64
    max_waiting_large: Annotated[int, Field(ge=0, description="Most large uploads that wait for a worker.")] = 8
    max_wait_seconds: Annotated[float, Field(gt=0, description="Longest wait for a worker; then 503.")] = 10
    log_format: Annotated[LogFormat, Field(description="`console` for people, `json` for programs.")] = "console"
    log_level: Annotated[
        LogLevel, Field(description="`debug`, `info`, `warning` or `error`: lines below it are left out.")
    ] = "info"

    max_connections: Annotated[
        int,
        Field(
            ge=1,
            description="Most connections, as far as the process may open files; beyond them, those that wait for "
            "their client for longest make room.",
        ),
    ] = 4000
    max_held_bytes: Annotated[
        int,
        Field(
            ge=1,
            description="Most bytes of uploads that are still arriving and answers that are not read yet; beyond them, "
            "the slowest clients are closed.",
        ),
    ] = 500_000_000
    header_seconds: Annotated[
        float, Field(gt=0, description="Longest time for a request line and headers to arrive; then 408.")
    ] = 10
    max_header_bytes: Annotated[int, Field(ge=1000, description="Largest request line and headers.")] = 32_768
    stall_seconds: Annotated[
        float,
        Field(
            gt=0,
            description="How far a client may fall behind the least speed while it sends a body (then 408) or reads an "
            "answer.",
        ),
    ] = 15
    min_bytes_per_second: Annotated[
        int, Field(ge=1, description="The least speed of a client that sends a body or reads an answer.")
    ] = 500
    keep_alive_seconds: Annotated[
        float, Field(gt=0, description="How long a connection without a request is kept open for the next one.")
    ] = 75
    drain_seconds: Annotated[
        float,
        Field(ge=0, description="After SIGTERM: how long requests on connections that are open already are taken."),
    ] = 1
    graceful_seconds: Annotated[
        float, Field(ge=0, description="After that: how long requests that have started may take.")
    ] = 25

    @model_validator(mode="before")
    @classmethod
    def refuse_unknown_variables(cls, values: Any) -> Any:
        """A misspelt variable would be passed over in silence."""
        known = {PREFIX + name.upper() for kind in (cls, AccessSettings) for name in kind.model_fields}
        for name in os.environ:
            if name.upper().startswith(PREFIX) and name.upper() not in known:
                nearest = difflib.get_close_matches(name.upper(), known, n=1)
                hint = f"; did you mean {nearest[0]}?" if nearest else ""
                raise ValueError(f"there is no setting {name}{hint}")
        return values
