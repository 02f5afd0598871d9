"""Classes of the user's own on the page: examples, training and results."""

import base64
import json
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, Route, expect

from models.reader.explain import Explainer
from models.reader.reader import DigitReader
from tests.support.class_page import (
    EXAMPLES,
    MOON,
    SHAPES,
    STAR,
    add_and_train,
    add_images,
    draw_example,
    export,
    find_card,
    read_shares,
    save_examples,
    train,
)
from tests.support.command_line import run
from tests.support.page_actions import list_serious_violations


@pytest.mark.slow
def test_drawings_are_learned_and_the_file_works_everywhere(
    classes_view: Page, api: httpx.Client, tmp_path: Path
) -> None:
    """What a visitor does: name, draw, train, try, export. Service and command line give the same answer."""
    generator = np.random.default_rng(3)
    expect(classes_view.locator("#train-classes")).to_be_disabled()
    expect(classes_view.locator("#training-status")).to_contain_text("“star” needs 5 more examples.")
    classes_view.get_by_label("Name of class 2").fill("crescent moon")
    for name, strokes in (("star", STAR), ("crescent moon", MOON)):
        for number in range(EXAMPLES):
            draw_example(classes_view, strokes, generator)
            classes_view.locator(".choose-class", has_text=name).click()
            expect(find_card(classes_view, name).locator("li")).to_have_count(number + 1)
    sizes = classes_view.locator(".class-examples img").evaluate_all("images => images.map((one) => one.naturalWidth)")
    assert sizes == [28] * 2 * EXAMPLES
    train(classes_view)
    for name, strokes in (("star", STAR), ("crescent moon", MOON)):
        classes_view.click("#class-clear")
        draw_example(classes_view, strokes, generator)
        expect(classes_view.locator("#class-result")).to_have_attribute("data-label", name)
        expect(classes_view.locator(".nearest figcaption").first).to_contain_text(name)
    shares = read_shares(classes_view)
    assert sum(shares.values()) == pytest.approx(1, abs=1e-3)

    file = export(classes_view, tmp_path / "classes.json")
    drawing = tmp_path / "drawing.png"
    url = classes_view.locator("#class-pad").evaluate("canvas => canvas.toDataURL()")
    drawing.write_bytes(base64.b64decode(url.split(",")[1]))
    reply = api.post("/classify", files={"file": drawing.read_bytes(), "classes": file.read_bytes()})
    by_service = {one["label"]: one["probability"] for one in reply.json()["classes"]}
    assert by_service == pytest.approx(shares, abs=1e-3)
    done = run("classify", drawing, "--classes", file, "--json")
    assert done.exit_code == 0, done.output
    assert [row["class"] for row in json.loads(done.stdout)] == ["crescent moon"]


@pytest.mark.slow
def test_examples_can_be_removed_and_brought_back(classes_view: Page, tmp_path: Path) -> None:
    add_and_train(classes_view, tmp_path)
    first = find_card(classes_view, "star").locator("img").first.get_attribute("src")
    classes_view.get_by_role("button", name="Remove example 1 of star").click()
    expect(find_card(classes_view, "star").locator("li")).to_have_count(EXAMPLES - 1)
    assert find_card(classes_view, "star").locator("img").first.get_attribute("src") != first
    expect(classes_view.locator("#training-status")).to_contain_text("“star” needs 1 more example.")
    expect(classes_view.locator("#train-classes")).to_be_disabled()
    classes_view.get_by_role("button", name="Remove moon", exact=True).click()
    expect(classes_view.locator(".class-card")).to_have_count(1)
    classes_view.click("#undo-removal")
    expect(find_card(classes_view, "moon").locator("li")).to_have_count(EXAMPLES)
    classes_view.click("#undo-removal")
    assert find_card(classes_view, "star").locator("img").first.get_attribute("src") == first
    expect(classes_view.locator("#undo-removal")).to_be_hidden()
    expect(classes_view.locator("#training-status")).to_contain_text("right")


@pytest.mark.slow
def test_a_mistake_of_the_user_is_marked(classes_view: Page, tmp_path: Path) -> None:
    add_images(
        classes_view, "star", [*save_examples(tmp_path, "star", EXAMPLES), *save_examples(tmp_path, "moon", 1, seed=7)]
    )
    add_images(classes_view, "moon", save_examples(tmp_path, "moon", EXAMPLES + 1))
    train(classes_view)
    wrong = classes_view.locator(".class-examples .wrong")
    mislabelled = find_card(classes_view, "star").locator("li").nth(EXAMPLES)
    expect(mislabelled).to_contain_text("moon?")
    expect(mislabelled).to_have_class("wrong")
    count = 2 * EXAMPLES + 2
    expect(classes_view.locator("#training-status")).to_contain_text(f"{count - wrong.count()} of {count} right")
    for scheme in ("light", "dark"):
        classes_view.emulate_media(color_scheme=scheme)
        assert list_serious_violations(classes_view) == []


def test_images_that_cannot_be_examples_are_named(classes_view: Page, errors: list[str], tmp_path: Path) -> None:
    Image.new("L", (40, 40), 255).save(tmp_path / "blank.png")
    (tmp_path / "text.png").write_text("no image")
    images = [tmp_path / "blank.png", tmp_path / "text.png", *save_examples(tmp_path, "star", 1)]
    find_card(classes_view, "star").locator("input[type=file]").set_input_files(images)
    expect(find_card(classes_view, "star").locator("li")).to_have_count(1)
    expect(classes_view.locator("#class-list-error")).to_contain_text("blank.png: no ink found. text.png: ")
    expect(classes_view.locator("#class-list-note")).to_have_text("1 of 3 images added.")
    errors.clear()  # the browser logs the 415


def test_a_class_takes_twenty_examples(classes_view: Page, tmp_path: Path) -> None:
    find_card(classes_view, "star").locator("input[type=file]").set_input_files(save_examples(tmp_path, "star", 22))
    expect(classes_view.locator("#class-list-note")).to_contain_text("“star” has 20 examples, the limit.")
    expect(find_card(classes_view, "star").locator("li")).to_have_count(20)


def test_a_drawing_that_could_not_be_sent_returns(classes_view: Page, errors: list[str]) -> None:
    draw_example(classes_view, STAR, np.random.default_rng(1))
    expect(classes_view.locator("#class-result .seen")).to_be_visible()
    classes_view.route("**/classify?*", lambda route: route.abort())
    classes_view.locator(".choose-class", has_text="star").click()
    message = classes_view.locator("#class-add-errors .error")
    expect(message).to_contain_text("The service is not responding")
    expect(message.get_by_role("button")).to_have_text("Try again")
    classes_view.unroute_all()
    classes_view.locator(".choose-class", has_text="star").click()
    expect(find_card(classes_view, "star").locator("li")).to_have_count(1)
    expect(message).to_have_count(0)
    errors.clear()


def test_repeat_adds_the_drawing_that_failed(classes_view: Page, errors: list[str]) -> None:
    """The next drawing is on the pad by then, and has been read."""
    generator = np.random.default_rng(2)
    draw_example(classes_view, STAR, generator)
    star = classes_view.locator("#class-result .seen img").get_attribute("src")
    held: list[Route] = []
    classes_view.route("**/classify?*", lambda route: held.append(route), times=1)
    classes_view.locator(".choose-class", has_text="star").click()
    classes_view.wait_for_timeout(200)
    draw_example(classes_view, MOON, generator)
    (request,) = held
    request.abort()
    message = classes_view.locator("#class-add-errors .error")
    expect(message).to_contain_text("The service is not responding")
    draw_example(classes_view, MOON, generator)  # this answer does not end the message
    moon = classes_view.locator("#class-result .seen img").get_attribute("src")
    assert moon != star
    message.get_by_role("button", name="Try again").click()
    expect(find_card(classes_view, "star").locator("img")).to_have_attribute("src", star or "")
    expect(message).to_have_count(0)
    expect(classes_view.locator("#class-result .seen img")).to_have_attribute("src", moon or "")
    errors.clear()  # the browser logs the request


@pytest.mark.parametrize("name", ['a"b', "back\\", "1 [x]"])
def test_any_name_keeps_the_page_working(classes_view: Page, tmp_path: Path, name: str) -> None:
    """The button of an example has the focus while the page is drawn again."""
    classes_view.get_by_label("Name of class 1").fill(name)
    card = classes_view.locator(".class-card").first
    card.locator("input[type=file]").set_input_files(save_examples(tmp_path, "star", 3))
    expect(card.locator("li")).to_have_count(3)
    card.get_by_role("button", name="Remove example").nth(1).click()
    expect(card.locator("li")).to_have_count(2)
    expect(classes_view.locator("#undo-removal")).to_be_visible()
    expect(classes_view.locator(".choose-class").first).to_have_text(f"{name}2")
    expect(card.get_by_role("button", name="Remove example").nth(1)).to_be_focused()


def test_names_and_numbers_of_classes_are_checked(classes_view: Page) -> None:
    status = classes_view.locator("#training-status")
    classes_view.get_by_label("Name of class 2").fill(" star ")
    expect(status).to_contain_text("Two classes are named “star”: rename one.")
    classes_view.get_by_label("Name of class 2").fill("")
    expect(status).to_contain_text("Name every class.")
    expect(status).to_contain_text("“class 2” needs 5 more examples.")
    for _ in range(8):
        classes_view.click("#add-class")
    expect(classes_view.locator("#add-class")).to_be_disabled()
    assert classes_view.locator(".class-card").count() == 10
    expect(classes_view.locator(".class-label").last).to_be_focused()


@pytest.mark.slow
def test_most_active_kernels_are_those_of_the_network(classes_view: Page, tmp_path: Path) -> None:
    explainer = Explainer(DigitReader.load())

    def compute_maps(path: Path) -> Any:
        field = np.asarray(Image.open(path), np.float32) / np.float32(255)
        (maps,) = [one.values for one in explainer.explain(field, 0).stages if one.name == "conv2"]
        return maps

    paths = {name: save_examples(tmp_path, name, 3) for name in SHAPES}
    for name in SHAPES:
        add_images(classes_view, name, paths[name])
    classes_view.set_input_files("#class-file", paths["star"][0])
    classes_view.click("#show-active-kernels")
    expect(classes_view.locator(".kernel-row")).to_have_count(3, timeout=60_000)
    activity = {name: np.mean([compute_maps(path) for path in paths[name]], axis=(0, 1, 2)) for name in SHAPES}
    expected = [
        compute_maps(paths["star"][0]).mean(axis=(0, 1)),
        activity["star"] - activity["moon"],
        activity["moon"] - activity["star"],
    ]
    for row, values in zip(classes_view.locator(".kernel-row").all(), expected, strict=True):
        shown = [int(text) for text in row.locator("figcaption").all_text_contents()]
        assert len(shown) == 6
        best = np.sort(values)[::-1]
        assert values[shown] == pytest.approx(best[:6], abs=5e-3 * float(best[0]))


def test_answer_stays_on_the_screen_of_a_phone(browser: Browser, site: str) -> None:
    phone: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
    with browser.new_context(base_url=site, **phone) as context:
        page = context.new_page()
        page.goto("/#classes")
        expect(page.locator(".class-card")).to_have_count(2)
        page.locator("#class-pad-title").scroll_into_view_if_needed()
        page.evaluate("document.querySelector('#class-pad-title').scrollIntoView()")
        boxes = [page.locator(one).bounding_box() for one in ("#class-pad", "#class-choices", "#class-result .answer")]
        pad, choices, answer = [box for box in boxes if box]
        assert pad["y"] >= 0
        assert choices["y"] + choices["height"] <= answer["y"], "drawing, choices and answer are visible together"
        assert answer["y"] + answer["height"] <= 844


DROP = """([selector, name, data]) => {
  const files = new DataTransfer();
  const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
  files.items.add(new File([bytes], name, { type: "image/png" }));
  const event = new DragEvent("drop", { dataTransfer: files, bubbles: true, cancelable: true });
  document.querySelector(selector).dispatchEvent(event);
}"""


def test_images_are_dropped_on_a_class_or_the_pad(classes_view: Page, tmp_path: Path) -> None:
    (image,) = save_examples(tmp_path, "moon", 1)
    data = base64.b64encode(image.read_bytes()).decode()
    classes_view.evaluate(DROP, [".class-card[aria-label=moon] .class-examples", image.name, data])
    expect(find_card(classes_view, "moon").locator("li")).to_have_count(1)
    expect(classes_view.locator("#class-pad-undo")).to_be_disabled()
    classes_view.evaluate(DROP, ["h1", image.name, data])
    expect(classes_view.locator("#class-pad-undo")).to_be_enabled()
    expect(classes_view.locator(".nearest figcaption")).to_have_text("moon 1.00")
    classes_view.locator(".choose-class", has_text="moon").dblclick()  # the second click finds an empty pad
    expect(find_card(classes_view, "moon").locator("li")).to_have_count(2)
    expect(classes_view.locator("#class-note")).to_have_text("Draw something first.")


def test_a_photo_becomes_an_example(classes_view: Page) -> None:
    classes_view.click("#class-camera")
    classes_view.wait_for_function("() => document.querySelector('dialog video')?.videoWidth > 0")
    classes_view.get_by_role("button", name="Take photo").click()
    expect(classes_view.locator("#class-result .seen")).to_be_visible()
    classes_view.locator(".choose-class", has_text="star").click()
    expect(find_card(classes_view, "star").locator("li")).to_have_count(1)
