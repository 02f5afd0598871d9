"""What an operator can set: environment variables with the prefix CONVSERVE_."""

import os
from pathlib import Path
from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Limits and places; the units are in the names."""

    model_config = SettingsConfigDict(env_prefix="CONVSERVE_", frozen=True, extra="forbid")

    host: Annotated[str, Field(description="Address to listen on.")] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535, description="Port to listen on.")] = 8000
    kernels_file: Annotated[Path | None, Field(description="TOML file of kernels of one's own.")] = None
    max_upload_bytes: Annotated[int, Field(ge=1, description="Largest request body.")] = 50_000_000
    max_pixels: Annotated[int, Field(ge=1, description="Largest picture: width × height × frames.")] = 50_000_000
    max_multiply_adds: Annotated[
        int, Field(ge=1, description="Most multiplications that one request may cost (weights × results).")
    ] = 200_000_000_000
    max_gallery_kernels: Annotated[int, Field(ge=1, description="Most pictures on one contact sheet.")] = 100
    max_digit_files: Annotated[int, Field(ge=1, description="Most pictures in one request to /classify.")] = 50
    model_folder: Annotated[Path | None, Field(description="Digit model to use instead of the bundled one.")] = None
    worker_threads: Annotated[
        int, Field(ge=1, le=64, description="Pictures in work at once. Default: the number of cores.")
    ] = Field(default_factory=lambda: os.cpu_count() or 1)
