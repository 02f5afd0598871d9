"""Combining a chain into one kernel."""

import numpy as np
from playwright.sync_api import Page, expect

from tests.support.page_actions import open_filter_view, read_result, wait_for_result


def test_chain_opens_as_its_composed_kernel(page: Page) -> None:
    open_filter_view(page, '#filter?operations=[{"kernel":"blur"},{"kernel":"average"}]')
    chain = read_result(page).astype(int)
    page.get_by_role("button", name="Combine into one kernel").click()
    expect(page.locator("#composed-kernel-reason")).to_contain_text(
        "5 × 5 weights, rank 1. Exact inside the margin, up to rounding"
    )
    page.locator("#open-composed-kernel").click()
    page.wait_for_function("location.hash.startsWith('#filter/custom')")
    wait_for_result(page)
    expect(page.locator(".weights input")).to_have_count(25)
    assert page.input_value("#set-divisor") == "144"
    expect(page.locator("#compose")).to_be_hidden()
    once = read_result(page).astype(int)
    assert once.shape == chain.shape
    assert np.abs(once - chain)[1:-1, 1:-1].max() <= 1


def test_chain_without_a_composed_kernel_is_explained(page: Page) -> None:
    open_filter_view(page, '#filter?operations=[{"kernel":"sobel"},{"kernel":"blur"}]')
    page.get_by_role("button", name="Combine into one kernel").click()
    expect(page.locator("#composed-kernel-reason")).to_contain_text("takes the magnitude of 2 kernels")
    expect(page.locator("#open-composed-kernel")).to_have_count(0)
