"""Filters in a browser, 640x480: ways to correlate on one thread, and frames per second of the page's preview.

CPU milliseconds are those of all processes of Chromium. Other work on the machine shows in the milliseconds and frames,
less in the CPU time.

    python -m benchmarks.preview
"""

import argparse
import asyncio
import os
import shutil
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, async_playwright

from benchmarks.traffic import serve

WIDTH, HEIGHT = 640, 480
SIDES = (3, 5, 7, 9)
FLAGS = [
    "--no-sandbox",
    "--no-first-run",
    "--disable-dev-shm-usage",
    "--use-angle=swiftshader",
    "--ignore-gpu-blocklist",
]
"""WebGL2 without a GPU."""


def make_weights(side: int) -> list[list[float]]:
    """Of rank 2, with none that is 0."""
    return [[1 / side**2 + 0.01 * (x - y) for x in range(side)] for y in range(side)]


SETTINGS: dict[str, dict[str, Any]] = {
    **{f"{side}x{side}": {"weights": make_weights(side)} for side in SIDES},
    "gaussian, sigma 3": {"kernel": "gaussian", "sigma": 3},
    "sobel": {"kernel": "sobel"},
}


async def measure_cpu_seconds(browser: Browser) -> float:
    session = await browser.new_browser_cdp_session()
    processes = (await session.send("SystemInfo.getProcessInfo"))["processInfo"]
    await session.detach()
    return sum(process["cpuTime"] for process in processes)


async def measure(rounds: int, seconds: float) -> None:
    chromium = os.environ.get("CONVSERVE_CHROMIUM") or shutil.which("chromium")
    script = Path(__file__).with_name("preview_candidates.js").read_text("utf-8")
    async with serve(workers=1) as server, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = await browser.new_page(base_url=f"http://127.0.0.1:{server.port}", bypass_csp=True)
        await page.goto("/livez")
        await page.add_script_tag(content=script)
        print(f"Chromium {browser.version}\n\nms CPU for a frame, on one thread")
        for side in SIDES:
            times = []
            for name in await page.evaluate(f"prepareCandidates({WIDTH}, {HEIGHT}, {side})"):
                await page.evaluate("name => runCandidate(name, 4)", name)  # compiles it
                before = await measure_cpu_seconds(browser)
                await page.evaluate("([name, rounds]) => runCandidate(name, rounds)", [name, rounds])
                times.append(f"{name} {1000 * (await measure_cpu_seconds(browser) - before) / rounds:.1f}")
            print(f"{side}x{side}: {', '.join(times)}", flush=True)
        print("\nthe page's preview")
        for name, setting in SETTINGS.items():
            operation = {"kernel": "custom"} | setting
            await page.evaluate(f"operation => startPreview({WIDTH}, {HEIGHT}, operation)", operation)
            before = await measure_cpu_seconds(browser)
            result = await page.evaluate(f"measureRate({seconds})")
            cpu_ms = 1000 * (await measure_cpu_seconds(browser) - before) / result["frames"]
            print(f"{name}: {result['rate']:.0f} frames per second, {cpu_ms:.1f} ms CPU for a frame", flush=True)
        await browser.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9, help="frames for each way")
    parser.add_argument("--seconds", type=float, default=4, help="for each rate of the preview")
    arguments = parser.parse_args()
    asyncio.run(measure(arguments.rounds, arguments.seconds))


if __name__ == "__main__":
    main()
