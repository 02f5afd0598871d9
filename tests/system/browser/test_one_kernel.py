"""A chain is turned into the single kernel that it equals."""

import numpy as np
from playwright.sync_api import Page, expect

from tests.support.rooms import open_filter_room, read_result, wait_for_result


def test_a_chain_is_opened_as_the_single_kernel_that_it_equals(page: Page) -> None:
    open_filter_room(page, '#filter?operations=[{"kernel":"blur"},{"kernel":"average"}]')
    chain = read_result(page).astype(int)
    page.get_by_role("button", name="As one kernel").click()
    expect(page.locator("#one-kernel-why")).to_contain_text("5 × 5 weights, of rank 1. Exact inside the margin")
    page.locator("#open-one-kernel").click()
    page.wait_for_function("location.hash.startsWith('#filter/custom')")
    wait_for_result(page)
    expect(page.locator(".weights input")).to_have_count(25)
    assert page.input_value("#set-divisor") == "144"
    expect(page.locator("#one-kernel")).to_be_hidden()
    once = read_result(page).astype(int)
    assert once.shape == chain.shape
    assert np.abs(once - chain)[1:-1, 1:-1].max() <= 1


def test_a_chain_that_is_no_single_kernel_is_said_to_be_none(page: Page) -> None:
    open_filter_room(page, '#filter?operations=[{"kernel":"sobel"},{"kernel":"blur"}]')
    page.get_by_role("button", name="As one kernel").click()
    expect(page.locator("#one-kernel-why")).to_contain_text("takes the magnitude of 2 kernels")
    expect(page.locator("#open-one-kernel")).to_have_count(0)
