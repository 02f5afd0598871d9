"""The user's work in the filters view: images, settings and their history."""

from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import BrowserContext, Page, expect

from tests.support.page_actions import (
    draw_photo,
    mark_busy,
    open_filter_view,
    read_canvas,
    read_result,
    save_photo,
    set_value,
    upload,
    wait_for_result,
)


def test_own_image_and_steps_survive_tabs_and_links(page: Page, tmp_path: Path) -> None:
    open_filter_view(page, "#filter/edge")
    upload(page, save_photo(tmp_path, 50, 40))
    result = read_result(page)
    page.click("[data-view=digits]")
    expect(page.locator("#digits-view")).to_be_visible()
    page.click("[data-view=filter]")
    wait_for_result(page)
    assert np.array_equal(read_canvas(page, "canvas.before"), np.asarray(draw_photo(50, 40)))
    assert np.array_equal(read_result(page), result)
    page.wait_for_url("**#filter/edge?image=own*")
    mark_busy(page)
    page.evaluate("location.hash = '#filter/mnist-conv1-07'")  # the link of a kernel in the digits view
    wait_for_result(page)
    assert np.array_equal(read_canvas(page, "canvas.before"), np.asarray(draw_photo(50, 40)))
    assert not np.array_equal(read_result(page), result)


def test_settled_change_is_one_entry_of_the_history(page: Page) -> None:
    open_filter_view(page, "#filter/gaussian?sigma=2")
    start = page.evaluate("history.length")
    slider = page.locator("#set-sigma")
    box = slider.bounding_box()
    assert box
    page.mouse.move(box["x"] + 30, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 20, box["y"] + box["height"] / 2, steps=25)
    page.mouse.up()
    page.wait_for_url(lambda url: "sigma=" in url and "sigma=2" not in url)
    assert page.evaluate("history.length") == start + 1
    page.hover("#input-loupe")  # looking around is no change
    page.locator("#input-loupe").click()
    page.wait_for_url("**at=*")
    assert page.evaluate("history.length") == start + 1
    page.go_back()
    wait_for_result(page)
    expect(page.locator(".slider[data-parameter=sigma] .number")).to_have_value("2")


def test_changes_are_undone_and_redone(page: Page) -> None:
    open_filter_view(page, "#filter/blur")
    expect(page.locator("#undo")).to_be_disabled()
    first = read_result(page)
    set_value(page, "#set-border", "wrap")
    page.wait_for_url("**border=wrap*")
    set_value(page, "#set-kernel", "edge")
    page.wait_for_url("**#filter/edge*")
    second = read_result(page)
    for _ in range(2):
        mark_busy(page)
        page.click("#undo")
        wait_for_result(page)
    assert np.array_equal(read_result(page), first)
    assert page.input_value("#set-border") == "edge"
    expect(page.locator("#undo")).to_be_disabled()
    for _ in range(2):
        mark_busy(page)
        page.click("#redo")
        wait_for_result(page)
    assert np.array_equal(read_result(page), second)
    mark_busy(page)
    page.click("#reset")
    page.wait_for_url("**#filter/emboss*")
    wait_for_result(page)
    mark_busy(page)
    page.click("#undo")
    wait_for_result(page)
    assert np.array_equal(read_result(page), second)


def test_undo_returns_to_the_image_before(page: Page, tmp_path: Path) -> None:
    open_filter_view(page, "#filter/identity")
    upload(page, save_photo(tmp_path, 50, 40))
    page.wait_for_url("**image=own*")
    draw_photo(30, 20, seed=9).save(tmp_path / "other.png")
    upload(page, tmp_path / "other.png")
    page.wait_for_url("**image=own-2*")
    mark_busy(page)
    page.click("#undo")
    wait_for_result(page)
    assert np.array_equal(read_result(page), np.asarray(draw_photo(50, 40)))


def test_link_is_copied(context: BrowserContext, page: Page) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_filter_view(page, "#filter/blur")
    page.select_option("#set-border", "wrap")
    page.click("#copy-link")  # before the address has settled
    expect(page.locator("#copy-link")).to_have_text("Link copied")
    assert "border=wrap" in page.evaluate("navigator.clipboard.readText()")


def test_result_of_earlier_steps_is_not_offered_for_download(page: Page) -> None:
    open_filter_view(page, "#filter/blur")
    with page.expect_download() as download:
        page.click("#to-download")
    assert download.value.suggested_filename == "cat-blur.jpg"
    expect(page.locator("#full-link")).to_be_in_viewport()
    set_value(page, "#set-kernel", "edge")
    expect(page.locator("#full-link")).to_have_count(0)
    page.click("#full")
    expect(page.locator("#full-link")).to_be_visible()
    mark_busy(page)
    page.click("[data-sample=coffee]")
    wait_for_result(page)
    expect(page.locator("#full-link")).to_have_count(0)


def test_preview_says_what_it_leaves_out(page: Page, tmp_path: Path) -> None:
    open_filter_view(page, "#filter/identity")
    frames = [draw_photo(20, 20, seed) for seed in (1, 2, 3)]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:], duration=100)
    frames[0].save(tmp_path / "still.gif")
    frames[0].save(tmp_path / "moving.png", save_all=True, append_images=frames[1:], duration=100)
    Image.fromarray(np.arange(400, dtype=np.uint16).reshape(20, 20) * 100).save(tmp_path / "deep.png")
    notes = {
        "moving.gif": "the preview shows the first frame of the animation",
        "moving.png": "the preview shows the first frame of the animation",
        "deep.png": "the preview has 8 bits per channel, the original 16",
    }
    for name, note in notes.items():
        upload(page, tmp_path / name)
        expect(page.locator("#image-note")).to_have_text(f"{name}, 20 × 20: {note}. “Full size” filters the original.")
    upload(page, tmp_path / "still.gif")
    expect(page.locator("#image-note")).to_have_text("still.gif, 20 × 20")


def test_place_to_drop_an_image_is_shown(page: Page) -> None:
    open_filter_view(page)
    dispatch = """type => {
      const data = new DataTransfer();
      data.items.add(new File(["x"], "x.png", { type: "image/png" }));
      document.body.dispatchEvent(new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true }));
    }"""
    expect(page.locator("#drop-target")).to_be_hidden()
    page.evaluate(dispatch, "dragover")
    expect(page.locator("#drop-target")).to_be_visible()
    page.evaluate(dispatch, "dragleave")
    expect(page.locator("#drop-target")).to_be_hidden()


def test_transparency_of_the_result_is_visible(page: Page, tmp_path: Path) -> None:
    Image.new("RGBA", (60, 60), (255, 0, 0, 0)).save(tmp_path / "clear.png")
    open_filter_view(page, "#filter/blur?view=image&zoom=4")
    upload(page, tmp_path / "clear.png")
    page.locator("#split").fill("0")
    shot = page.locator("#compare .after-layer").screenshot()
    from tests.support.page_actions import decode

    colours = np.unique(decode(shot)[150:230, 100:230].reshape(-1, 3), axis=0)
    assert {(187, 187, 187), (238, 238, 238)} <= {tuple(colour) for colour in colours}


def test_too_large_a_sum_is_offered_the_divisor(page: Page) -> None:
    open_filter_view(page, "#filter/custom?weights=1,1,1;1,1,1;1,1,1")
    expect(page.locator("#clipped")).to_contain_text("because the weights sum to 9")
    mark_busy(page)
    page.get_by_role("button", name="Divide by the sum").click()
    wait_for_result(page)
    expect(page.locator("#clipped")).to_be_hidden()
    assert page.input_value("#set-divisor") == "auto"


def test_controls_are_named_in_words(page: Page) -> None:
    open_filter_view(page, "#filter/gaussian")
    chosen = page.locator("#set-kernel option:checked").text_content()
    assert chosen == "Gaussian blur · gaussian"
    page.focus("#set-stride")
    expect(page.locator(".step-hint")).to_contain_text("the kernel moves by so many pixels")
    described = page.locator("#set-stride").get_attribute("aria-describedby") or ""
    hint = page.locator(f"#{described.split()[0]}").text_content()
    assert hint == page.locator(".step-hint").text_content()


def test_first_sample_is_a_photograph(page: Page) -> None:
    open_filter_view(page)
    pixels = read_canvas(page, "canvas.before")
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 20_000  # the drawn house has 5,000
    assert page.locator("[data-sample][aria-pressed=true]").get_attribute("data-sample") == "cat"
