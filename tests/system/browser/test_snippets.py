"""The code under "Copy as" runs and gives the pixels of the API."""

import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page

from tests.support.page_actions import (
    decode,
    follow_link,
    mark_busy,
    open_filter_view,
    read_result,
    save_photo,
    upload,
    wait_for_result,
)

SETTINGS = [
    "#filter/emboss",
    "#filter/blur?border=zero&behaviour=convolve",
    "#filter/gaussian?sigma=1.2&border=symmetric&amount=0.5",
    "#filter/top-sobel?border=reflect&response=offset",
    "#filter/custom?weights=1,2;3,4;5,6&divisor=auto",
    "#filter/sobel?stride=2",
    "#filter/kirsch?channels=gray",
    "#filter/sharpen?border=valid&channels=luma",
    "#filter/laplacian?dilation=2&bias=20&channels=gb&response=abs",
    "#filter/log?response=rescale",
    "#filter/gaussian?size=5&border=zero&channels=r&stride=2",
    "#filter/box?size=7&border=reflect",
    "#filter/median?size=5&channels=gray",
    '#filter?operations=[{"kernel":"blur"},{"kernel":"edge","response":"abs"}]',
    "#filter/gaussian?sigma=1.2&region=5,4,30,20;50%25,50%25,50%25,50%25",
]
MASKED = "#filter/emboss?reads=region&region=5,4,30,20;20,10,30,25"


def copy_as(page: Page, tool: str) -> str:
    page.locator("#copy-title").scroll_into_view_if_needed()
    page.get_by_role("tab", name=tool).click()
    return page.text_content("#snippet") or ""


@pytest.fixture
def photo(page: Page, tmp_path: Path) -> Path:
    path = save_photo(tmp_path, 53, 41)
    open_filter_view(page, "#filter/identity")
    upload(page, path)
    return path


def with_own_image(setting: str) -> str:
    return setting + ("&" if "?" in setting else "?") + "image=own"


def run_python(codes: list[str], folder: Path) -> list[bytes]:
    """Runs the programs and returns their result.png. One process for all: importing takes longer than filtering."""
    for number, code in enumerate(codes):
        (folder / f"{number}.py").write_text(code.replace("result.png", f"result{number}.png"), "utf-8")
    program = "import runpy, sys\nfor path in sys.argv[1:]: runpy.run_path(path)"
    paths = [f"{number}.py" for number in range(len(codes))]
    done = subprocess.run(
        [sys.executable, "-c", program, *paths], cwd=folder, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return [(folder / f"result{number}.png").read_bytes() for number in range(len(codes))]


def test_opencv_and_scipy_give_the_same_pixels(page: Page, photo: Path) -> None:
    expected, codes = [], []
    settings = [*SETTINGS, "#filter/average?border=wrap"]
    for setting in settings:
        follow_link(page, with_own_image(setting))
        expected.append(read_result(page))
        codes.append((copy_as(page, "OpenCV"), copy_as(page, "SciPy")))
    assert codes[-1][0] == ""
    for tool in (0, 1):
        wanted = [index for index, code in enumerate(codes) if code[tool]]
        assert len(wanted) >= len(SETTINGS)
        named = [codes[index][tool] for index in wanted if "gaussian" in settings[index] or "box" in settings[index]]
        assert [code for code in named if "np.array([\n" in code] == []  # no table of weights
        results = run_python([codes[index][tool] for index in wanted], photo.parent)
        for index, result in zip(wanted, results, strict=True):
            difference = np.abs(decode(result).astype(int) - expected[index])
            assert difference.max() <= 1, (settings[index], tool)
            assert (difference == 0).mean() > 0.999, (settings[index], tool)


def test_curl_and_httpx_send_the_request(page: Page, photo: Path) -> None:
    codes = []
    for setting in (SETTINGS[2], SETTINGS[-2], SETTINGS[-1]):
        follow_link(page, with_own_image(setting))
        expected = read_result(page)
        curl = copy_as(page, "curl")
        subprocess.run(["sh", "-c", curl], cwd=photo.parent, check=True, capture_output=True, timeout=30)
        assert np.array_equal(decode((photo.parent / "result.png").read_bytes()), expected)
        codes.append((copy_as(page, "Python"), expected))
    for (_, expected), result in zip(codes, run_python([code for code, _ in codes], photo.parent), strict=True):
        assert np.array_equal(decode(result), expected)


def choose_mask(page: Page, folder: Path) -> Path:
    path = folder / "my mask.png"
    Image.fromarray(np.tile(np.linspace(0, 255, 53).astype(np.uint8), (41, 1))).save(path)
    page.click("#show-image")
    page.click("#regions")
    mark_busy(page)
    page.set_input_files("#mask-file", path)
    wait_for_result(page)
    return path


def test_code_sends_the_mask(page: Page, photo: Path) -> None:
    follow_link(page, with_own_image(MASKED))
    mask = choose_mask(page, photo.parent)
    expected = read_result(page)
    subprocess.run(["sh", "-c", copy_as(page, "curl")], cwd=photo.parent, check=True, capture_output=True, timeout=30)
    assert np.array_equal(decode((photo.parent / "result.png").read_bytes()), expected)
    [result] = run_python([copy_as(page, "Python")], photo.parent)
    assert np.array_equal(decode(result), expected)
    code = copy_as(page, "JavaScript")
    blobs = ", ".join(f"new Blob([new Uint8Array({list(path.read_bytes())})])" for path in (photo, mask))
    header = "(async (file, mask) => {" + code + "return [...new Uint8Array(await image.arrayBuffer())];})"
    assert np.array_equal(decode(bytes(page.evaluate(f"{header}({blobs})"))), expected)


def test_opencv_and_scipy_mix_by_the_mask(page: Page, photo: Path) -> None:
    follow_link(page, with_own_image(MASKED.replace("reads=region&", "")))
    choose_mask(page, photo.parent)
    expected = read_result(page)
    for result in run_python([copy_as(page, "OpenCV"), copy_as(page, "SciPy")], photo.parent):
        assert np.abs(decode(result).astype(int) - expected).max() <= 1
        assert (decode(result) == expected).mean() > 0.999


def test_fetch_sends_the_request(page: Page, photo: Path) -> None:
    follow_link(page, with_own_image(SETTINGS[-2]))
    code = copy_as(page, "JavaScript")
    program = f"""async () => {{
      const file = await (await fetch("/samples/house.png")).blob();
      const text = {code!r};
      return text.includes("fetch(");
    }}"""
    assert page.evaluate(program)
    header = "(async (file) => {" + code + "return [image.type, image.size];})"
    kind, size = page.evaluate(header + "(new Blob([new Uint8Array(" + str(list(photo.read_bytes())) + ")]))")
    assert kind == "image/png"
    assert size > 100


def has_imagemagick() -> bool:
    """Other programs are called `convert`, too."""
    try:
        reply = subprocess.run(["convert", "-version"], capture_output=True, text=True, timeout=30)
    except OSError:
        return False
    return reply.returncode == 0 and "Version: ImageMagick" in reply.stdout


def test_imagemagick_gives_the_same_pixels(page: Page, photo: Path) -> None:
    if not has_imagemagick():
        pytest.skip("no ImageMagick")
    for setting in (SETTINGS[0], SETTINGS[2], SETTINGS[4], "#filter/average?border=wrap"):
        follow_link(page, with_own_image(setting))
        code = copy_as(page, "ImageMagick")
        subprocess.run(["sh", "-c", code], cwd=photo.parent, check=True, capture_output=True, timeout=30)
        import cv2

        deep = cv2.imread(str(photo.parent / "result.png"), cv2.IMREAD_UNCHANGED)
        assert deep is not None
        result = np.rint(deep[:, :, ::-1] / (257 if deep.dtype == np.uint16 else 1))  # 8 bits if that loses nothing
        assert np.abs(result - read_result(page)).max() <= 1, setting


def test_svg_gives_the_same_pixels_in_this_browser(page: Page, photo: Path) -> None:
    for setting in (SETTINGS[0], SETTINGS[2].replace("&border=symmetric", ""), SETTINGS[4]):
        follow_link(page, with_own_image(setting))
        code = copy_as(page, "SVG")
        ET.fromstring(code)
        shown = draw_svg(page, code, photo.read_bytes())
        assert np.abs(shown[3:-3, 3:-3].astype(int) - read_result(page)[3:-3, 3:-3]).max() <= 2, setting


def draw_svg(page: Page, code: str, image: bytes) -> np.ndarray:
    import base64

    uri = "data:image/png;base64," + base64.b64encode(image).decode()
    svg = code.replace('href="photo.png"', f'href="{uri}"')
    url = page.evaluate(
        """async (svg) => {
          const image = new Image();
          image.src = "data:image/svg+xml," + encodeURIComponent(svg);
          await image.decode();
          const canvas = Object.assign(document.createElement("canvas"), { width: image.width, height: image.height });
          canvas.getContext("2d").drawImage(image, 0, 0);
          return canvas.toDataURL();
        }""",
        svg,
    )
    return decode(base64.b64decode(url.split(",")[1]))


UNSUPPORTED = [
    ("#filter/edge?stride=2&response=clip", "ImageMagick", "This tool does not support stride."),
    (
        "#filter/edge",
        "SVG",
        "This tool does not support response=abs: it clips negative values. Choose clip or offset.",
    ),
    ("#filter/sobel", "SVG", "This tool cannot combine several kernels."),
    ("#filter/average?border=wrap", "OpenCV", "cv2.filter2D does not support BORDER_WRAP. Use SciPy."),
    ("#filter/blur?linear=true", "SciPy", "Not available with linear=true"),
    ("#filter/blur?region=0,0,9,9", "ImageMagick", "This code would filter the whole image."),
    ("#filter/blur?region=0,0,9,9&reads=region", "OpenCV", "Not available with reads=region"),
]


def test_unsupported_setting_is_explained(page: Page) -> None:
    open_filter_view(page)
    for setting, tool, note in UNSUPPORTED:
        follow_link(page, setting)
        assert copy_as(page, tool) == ""
        assert note in (page.text_content("#snippet-note") or "")


def test_request_names_this_server(page: Page, site: str, api: httpx.Client) -> None:
    open_filter_view(page, "#filter/motion?angle=30&length=9")
    assert f"'{site}/filter/motion?angle=30&length=9'" in copy_as(page, "curl")
