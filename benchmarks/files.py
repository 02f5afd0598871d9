"""Send a folder of images to the service, and compare every result with other decoders.

.venv/bin/python -m benchmarks.files FOLDER [--sample 500 --seed 1] [--url http://127.0.0.1:8000] [--no-chromium]

Each file is sent to `/filter/identity?format=png&frames=first`. The pixels of the result are compared with those that
imagecodecs or tifffile read, and Chromium displays the file and the result, with their orientation and colour. A file
that agrees with one of them is right. Without `--url`, a service with one worker is started.
"""

import argparse
import asyncio
import base64
import io
import random
import shutil
import sys
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray
from playwright.async_api import Page, async_playwright

from app.images.formats import READABLE_EXTENSIONS, Format, recognize_format
from benchmarks.service import Service, run_service
from tests.support.chromium import DRAW

Pixels = NDArray[Any]

DECODERS = {
    "png": imagecodecs.png_decode, "jpeg": imagecodecs.jpeg8_decode, "webp": imagecodecs.webp_decode,
    "gif": imagecodecs.gif_decode, "avif": imagecodecs.avif_decode, "bmp": imagecodecs.bmp_decode,
}  # fmt: skip
DISPLAYED = ("png", "jpeg", "webp", "gif", "avif", "bmp")
"""Formats of Chromium."""
MAX_MEAN_DIFFERENCE = 1.0
MAX_DIFFERENCE = 40
"""Of 255 levels. Decoders interpolate the chroma of lossy files in different ways."""
MAX_COMPARED_PIXELS = 12_000_000
SLOWEST = 10
EXAMPLES = 5


@dataclass
class Findings:
    """What was counted over all files."""

    statuses: Counter[int] = field(default_factory=Counter)
    compared: Counter[str] = field(default_factory=Counter)
    mismatches: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    errors: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    seconds: list[tuple[float, str]] = field(default_factory=list)

    def print(self, memory: str) -> None:
        print("Statuses: " + ", ".join(f"{status}: {count}" for status, count in sorted(self.statuses.items())))
        print("Right after: " + (", ".join(f"{name} {count}" for name, count in self.compared.most_common()) or "none"))
        for title, kinds in (("Mismatches", self.mismatches), ("Errors", self.errors)):
            print(f"{title}: {sum(map(len, kinds.values()))}")
            for kind, names in sorted(kinds.items(), key=lambda item: -len(item[1])):
                print(f"  {len(names):5}  {kind}: {', '.join(names[:EXAMPLES])}")
        print("Slowest files:")
        for seconds, name in sorted(self.seconds, reverse=True)[:SLOWEST]:
            print(f"  {seconds:7.2f} s  {name}")
        print(f"Peak memory: {memory}")


def find_files(folder: Path, sample: int | None, seed: int) -> list[Path]:
    """The image files below the folder, or a random sample of them, in the order of their names."""
    files = sorted(
        path for path in folder.rglob("*") if path.suffix.lower().lstrip(".") in READABLE_EXTENSIONS and path.is_file()
    )
    if sample is not None and sample < len(files):
        files = sorted(random.Random(seed).sample(files, sample))
    return files


def decode_independently(data: bytes, format: Format) -> Pixels | None:
    """The first frame as imagecodecs or tifffile reads it, without orientation and colour; None if they cannot."""
    try:
        if format.name == "tiff":
            page = np.asarray(tifffile.imread(io.BytesIO(data), key=0))
            return np.moveaxis(page, 0, -1) if page.ndim == 3 and page.shape[0] <= 4 < page.shape[2] else page
        decode = DECODERS.get(format.name)
        pixels = None if decode is None else np.asarray(decode(data))
    except Exception:  # each decoder has errors of its own
        return None
    if pixels is not None and format.name in ("gif", "avif") and pixels.ndim == 4:
        pixels = pixels[0]
    return pixels


def convert_to_rgba(pixels: Pixels) -> Pixels:
    """(height, width, 4) float64 in 0..255, premultiplied by alpha, from grey or RGB with or without alpha."""
    if pixels.ndim == 2:
        pixels = pixels[:, :, None]
    scale = 255.0 / np.iinfo(pixels.dtype).max if pixels.dtype.kind == "u" else 255.0
    values = pixels.astype(np.float64) * scale
    alpha = values[:, :, -1:] if values.shape[2] % 2 == 0 else np.full_like(values[:, :, :1], 255.0)
    colours = values[:, :, : values.shape[2] - (values.shape[2] % 2 == 0)]
    return np.concatenate([np.broadcast_to(colours, (*colours.shape[:2], 3)) * alpha / 255, alpha], axis=2)


def describe_difference(result: Pixels, reference: Pixels) -> str:
    """Empty for equal images."""
    first, second = convert_to_rgba(result), convert_to_rgba(reference)
    if first.shape != second.shape:
        return f"size {first.shape[1]}x{first.shape[0]} instead of {second.shape[1]}x{second.shape[0]}"
    differences = np.abs(first - second)
    if differences.mean() <= MAX_MEAN_DIFFERENCE and differences.max() <= MAX_DIFFERENCE:
        return ""
    return "pixels differ"


async def display(page: Page, data: bytes, media_type: str) -> Pixels | None:
    """What Chromium shows, (height, width, 4) uint8; None if it rejects the file."""
    drawn = await page.evaluate(DRAW, [base64.b64encode(data).decode(), media_type])
    if drawn is None:
        return None
    width, height, pixels = drawn
    return np.frombuffer(base64.b64decode(pixels), np.uint8).reshape(height, width, 4)


async def compare(data: bytes, png: bytes, format: Format, page: Page | None) -> tuple[str, str]:
    """The reference that the result agrees with, or `` and the kinds of difference from each."""
    result = np.asarray(imagecodecs.png_decode(png))
    if result.shape[0] * result.shape[1] > MAX_COMPARED_PIXELS:
        return "(too large to compare)", ""
    differences = []
    reference = decode_independently(data, format)
    if reference is not None and reference.ndim <= 3 and reference.dtype.kind == "u":
        differences.append(("imagecodecs", describe_difference(result, reference)))
    if page is not None and format.name in DISPLAYED and (not differences or differences[0][1]):
        shown, expected = await display(page, png, "image/png"), await display(page, data, format.media_type)
        rejected = "rejected by it" if expected is None else ""
        both = shown is not None and expected is not None
        differences.append(("Chromium", describe_difference(shown, expected) if both else rejected))  # type: ignore[arg-type]
    if not differences:
        return "(no other decoder)", ""
    agreeing = next((name for name, difference in differences if not difference), "")
    return agreeing, "; ".join(f"{name}: {difference}" for name, difference in differences)


async def check_file(path: Path, client: httpx.AsyncClient, page: Page | None, findings: Findings) -> None:
    data = path.read_bytes()
    format = recognize_format(data)
    kind = format.name if format else "unknown"
    started = time.perf_counter()
    reply = await client.post(
        "/filter/identity?format=png&frames=first", content=data, headers={"Content-Type": "application/octet-stream"}
    )
    findings.seconds.append((time.perf_counter() - started, path.name))
    findings.statuses[reply.status_code] += 1
    if reply.status_code != 200 or format is None:
        findings.errors[f"{reply.status_code} {kind}: {reply.json()['detail'][:70]}"].append(path.name)
        return
    agreeing, differences = await compare(data, reply.content, format, page)
    if agreeing:
        findings.compared[agreeing] += 1
    else:
        findings.mismatches[f"{kind}, {differences}"].append(path.name)


def measure_peak_memory(service: Service | None) -> str:
    """The largest resident memory of each process of a service that this program started."""
    if service is None:
        return "not known for a service that runs elsewhere"
    peaks = []
    for pid in (service.process.pid, *service.list_workers()):
        status = Path(f"/proc/{pid}/status").read_text()
        peaks.append(int(status.split("VmHWM:")[1].split()[0]) / 1024)
    return ", ".join(f"{peak:.0f} MB" for peak in peaks) + " (HTTP process, then workers)"


@asynccontextmanager
async def open_page(is_wanted: bool) -> AsyncIterator[Page | None]:
    """A blank page of Chromium; None if it is not wanted or not installed."""
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if not is_wanted or path is None:
        yield None
        return
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield await browser.new_page()
        await browser.close()


async def check_files(options: argparse.Namespace) -> Findings:
    files = find_files(options.folder, options.sample, options.seed)
    print(f"{len(files)} files of {options.folder}, seed {options.seed}")
    findings = Findings()
    async with AsyncExitStack() as stack:
        service = None if options.url else await stack.enter_async_context(run_service(workers=1))
        address = options.url or f"http://127.0.0.1:{service.port}"  # type: ignore[union-attr]
        page = await stack.enter_async_context(open_page(not options.no_chromium))
        client = await stack.enter_async_context(httpx.AsyncClient(base_url=address, timeout=60))
        for path in files:
            await check_file(path, client, page, findings)
        findings.print(measure_peak_memory(service))
    return findings


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sample", type=int, help="number of files; all by default")
    parser.add_argument("--seed", type=int, default=1, help="of the sample")
    parser.add_argument("--url", help="address of a running service")
    parser.add_argument("--no-chromium", action="store_true")
    findings = asyncio.run(check_files(parser.parse_args(arguments)))
    return int(bool(findings.mismatches) or any(status >= 500 for status in findings.statuses))


if __name__ == "__main__":
    sys.exit(main())
