"""The lesson beside the tools: progress, presentation, phones, faulty files, and frames of other sites."""

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from app.main import create_app
from app.settings import AccessSettings, Settings
from tests.support.lesson_files import write_lesson
from tests.support.page_actions import list_serious_violations, save_photo, upload, wait_for_result
from tests.system.browser.conftest import TIMEOUT_MS, serve_in_thread
from tests.system.browser.test_whole_page import SHIFTS


def open_lesson(page: Page, name: str, tool: str = "") -> None:
    page.goto(f"/?lesson={name}{tool}")
    expect(page.locator("#lesson-title")).to_be_visible()
    if not tool.startswith("#digits"):
        expect(page).to_have_url(re.compile("#filter"))
        wait_for_result(page)


def check_task(page: Page, number: int) -> str:
    task = page.locator(".task").nth(number - 1)
    task.locator(".check-task").click()
    expect(task.locator(".check-task")).to_be_enabled(timeout=TIMEOUT_MS)
    return task.locator(".feedback").inner_text()


def test_learner_solves_a_lesson_with_the_tools_of_the_page(page: Page) -> None:
    page.goto("/#lessons")
    page.get_by_role("link", name="Averaging").click()
    expect(page).to_have_url(re.compile(r"/\?lesson=averaging#filter/custom\?weights=0,0,0;0,1,0;0,0,0$"))
    wait_for_result(page)
    assert "Your result is too sharp" in check_task(page, 1)
    for row in range(1, 4):
        for column in range(1, 4):
            page.get_by_label(f"row {row}, column {column}").fill("1")
    assert "is brighter by" in check_task(page, 1)
    page.get_by_role("button", name="Normalise").click()
    assert check_task(page, 1) == "✓ Right. Equal to the target, pixel for pixel."
    expect(page.locator(".task").first).to_have_class("task done")
    assert "Choose an answer first" in check_task(page, 2)
    page.locator(".task").nth(1).get_by_label("1", exact=True).check()
    assert "✓ Right." in check_task(page, 2)
    page.reload()
    expect(page.locator(".task.done")).to_have_count(2)
    page.get_by_role("link", name="Lesson 1 of 8").click()
    expect(page.locator("#lesson-list li").first).to_contain_text("2 of 4 tasks done")
    page.locator("#forget-progress").click()
    expect(page.locator("#lesson-list li").first).to_contain_text("4 tasks")
    page.locator("#undo-forgetting").click()
    expect(page.locator("#lesson-list li").first).to_contain_text("2 of 4 tasks done")
    expect(page.locator("#forget-progress")).to_be_focused()
    page.locator("#forget-progress").click()
    page.reload()
    expect(page.locator("#lesson-list li").first).to_contain_text("4 tasks")
    expect(page.locator("#undo-forgetting")).to_be_hidden()


def test_target_is_shown_on_the_image_in_use(page: Page, tmp_path: Path) -> None:
    open_lesson(page, "stride-and-pooling")
    upload(page, save_photo(tmp_path, 90, 60))
    page.locator(".task").first.get_by_role("button", name="Show the target").click()
    target = page.locator(".task").first.locator("canvas")
    expect(target).to_be_visible()
    assert target.evaluate("canvas => [canvas.width, canvas.height]") == [45, 30]
    page.get_by_role("button", name="Hide the target").click()
    expect(target).to_be_hidden()


def test_pixels_of_the_digit_are_changed_by_pointer_and_keyboard(page: Page) -> None:
    open_lesson(page, "fooling-the-network", "#digits")
    count = page.locator("#changed-pixels")
    expect(count).to_contain_text("Changed pixels: 0")
    assert check_task(page, 1) == "✗ Not yet. No pixel has changed yet."
    box = page.locator("#pad").bounding_box()
    assert box
    for x, y in ((11, 5), (12, 5), (10, 5)):
        page.mouse.click(box["x"] + (x + 0.5) * box["width"] / 28, box["y"] + (y + 0.5) * box["height"] / 28)
    expect(count).to_contain_text("Changed pixels: 3")
    page.keyboard.press("ArrowLeft")
    place = page.locator("#pixel-place")
    said = place.inner_text()
    assert said in ("x 9, y 5: ink", "x 9, y 5: no ink")
    page.keyboard.press("Space")
    expect(count).to_contain_text("Changed pixels: 4")
    assert {said, place.inner_text()} == {"x 9, y 5: ink", "x 9, y 5: no ink"}
    expect(page.locator("#pad")).to_have_role("application")
    page.locator("#pad-undo").click()
    expect(count).to_contain_text("Changed pixels: 3")
    assert "You have changed 3 pixels of 10" in check_task(page, 1)
    page.locator("#lesson-start").click()
    expect(count).to_contain_text("Changed pixels: 0")
    page.locator("#lesson-close").click()
    expect(count).to_have_count(0)
    expect(page.locator("#pad")).to_have_role("img")
    page.mouse.move(box["x"] + 50, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + 90, box["y"] + 90)
    page.mouse.up()
    expect(page.locator("#pad-redo")).to_be_disabled()  # the pad draws strokes again


def test_changed_pixels_survive_a_reload(page: Page) -> None:
    open_lesson(page, "fooling-the-network", "#digits")
    count = page.locator("#changed-pixels")
    expect(count).to_contain_text("Changed pixels: 0")
    page.locator("#pad").focus()
    for key in ("Space", "ArrowRight", "Space"):
        page.keyboard.press(key)
    expect(count).to_contain_text("Changed pixels: 2")
    page.reload()
    expect(count).to_contain_text("Changed pixels: 2")
    page.locator("#lesson-close").click()
    page.goto("/#lessons")
    page.locator("#lesson-list a").last.click()
    expect(count).to_contain_text("Changed pixels: 2")
    page.locator("#lesson-start").click()
    expect(count).to_contain_text("Changed pixels: 0")
    page.reload()
    expect(count).to_contain_text("Changed pixels: 0")


def test_a_pixel_that_cannot_be_drawn_does_not_affect_the_next(page: Page) -> None:
    page.goto("/#digits")
    expect(page.locator("#pad")).to_be_visible()
    said = page.evaluate(
        """async () => {
          const { attachPixelPen } = await import("/static/js/lessons/pixel-pen.js");
          const { DrawPad } = await import("/static/js/digits/draw-pad.js");
          const canvas = Object.assign(document.createElement("canvas"), { width: 280, height: 280 });
          const paper = document.createElement("div");
          paper.append(canvas);
          document.body.append(paper);
          const pad = new DrawPad(canvas, [], () => {});
          const detach = attachPixelPen(pad, "test", Array(28).fill(".".repeat(28)).join("\\n"), true);
          const press = (key) => canvas.dispatchEvent(new KeyboardEvent("keydown", { key }));
          const said = [];
          const hear = async (part) => {
            const count = document.querySelector("#changed-pixels");
            while (!count.textContent.includes(part)) await new Promise((resolve) => { setTimeout(resolve, 10); });
            said.push(count.textContent);
          };
          await hear("Changed pixels: 0.");
          const { setImage } = pad;
          pad.setImage = () => Promise.reject(new Error("out of memory"));
          press(" ");
          await hear("memory");
          pad.setImage = setImage;
          press("ArrowRight");
          press(" ");
          await hear("Changed pixels: 1.");
          detach();
          paper.remove();
          return said;
        }"""
    )
    assert said[1] == "The drawing could not be put on the pad: out of memory"
    assert len(said) == 3


def test_focus_stays_where_the_user_is(page: Page) -> None:
    open_lesson(page, "averaging")
    expect(page.locator("#lesson-title")).not_to_be_focused()  # a reader begins at the top of the page
    check = page.locator(".task").first.locator(".check-task")
    check.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".task").first.locator(".feedback")).to_contain_text("Not yet.")
    expect(check).to_be_focused()
    page.get_by_role("button", name="Next").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#lesson-title")).to_have_text("Sharpening")
    expect(page.locator("#lesson-title")).to_be_focused()
    page.locator("#present").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#present")).to_have_text("End presentation")
    expect(page.locator("#present")).to_be_focused()


def test_check_says_which_tool_the_task_needs(page: Page) -> None:
    open_lesson(page, "borders")
    page.get_by_role("link", name="Digits", exact=True).click()
    expect(page.locator("#digits-view")).to_be_visible()
    assert "This task is done in the filters" in check_task(page, 1)
    page.locator("#lesson-start").click()
    wait_for_result(page)
    assert "Inside the image it is right" in check_task(page, 1)


def test_steps_without_a_result_are_explained(page: Page, errors: list[str]) -> None:
    open_lesson(page, "averaging", "#filter/custom?weights=1,x;1,1")
    assert "There is no result" in check_task(page, 1)
    errors.clear()  # the browser logs that the service rejects the weights


def test_presentation_goes_through_the_slides_by_keyboard(page: Page) -> None:
    open_lesson(page, "edges-and-signs")
    page.locator("#present").click()
    expect(page.locator(".top")).to_be_hidden()
    expect(page.locator("#lesson-title")).to_be_visible()
    expect(page.locator("#input-loupe")).to_be_visible()
    size = page.locator("#lesson-title").evaluate("element => parseFloat(getComputedStyle(element).fontSize)")
    assert size >= 30
    page.keyboard.press("ArrowRight")
    expect(page.locator("#lesson-title")).to_be_hidden()
    expect(page.locator(".task:visible")).to_have_count(1)
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#lesson-title")).to_be_visible()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#lesson-title")).to_have_text("Sharpening")
    for _ in range(4):
        page.keyboard.press("PageDown")
    expect(page.locator("#lesson-title")).to_have_text("Edges and signs")
    page.keyboard.press("Escape")
    expect(page.locator(".top")).to_be_visible()
    expect(page.locator(".task:visible")).to_have_count(3)


def test_presentation_has_buttons_for_touch(page: Page) -> None:
    open_lesson(page, "averaging")
    page.locator("#present").click()
    following, previous = (
        page.locator(".lesson-head").get_by_role("button", name=name) for name in ("Next", "Previous")
    )
    expect(previous).to_be_disabled()
    following.click()
    expect(page.locator("#lesson-title")).to_be_hidden()
    expect(page.locator(".task:visible")).to_have_count(1)
    expect(following).to_be_focused()
    previous.click()
    expect(page.locator("#lesson-title")).to_be_visible()
    for _ in range(5):
        following.click()
    expect(page.locator("#lesson-title")).to_have_text("Sharpening")
    expect(previous).to_be_enabled()
    following.focus()
    page.keyboard.press("Escape")
    expect(following).to_be_hidden()
    expect(page.locator("#present")).to_be_focused()


def test_lesson_is_a_sheet_above_the_tool_on_a_phone(page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    open_lesson(page, "averaging")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    sheet, tool = page.locator("#lesson").bounding_box(), page.locator("#filter-view").bounding_box()
    assert sheet
    assert tool
    assert sheet["y"] + sheet["height"] <= tool["y"] + 1
    assert sheet["height"] < 740 / 2
    fold = page.get_by_role("button", name="Fold")
    fold.click()
    expect(page.locator("#lesson-title")).to_be_hidden()
    expect(fold).to_have_attribute("aria-pressed", "true")
    fold.click()
    expect(page.locator("#lesson-title")).to_be_visible()


@pytest.mark.parametrize(
    ("address", "scheme"),
    [("/#lessons", "light"), ("/?lesson=edges-and-signs", "dark"), ("/?lesson=fooling-the-network", "light")],
)
def test_axe_finds_no_serious_violation(page: Page, address: str, scheme: Any) -> None:
    page.emulate_media(color_scheme=scheme)
    page.goto(address)
    if "?lesson" in address:
        expect(page.locator("#lesson-title")).to_be_visible()
        check_task(page, 1)
        page.locator(".task input").first.check()
        check_task(page, 3)
    else:
        expect(page.locator("#lesson-list li")).to_have_count(8)
    assert list_serious_violations(page) == []


@pytest.mark.parametrize("address", ["/#lessons", "/?lesson=averaging"])
def test_nothing_moves_while_a_lesson_loads(browser: Browser, site: str, address: str) -> None:
    with browser.new_page(viewport={"width": 1280, "height": 720}) as page:  # without files in a cache
        page.set_default_timeout(TIMEOUT_MS)
        page.add_init_script(SHIFTS)
        page.goto(site + address)
        if "?" in address:
            expect(page.locator("#lesson-title")).to_be_visible(timeout=TIMEOUT_MS)
            wait_for_result(page)
        else:
            expect(page.locator("#lesson-list li")).to_have_count(8, timeout=TIMEOUT_MS)
        page.wait_for_timeout(300)
        assert page.evaluate("window.shift") < 0.05


def test_back_returns_to_the_lesson_before(page: Page) -> None:
    open_lesson(page, "averaging")
    page.get_by_role("button", name="Next").click()
    expect(page.locator("#lesson-title")).to_have_text("Sharpening")
    wait_for_result(page)
    page.go_back()
    expect(page.locator("#lesson-title")).to_have_text("Averaging")
    expect(page).to_have_url(re.compile(r"lesson=averaging#filter/custom"))
    page.locator("#lesson-close").click()
    expect(page).to_have_url(re.compile(r"/#filter/custom"))


def test_unknown_lesson_is_explained(page: Page, errors: list[str]) -> None:
    page.goto("/?lesson=missing")
    expect(page.locator("#lesson .error")).to_contain_text("There is no lesson 'missing'")
    page.locator("#lesson").get_by_role("button", name="Close").click()
    expect(page.locator("#lesson")).to_be_hidden()
    assert "?" not in page.url.partition("#")[0]
    errors.clear()  # the browser logs the 404


def test_progress_is_optional(browser: Browser, site: str) -> None:
    """A frame of another site may have no storage."""
    with browser.new_page() as page:
        page.set_default_timeout(TIMEOUT_MS)
        page.add_init_script("Object.defineProperty(window, 'localStorage', { get() { throw new Error('blocked'); } })")
        page.goto(f"{site}/?lesson=borders")
        page.locator(".task").nth(2).get_by_label("24 × 24").check()
        assert "✓ Right." in check_task(page, 3)


class CoursePage(BaseHTTPRequestHandler):
    """A page of a learning platform, with a lesson in a frame."""

    address = ""

    def do_GET(self) -> None:
        body = f'<!doctype html><title>Course</title><iframe src="{self.address}/?lesson=averaging"></iframe>'.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def course() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), CoursePage)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.slow
def test_frame_of_an_allowed_origin_shows_the_lesson_and_of_another_does_not(
    browser: Browser, course: str, tmp_path: Path
) -> None:
    write_lesson(tmp_path, "faulty.toml", "min_db", "min_bd")
    write_lesson(tmp_path, "own.toml")
    access = AccessSettings(frame_ancestors=(course,))
    with serve_in_thread(create_app(Settings(workers=1, lessons_folder=tmp_path), access)) as address:
        CoursePage.address = address
        with browser.new_page() as page:
            page.set_default_timeout(TIMEOUT_MS)
            refusals: list[str] = []
            page.on("console", lambda message: refusals.append(message.text) if message.type == "error" else None)
            page.goto(course)
            frame = page.frame_locator("iframe")
            expect(frame.locator("#lesson-title")).to_have_text("Averaging")
            assert refusals == []
            page.goto(course.replace("127.0.0.1", "localhost"))  # another origin
            page.wait_for_timeout(1000)
            expect(frame.locator("#lesson-title")).to_have_count(0)
            assert any("frame-ancestors" in text for text in refusals)
            # The faulty file is on the page, and its neighbour is a lesson.
            page.goto(f"{address}/#lessons")
            expect(page.locator("#lesson-faults")).to_contain_text("faulty.toml:19 tasks[2].min_bd: there is no key")
            expect(page.locator("#lesson-list li")).to_have_count(9)
            page.get_by_role("link", name="What is an edge?").click()
            expect(page.locator("#lesson-title")).to_have_text("Edges")
