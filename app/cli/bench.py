"""`convserve bench`: how many images a running service processes per second, and how long a client waits."""

import json
import threading
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.errors import fail
from app.cli.health import find_address
from app.cli.options import JsonOption

if TYPE_CHECKING:
    import httpx

SIZES = ((256, 256), (1024, 768), (4000, 3000))
"""Width and height of the images to filter: a thumbnail, a screen, and the photo of a phone."""
KERNEL = "sharpen"
DIGIT_SIDE_PX, DIGIT_PEN_PX = 176, 9
TIMEOUT_SECONDS = 60


@dataclass(frozen=True)
class Workload:
    """One request, which is sent over and over."""

    name: str
    path: str
    content: bytes
    media_type: str


@dataclass(frozen=True)
class Measurement:
    workload: str
    images: int
    rejected: int
    """Responses of 429 and 503."""
    images_per_second: float
    p50_ms: float
    p99_ms: float


def measure_service(
    url: Annotated[
        str | None, typer.Argument(help="Address of the service.", show_default="CONVSERVE_HOST and CONVSERVE_PORT")
    ] = None,
    seconds: Annotated[float, typer.Option(min=0.1, max=600, help="Duration of each of the four workloads.")] = 12,
    connections: Annotated[
        int | None, typer.Option(min=1, max=256, help="Clients at a time.", show_default="two for each worker")
    ] = None,
    token: Annotated[str | None, typer.Option(envvar="BEARER_TOKEN", help="Bearer token.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure a running service: images per second, and the time that clients wait, for three sizes and a digit.

    Each client sends its next image when it has the result of the last one. Do not measure a service that others use.
    """
    import httpx

    address = find_address(url)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with httpx.Client(base_url=address, headers=headers, timeout=TIMEOUT_SECONDS) as client:
        try:
            reply = client.get("/readyz")
            reply.raise_for_status()
            clients = connections or 2 * reply.json()["workers"]
            measured = [measure(client, workload, clients, seconds) for workload in make_workloads()]
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError) as error:
            fail(f"The service at {address} cannot be measured: {error}", status=1)
    if as_json:
        typer.echo(json.dumps({"clients": clients, "workloads": [asdict(one) for one in measured]}, indent=2))
        return
    typer.echo(f"{clients} clients, {seconds:g} s each\n\n{'':24}  images/s   p50 ms   p99 ms")
    for one in measured:
        rejected = f"  ({one.rejected} rejected)" if one.rejected else ""
        typer.echo(f"{one.workload:24}{one.images_per_second:10.1f}{one.p50_ms:9.1f}{one.p99_ms:9.1f}{rejected}")


def make_workloads() -> list[Workload]:
    """Three JPEGs to filter, and a digit."""
    import numpy as np

    from app.images.png import encode_png
    from models.training.glyphs import DIGIT_GLYPHS
    from models.training.synthetic_digits import draw_strokes, parse_glyph

    filters = [
        Workload(f"{KERNEL} {width}x{height} JPEG", f"/filter/{KERNEL}", draw_scene(width, height), "image/jpeg")
        for width, height in SIZES
    ]
    ink = draw_strokes(parse_glyph(DIGIT_GLYPHS[7][0]), DIGIT_PEN_PX, DIGIT_SIDE_PX)
    digit = np.rint(255 * (1 - ink)).astype(np.uint8)[:, :, None]
    return [*filters, Workload("classify a digit", "/classify", encode_png(digit, None), "image/png")]


def draw_scene(width: int, height: int) -> bytes:
    """A JPEG with the power spectrum of a photograph: noise of halving scale and amplitude (about 1/f)."""
    import cv2
    import numpy as np

    generator = np.random.default_rng(width)
    scene = np.full((height, width, 3), 128, np.float32)
    cells, amplitude = 4, 60.0
    while cells < min(width, height):
        noise = generator.normal(0, amplitude, (cells, cells, 3)).astype(np.float32)
        scene += cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)
        cells, amplitude = 2 * cells, amplitude / 2
    _, encoded = cv2.imencode(".jpg", scene.clip(0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 85])
    return encoded.tobytes()


def measure(client: "httpx.Client", workload: Workload, clients: int, seconds: float) -> Measurement:
    """Send the request from `clients` threads for `seconds`. Raises httpx.HTTPError if it fails."""
    send(client, workload)  # the first request warms caches up, and fails if the service does not accept it
    waits: list[float] = []
    statuses: list[int] = []
    errors: list[Exception] = []
    started = time.perf_counter()

    def repeat() -> None:
        try:
            while time.perf_counter() - started < seconds and not errors:
                begun = time.perf_counter()
                statuses.append(send(client, workload))
                waits.append(time.perf_counter() - begun)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=repeat) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    elapsed = time.perf_counter() - started
    answered = sorted(wait for wait, status in zip(waits, statuses, strict=True) if status == 200)
    if not answered:
        raise ValueError(f"it rejected all {len(statuses)} requests of '{workload.name}'")
    return Measurement(
        workload.name,
        len(answered),
        len(statuses) - len(answered),
        len(answered) / elapsed,
        1000 * answered[len(answered) // 2],
        1000 * answered[min(int(0.99 * len(answered)), len(answered) - 1)],
    )


def send(client: "httpx.Client", workload: Workload) -> int:
    """The status: 200, or 429 or 503 after the pause that the service asks for. Raises httpx.HTTPError for others."""
    reply = client.post(workload.path, content=workload.content, headers={"Content-Type": workload.media_type})
    if reply.status_code in (429, 503):
        time.sleep(min(float(reply.headers.get("retry-after", 1)), 5))
        return reply.status_code
    reply.raise_for_status()
    return reply.status_code
