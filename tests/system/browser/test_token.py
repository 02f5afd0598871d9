"""The page of a service that requires a token."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect
from pydantic import SecretStr

from app.main import create_app
from app.settings import AccessSettings, Settings
from tests.system.browser.conftest import serve_in_thread

TOKEN = "token-of-the-page-0123456789"


@pytest.fixture
def guarded_site() -> Iterator[str]:
    app = create_app(Settings(workers=1), AccessSettings(tokens=SecretStr(TOKEN)))
    with serve_in_thread(app) as address:
        yield address


@pytest.mark.slow
def test_page_works_after_a_token_is_entered(browser: Browser, guarded_site: str) -> None:
    with browser.new_context(base_url=guarded_site) as context:
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.goto("/#filter/emboss?border=zero")
        expect(page.locator("#token-error")).to_contain_text("requires a token", timeout=20_000)
        page.evaluate("window.isFirst = true")
        page.fill("#token", "wrong-token-0123456789")
        page.click("#token-form button")
        expect(page.locator("#token-error")).to_contain_text("token is invalid", timeout=20_000)
        page.fill("#token", TOKEN)
        page.click("#token-form button")
        expect(page.locator("#status")).to_contain_text("451 × 300 → 451 × 300", timeout=20_000)
        expect(page.locator("#token-form")).to_be_hidden()
        assert page.evaluate("window.isFirst"), "the page is not loaded again: that would lose the user's work"
        assert page.url.endswith("#filter/emboss?border=zero")
        thumbnail = "document.querySelector('[data-sample=house] img').naturalWidth"
        page.wait_for_function(f"{thumbnail} > 0")
        other = context.new_page()  # another tab does not have the token
        other.goto("/")
        expect(other.locator("#token-form")).to_be_visible(timeout=20_000)
