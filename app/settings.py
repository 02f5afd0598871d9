"""Settings of the operator: environment variables with the prefix CONVSERVE_."""

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
    """The items of a variable, separated by commas or spaces."""
    return tuple(item for item in re.split(r"[\s,]+", value) if item) if isinstance(value, str) else value


def check_rate(rate: str) -> str:
    from limits import parse

    try:
        parse(rate)
    except ValueError:
        raise ValueError("write a number of requests per time, such as 20/second or 1000/hour") from None
    return rate


def check_proxy(proxy: str) -> str:
    ipaddress.ip_network(proxy)
    return proxy


ANCESTOR = re.compile(r"https?://(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*(:\d{1,5})?", re.ASCII | re.IGNORECASE)
"""A `host-source` of Content Security Policy 3 without a path. Its characters cannot end the directive."""


def check_ancestor(origin: str) -> str:
    if not ANCESTOR.fullmatch(origin):
        raise ValueError(f"'{origin}' is no origin; write scheme and host, such as https://moodle.example.org")
    return origin


Listed = Annotated[tuple[str, ...], NoDecode, BeforeValidator(split_list)]


class AccessSettings(BaseSettings):
    """Access control. Separate from `Settings`, which are sent to the worker processes; tokens are not."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="forbid")

    tokens: Annotated[
        SecretStr, Field(description="Bearer tokens, separated by commas or spaces. A request needs one of them.")
    ] = SecretStr("")
    tokens_file: Annotated[
        Path | None, Field(description="File of bearer tokens, one per line. It is reloaded when it changes.")
    ] = None
    rate_limit: Annotated[
        Annotated[str, AfterValidator(check_rate)] | None,
        Field(description="Maximum rate of requests per client, such as `20/second` or `1000/hour`; above it 429."),
    ] = None
    trusted_proxies: Annotated[
        Annotated[tuple[Annotated[str, AfterValidator(check_proxy)], ...], NoDecode, BeforeValidator(split_list)],
        Field(
            description="Addresses and networks of proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are trusted."
        ),
    ] = ()
    cors_origins: Annotated[
        Listed, Field(description="Origins whose scripts may read responses, such as `https://example.com`; `*`: all.")
    ] = ()
    allowed_hosts: Annotated[
        Listed, Field(description="Allowed Host headers, such as `example.com` or `*.example.com`. Default: all.")
    ] = ()
    frame_ancestors: Annotated[
        Annotated[tuple[Annotated[str, AfterValidator(check_ancestor)], ...], NoDecode, BeforeValidator(split_list)],
        Field(
            description="Origins whose pages may show this page in a frame, such as `https://moodle.example.org` or "
            "`https://*.example.org`. Default: only the service's own."
        ),
    ] = ()
    docs: Annotated[bool, Field(description="Serve /docs and /openapi.json.")] = True
    metrics: Annotated[bool, Field(description="Serve /metrics.")] = True
    metrics_port: Annotated[
        int | None, Field(ge=0, le=65535, description="Separate port for /metrics, without tokens.")
    ] = None

    @property
    def wants_tokens(self) -> bool:
        return bool(self.tokens.get_secret_value().strip(", ") or self.tokens_file)


SECRET_VARIABLES = (
    f"{PREFIX}TOKENS", f"{PREFIX}TOKENS_FILE", "OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
)  # fmt: skip
"""Environment variables that are removed from the environment of worker processes."""


class Settings(BaseSettings):
    """Limits and paths. The names contain the units."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="forbid")

    host: Annotated[str, Field(description="Address to listen on.")] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535, description="Port to listen on.")] = 8000
    kernels_file: Annotated[Path | None, Field(description="TOML file with additional kernels.")] = None
    lessons_folder: Annotated[
        Path | None, Field(description="Folder of TOML files with lessons, which the page lists after its own.")
    ] = None
    max_upload_bytes: Annotated[int, Field(ge=1, description="Maximum size of a request body.")] = 50_000_000
    max_pixels: Annotated[int, Field(ge=1, description="Maximum size of an image: width × height × frames.")] = (
        50_000_000
    )
    max_frames: Annotated[int, Field(ge=1, description="Maximum number of frames or pages in an image.")] = 2000
    max_jpeg_scans: Annotated[
        int, Field(ge=1, description="Maximum number of scans in a progressive JPEG. Each costs time; ten are usual.")
    ] = 100
    max_metadata_bytes: Annotated[
        int, Field(ge=1, description="Maximum size of texts and colour profile in an image, decompressed.")
    ] = 16_000_000
    max_multiply_adds: Annotated[
        int, Field(ge=1, description="Maximum number of multiplications per request (weights × results).")
    ] = 200_000_000_000
    max_map_values: Annotated[
        int, Field(ge=1, description="Maximum size of the maps after a layer: width × height × maps × frames.")
    ] = 100_000_000
    max_gallery_kernels: Annotated[int, Field(ge=1, description="Maximum number of images on a contact sheet.")] = 100
    max_digit_files: Annotated[int, Field(ge=1, description="Maximum number of images in a request to /classify.")] = 64
    model_folder: Annotated[
        Path | None, Field(description="Folder of a digit model that replaces the bundled one.")
    ] = None
    workers: Annotated[
        int,
        Field(
            ge=1,
            le=256,
            description="Worker processes. Each processes one image at a time. Default: the number of cores, or fewer "
            "if there is less than 1.5 GB of memory for each.",
        ),
    ] = Field(default_factory=choose_worker_count)
    deadline_seconds: Annotated[
        float,
        Field(
            gt=0, description="Maximum duration of the work on a request. Longer work is stopped; the response is 503."
        ),
    ] = 10
    large_upload_bytes: Annotated[int, Field(ge=1, description="Uploads above this size wait in a separate queue.")] = (
        1_000_000
    )
    max_waiting: Annotated[int, Field(ge=0, description="Maximum length of the queue for a worker; above it 503.")] = 64
    max_waiting_large: Annotated[
        int, Field(ge=0, description="Maximum length of the queue of large uploads; above it 503.")
    ] = 8
    max_wait_seconds: Annotated[float, Field(gt=0, description="Maximum wait for a worker; then 503.")] = 10
    log_format: Annotated[LogFormat, Field(description="`console` or `json`.")] = "console"
    log_level: Annotated[
        LogLevel, Field(description="Minimum level of log lines: `debug`, `info`, `warning` or `error`.")
    ] = "info"

    max_connections: Annotated[
        int,
        Field(
            ge=1,
            description="Maximum number of connections, within the limit of open files. Above it the longest idle or "
            "slowest connection is closed.",
        ),
    ] = 4000
    max_held_bytes: Annotated[
        int,
        Field(
            ge=1,
            description="Maximum memory for unfinished uploads and unread responses of all clients. Above it the "
            "slowest connections are closed.",
        ),
    ] = 500_000_000
    header_seconds: Annotated[
        float, Field(gt=0, description="Maximum time to receive the request line and headers; then 408.")
    ] = 10
    max_header_bytes: Annotated[int, Field(ge=1000, description="Maximum size of the request line and headers.")] = (
        32_768
    )
    stall_seconds: Annotated[
        float,
        Field(
            gt=0,
            description="Seconds a client may stay below the minimum transfer rate while it sends a body (then 408) or "
            "reads a response.",
        ),
    ] = 15
    min_bytes_per_second: Annotated[
        int, Field(ge=1, description="Minimum transfer rate of a client that sends a body or reads a response.")
    ] = 500
    keep_alive_seconds: Annotated[float, Field(gt=0, description="How long an idle connection is kept open.")] = 75
    drain_seconds: Annotated[
        float,
        Field(ge=0, description="How long requests on open connections are accepted after SIGTERM."),
    ] = 1
    graceful_seconds: Annotated[float, Field(ge=0, description="How long requests in work may take after that.")] = 25

    @model_validator(mode="before")
    @classmethod
    def refuse_unknown_variables(cls, values: Any) -> Any:
        """A misspelt variable would be ignored silently."""
        known = {PREFIX + name.upper() for kind in (cls, AccessSettings) for name in kind.model_fields}
        for name in os.environ:
            if name.upper().startswith(PREFIX) and name.upper() not in known:
                nearest = difflib.get_close_matches(name.upper(), known, n=1)
                hint = f"; did you mean {nearest[0]}?" if nearest else ""
                raise ValueError(f"there is no setting {name}{hint}")
        return values
