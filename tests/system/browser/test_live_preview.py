"""The filters view while settings change, and with a camera or a video; the digits view with a camera."""

import io
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, Route, expect

from tests.support.page_actions import (
    decode,
    draw_photo,
    filter_by_api,
    open_filter_view,
    read_canvas,
    read_result,
    set_value,
    upload,
    wait_for_result,
)
from tests.support.video_files import write_y4m
from tests.system.browser.conftest import FLAGS, TIMEOUT_MS

DRAG_SECONDS = 3
MIN_REPAINTS = 30
WIDTH, HEIGHT = 640, 480

COUNT_PAINTS = """() => {
  window.paints = window.inputs = 0;
  addEventListener("input", () => { window.inputs++; }, true);
  const { putImageData } = CanvasRenderingContext2D.prototype;
  CanvasRenderingContext2D.prototype.putImageData = function (...values) {
    if (this.canvas.classList.contains("after")) window.paints++;
    return putImageData.apply(this, values);
  };
}"""


@pytest.fixture(scope="module")
def camera_browser(browser: Browser, chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser whose camera shows a dark digit 1 on a bright page, with a bar that moves."""
    path = tmp_path_factory.mktemp("camera") / "camera.y4m"
    frames = []
    for number in range(30):
        frame = np.full((HEIGHT, WIDTH), 225, np.uint8)
        frame[120:360, 300:330] = 20
        frame[:, 10 * (number % 5) : 10 * (number % 5) + 4] = 180
        frames.append(frame)
    write_y4m(path, frames)
    flags = [*FLAGS, f"--use-file-for-fake-video-capture={path}"]
    with browser.browser_type.launch(executable_path=chromium, args=flags) as launched:
        yield launched


@pytest.fixture
def camera_page(camera_browser: Browser, site: str) -> Iterator[Page]:
    with camera_browser.new_context(viewport={"width": 1200, "height": 900}, base_url=site) as context:
        context.set_default_timeout(TIMEOUT_MS)
        yield context.new_page()


@pytest.mark.slow
def test_image_is_repainted_while_a_slider_is_dragged(page: Page, api: httpx.Client, tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    draw_photo(512, 512).save(photo)
    open_filter_view(page, "#filter/gaussian?sigma=1")
    upload(page, photo)
    page.evaluate(COUNT_PAINTS)
    box = page.locator("#set-sigma").bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 0.2, box["y"] + box["height"] / 2)
    page.mouse.down()
    began = time.monotonic()
    while (share := (time.monotonic() - began) / DRAG_SECONDS) < 1:
        page.mouse.move(box["x"] + box["width"] * (0.05 + 0.9 * share), box["y"] + box["height"] / 2)
        page.wait_for_timeout(15)
    repaints, inputs = page.evaluate("[window.paints, window.inputs]")
    page.mouse.up()
    assert inputs >= 5
    # A browser that shares its cores with other work receives fewer events of the mouse.
    assert repaints >= min(MIN_REPAINTS, 0.6 * inputs)
    wait_for_result(page)
    expect(page.locator("#live-status")).to_have_text("✓ Browser and service agree: 0 of 262,144 pixels differ.")
    sigma = page.input_value("#set-sigma")
    expected = filter_by_api(api, photo.read_bytes(), "/filter/gaussian", sigma=sigma)
    assert np.array_equal(read_result(page), expected)


def test_browser_shows_its_result_before_the_service_answers(page: Page) -> None:
    open_filter_view(page, "#filter/identity")
    page.route("**/filter/**", lambda route: None)  # the service does not answer
    before = read_result(page)
    page.click("#step summary")
    page.fill("#set-bias", "40")
    page.wait_for_function(
        """expected => {
          const canvas = document.querySelector("canvas.after");
          return canvas.getContext("2d").getImageData(3, 3, 1, 1).data[0] === expected;
        }""",
        arg=int(min(255, before[3, 3, 0].astype(int) + 40)),
    )
    assert np.array_equal(read_result(page), np.minimum(before.astype(int) + 40, 255))


def test_agreement_about_a_transparent_image_is_found(page: Page, tmp_path: Path) -> None:
    """A canvas would change the colours of its pixels."""
    pixels = np.random.default_rng(4).integers(0, 256, (40, 50, 4), np.uint8)
    photo = tmp_path / "logo.png"
    Image.fromarray(pixels).save(photo)
    open_filter_view(page, "#filter/gaussian?sigma=1")
    upload(page, photo)
    set_value(page, "#set-border", "reflect")
    expect(page.locator("#live-status")).to_have_text("✓ Browser and service agree: 0 of 2,000 pixels differ.")


def test_pixel_that_differs_is_named(page: Page) -> None:
    def change_one_value(route: Route) -> None:
        reply = route.fetch()
        pixels = decode(reply.body()).copy()
        pixels[5, 7, 1] ^= 1
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "PNG")
        route.fulfill(response=reply, body=file.getvalue())

    open_filter_view(page, "#filter/blur")
    page.route("**/filter/blur*", change_one_value)
    set_value(page, "#set-border", "reflect")
    status = page.locator("#live-status")
    expect(status).to_contain_text("Browser and service differ: 1 of ")
    expect(status).to_contain_text("the first at 7, 5 (green: ")
    page.unroute("**/filter/blur*")


def test_browser_without_webassembly_leaves_filters_to_the_service(page: Page, errors: list[str]) -> None:
    def forbid(route: Route) -> None:
        reply = route.fetch()
        policy = {"content-security-policy": "default-src 'none'; script-src 'self'"}
        route.fulfill(response=reply, headers=reply.headers | policy)

    page.route("**/band-worker.js", forbid)
    open_filter_view(page, "#filter/blur")
    for border in ("reflect", "wrap"):  # the first is found when the worker answers, the second is known before
        set_value(page, "#set-border", border)
        expect(page.locator("#live-status")).to_contain_text("Computed by the service. This browser does not run")
    page.unroute("**/band-worker.js")
    errors.clear()  # the browser logs what the policy blocks


def test_what_the_service_alone_computes_is_said(page: Page) -> None:
    open_filter_view(page, "#filter/blur?linear=true")
    set_value(page, "#set-border", "wrap")
    expect(page.locator("#live-status")).to_contain_text("Computed by the service.")


@pytest.mark.slow
def test_regions_of_frames_are_filtered_and_kept_when_one_is_frozen(camera_page: Page) -> None:
    page = camera_page
    open_filter_view(page, "#filter/edge?response=offset&region=300,100,320,300")  # beyond the sample
    page.click("#live-camera")
    expect(page.locator("#live-status")).to_contain_text("computed in this browser")
    expect(page.locator("#filter-error")).to_be_empty()
    page.click("#freeze")
    expect(page.locator("#live-status")).to_have_text("✓ Browser and service agree: 0 of 307,200 pixels differ.")
    before, after = read_canvas(page, "canvas.before"), read_canvas(page, "canvas.after")
    outside = np.ones((HEIGHT, WIDTH), bool)
    outside[100:400, 300:620] = False
    assert np.array_equal(before[outside], after[outside])
    assert (before[~outside] != after[~outside]).any(axis=1).mean() > 0.9
    assert "region=300,100,320,300" in page.url


@pytest.mark.slow
def test_camera_is_filtered_live_and_a_frozen_frame_compared(camera_page: Page) -> None:
    page = camera_page
    open_filter_view(page, "#filter/edge?response=offset")
    page.click("#live-camera")
    expect(page.locator("#live-status")).to_contain_text("computed in this browser")
    expect(page.locator("#live-status")).to_contain_text("640 × 480")
    frame = read_canvas(page, "canvas.before").astype(int)
    assert frame.shape == (HEIGHT, WIDTH, 3)
    assert frame[240, 315].max() < 60
    assert frame[50, 500].min() > 190
    page.click("#freeze")
    expect(page.locator("#live-status")).to_have_text("✓ Browser and service agree: 0 of 307,200 pixels differ.")
    expect(page.locator("#image-note")).to_contain_text("frame.png")
    assert page.locator("#freeze").is_hidden()
    result = read_result(page).astype(int)
    assert result[240, 315].max() == 128
    assert abs(result[240, 300] - 128).max() > 20


@pytest.mark.slow
def test_camera_is_filtered_by_the_service_where_the_browser_cannot(camera_page: Page) -> None:
    open_filter_view(camera_page, "#filter/blur?linear=true")
    camera_page.click("#live-camera")
    expect(camera_page.locator("#live-status")).to_contain_text("computed by the service", timeout=20_000)
    camera_page.click("#live-stop")
    wait_for_result(camera_page)
    expect(camera_page.locator("#image-note")).to_contain_text("cat.jpg")


def test_video_file_is_a_source(page: Page) -> None:
    open_filter_view(page, "#filter/identity")
    page.evaluate("""async () => {
      const canvas = Object.assign(document.createElement("canvas"), { width: 320, height: 240 });
      const context = canvas.getContext("2d");
      const recorder = new MediaRecorder(canvas.captureStream(30), { mimeType: "video/webm" });
      const parts = [];
      recorder.ondataavailable = ({ data }) => parts.push(data);
      recorder.start();
      for (let frame = 0; frame < 20; frame++) {
        context.fillStyle = frame % 2 ? "#c00000" : "#b00000";
        context.fillRect(0, 0, 320, 240);
        await new Promise((resolve) => setTimeout(resolve, 40));
      }
      recorder.stop();
      await new Promise((resolve) => { recorder.onstop = resolve; });
      const files = new DataTransfer();
      files.items.add(new File(parts, "film.webm", { type: "video/webm" }));
      const input = document.querySelector("#video-file");
      input.files = files.files;
      input.dispatchEvent(new Event("change"));
    }""")
    expect(page.locator("#live-status")).to_contain_text("Live, 320 × 240")
    red, green, blue = read_result(page)[120, 160].astype(int)
    assert red > 140
    assert max(green, blue) < 40
    page.click("#live-stop")
    wait_for_result(page)


def test_file_that_is_no_video_is_explained(page: Page, errors: list[str], tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(b"not a video")
    open_filter_view(page)
    page.set_input_files("#video-file", path)
    expect(page.locator("#live-status")).to_contain_text("cannot play the video")
    errors.clear()


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("NotAllowedError", "Camera access is blocked. Allow it in the browser's settings."),
        ("NotFoundError", "No camera found."),
        ("NotReadableError", "The camera is in use by another program."),
    ],
)
def test_camera_that_does_not_open_is_explained(page: Page, name: str, sentence: str) -> None:
    page.add_init_script(
        f"navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('refused', '{name}'))"
    )
    open_filter_view(page)
    page.click("#live-camera")
    expect(page.locator("#live-status")).to_contain_text(sentence)
    page.goto("/#digits")
    page.click("#digit-live")
    expect(page.locator("#pad-error")).to_contain_text(sentence)


@pytest.mark.slow
def test_digit_before_the_camera_is_read_twice_a_second(camera_page: Page) -> None:
    page = camera_page
    page.goto("/#digits")
    times: list[float] = []
    page.on("request", lambda request: times.append(time.monotonic()) if request.url.endswith("preview=true") else None)
    page.click("#digit-live")
    expect(page.locator("#digit-live")).to_have_text("Stop the camera")
    expect(page.locator("#digit-result")).to_contain_text("1")
    times.clear()
    page.wait_for_timeout(4000)
    assert 3 <= len(times) <= 9
    page.click("#digit-live")
    page.wait_for_timeout(1000)
    times.clear()
    page.wait_for_timeout(1000)
    assert times == []
