"""A service on a free port, and a Chromium page that must not log errors."""

import os
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from app.main import create_app
from app.settings import Settings

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
    "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
]  # fmt: skip
TIMEOUT_MS = 20_000
RETURNING_VISITOR = "try { localStorage.setItem('convserve-played', '1'); } catch { /* no storage on this page */ }"
"""The animation plays by itself only for a first-time visitor."""
MAX_UPLOAD_BYTES = 3_000_000


@pytest.fixture(scope="package")
def chromium() -> str:
    """Path of the browser: CONVSERVE_CHROMIUM, or the first one on the PATH."""
    found = os.environ.get("CONVSERVE_CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUMS)), None)
    if found is None:
        pytest.skip(f"no browser: none of {', '.join(CHROMIUMS)} is on the PATH (Debian: apt-get install chromium)")
    return found


@contextmanager
def serve_in_thread(app: FastAPI) -> Iterator[str]:
    """Runs a service for the duration of the context and yields its address."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        deadline = time.monotonic() + 120
        while not server.started:
            assert thread.is_alive(), "the service did not start"
            assert time.monotonic() < deadline, "the service took more than two minutes to start"
            time.sleep(0.05)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(10)


@pytest.fixture(scope="package")
def site(chromium: str) -> Iterator[str]:
    """Address of a running service. Its upload limit is 3 MB, so that a test can exceed it quickly."""
    with serve_in_thread(create_app(Settings(max_upload_bytes=MAX_UPLOAD_BYTES, workers=2))) as address:
        yield address


@pytest.fixture(scope="package")
def api(site: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=site, timeout=60) as client:
        yield client


@pytest.fixture(scope="package")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def context(browser: Browser, site: str) -> Iterator[BrowserContext]:
    """Shared by all tests, with one cache."""
    with browser.new_context(viewport={"width": 1200, "height": 900}, base_url=site) as context:
        context.set_default_timeout(TIMEOUT_MS)
        context.add_init_script(RETURNING_VISITOR)
        yield context


@pytest.fixture(scope="module")
def plain_page(context: BrowserContext) -> Page:
    """An address that serves JSON, for scripts of a test that decode images."""
    page = context.new_page()
    page.goto("/livez")
    return page


@pytest.fixture(scope="module")
def modules(context: BrowserContext) -> Iterator[Page]:
    """The page of the service, whose policy allows a test's scripts to import its modules."""
    page = context.new_page()
    page.goto("/#kernels")
    yield page
    page.close()


@pytest.fixture
def errors() -> list[str]:
    """Errors that the page logged. A test that provokes errors clears the list."""
    return []


def collect_errors(page: Page, errors: list[str]) -> None:
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on(
        "console", lambda message: errors.append(f"{message.text} {message.location}") if is_error(message) else None
    )


@pytest.fixture
def page(context: BrowserContext, errors: list[str]) -> Iterator[Page]:
    """A blank page. The test fails if it logs an error or breaks the content security policy."""
    page = context.new_page()
    collect_errors(page, errors)
    yield page
    page.close()
    assert errors == []


@pytest.fixture
def classes_view(browser: Browser, site: str, errors: list[str]) -> Iterator[Page]:
    """The page of a visitor whose browser has kept nothing yet."""
    with browser.new_context(viewport={"width": 1280, "height": 720}, base_url=site) as context:
        context.set_default_timeout(20_000)
        page = context.new_page()
        collect_errors(page, errors)
        page.goto("/#classes")
        expect(page.locator(".class-card")).to_have_count(2)
        yield page
    assert errors == []


def is_error(message: object) -> bool:
    """Optional routes may reply 404. The page handles that, but the browser logs it."""
    text, kind = getattr(message, "text", ""), getattr(message, "type", "")
    place = str(getattr(message, "location", {}))
    expected = "404" in text and "/model/curves" in place
    return kind == "error" and not expected
