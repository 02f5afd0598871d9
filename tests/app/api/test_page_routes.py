"""The files of the page, and the images that it requests."""

import base64
import io
import re
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from app.api import page_files
from app.api.page_files import STATIC
from app.tasks.samples import SAMPLES

SCRIPTS = STATIC / "js"


def read(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


@pytest.mark.parametrize("name", SAMPLES)
def test_samples_are_different_images(client: TestClient, name: str) -> None:
    reply = client.get(f"/samples/{name}.png")
    assert reply.status_code == 200
    assert reply.headers["content-type"] == "image/png"
    assert read(reply.content).size == (768, 576)
    assert client.get(f"/samples/{name}.png", headers={"If-None-Match": reply.headers["etag"]}).status_code == 304
    assert reply.content != client.get("/samples/house.png" if name != "house" else "/samples/chart.png").content


def test_default_sample_is_the_house(client: TestClient) -> None:
    assert client.get("/sample.png").content == client.get("/samples/house.png").content


def test_unknown_sample_is_rejected(client: TestClient) -> None:
    reply = client.get("/samples/cat.png")
    assert reply.status_code == 422
    assert "'house', 'chart' or 'digits'" in reply.json()["detail"]


def test_chart_has_finest_stripes_and_impulses() -> None:
    chart = SAMPLES["chart"]()
    stripes = chart[:96, 384:].astype(int)
    assert set(np.unique(stripes)) == {0, 255}
    assert (np.abs(np.diff(stripes[:, :32], axis=1)) == 255).all()  # one pixel wide
    assert chart[288:384, 384:].max() == 255  # the impulses
    assert (chart[288:384, 384:] == 255).all(axis=2).sum() == 12


def test_sample_page_of_digits_is_read(client: TestClient) -> None:
    image = client.get("/samples/digits.png").content
    reply = client.post("/read", files={"file": ("digits.png", image, "image/png")})
    assert reply.json()["lines"] == ["31415", "92653", "58979"]


def test_gallery_as_json_has_the_tiles_of_the_sheet(client: TestClient) -> None:
    image = client.get("/samples/house.png").content
    reply = client.post(
        "/gallery", params={"format": "json", "kernels": "edge,blur", "side": 64}, files={"file": ("a.png", image)}
    )
    assert reply.status_code == 200
    assert reply.headers["cache-control"] == "no-store"
    images = reply.json()["images"]
    assert [tile["kernel"] for tile in images] == ["input", "edge", "blur"]
    tiles = [read(base64.b64decode(tile["image"].removeprefix("data:image/png;base64,"))) for tile in images]
    assert [tile.size for tile in tiles] == [(64, 48)] * 3
    small = io.BytesIO()
    tiles[0].save(small, "PNG")
    edge = client.post("/filter/edge", files={"file": ("b.png", small.getvalue(), "image/png")})
    assert np.array_equal(np.asarray(read(edge.content)), np.asarray(tiles[1]))


def test_gallery_as_json_takes_grey_images(client: TestClient) -> None:
    grey = io.BytesIO()
    Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16)).save(grey, "PNG")
    reply = client.post("/gallery", params={"format": "json"}, files={"file": ("a.png", grey.getvalue())})
    assert reply.status_code == 200
    named = [kernel["name"] for kernel in client.get("/kernels").json()["kernels"] if kernel["source"] != "learned"]
    assert [tile["kernel"] for tile in reply.json()["images"]] == ["input", *named]


def test_page_is_html_with_a_policy_and_programs_get_links(client: TestClient) -> None:
    page = client.get("/", headers={"Accept": "text/html"})
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["content-security-policy"] == (
        "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; style-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'self'"
    )
    links = client.get("/", headers={"Accept": "application/json"})
    assert links.json()["links"]["samples"] == "/samples/{name}.png"


def test_only_the_worker_may_compile_webassembly(client: TestClient) -> None:
    worker = client.get("/static/js/preview/band-worker.js")
    assert worker.headers["content-security-policy"] == (
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; frame-ancestors 'none'"
    )
    others = ("/", "/static/js/main.js", "/static/js/preview/correlation.js")
    assert all("wasm" not in client.get(path).headers["content-security-policy"] for path in others)


def test_files_that_the_page_names_are_served(client: TestClient) -> None:
    html = (STATIC / "index.html").read_text("utf-8")
    named = re.findall(r'(?:href|src)="(/static/[^"]+)"', html)
    assert len(named) > 15
    assert [path for path in named if client.get(path).status_code != 200] == []
    assert re.findall(r"""(?:href|src)=["'](?:https?:)?//""", html) == []


def list_imports(module: Path, pattern: str = r"""(?:from|import\()\s*["'`]([^"'`$]+)""") -> list[Path]:
    """The modules that a module imports, statically or when a view opens."""
    return [(module.parent / name).resolve() for name in re.findall(pattern, module.read_text("utf-8"))]


IMPORTED_FOLDERS = {
    "filters": ("preview", "sources"),
    "preview": ("filters",),
    "digits": ("sources", "network"),
    "classes": ("digits", "network"),
    "kernels": ("filters",),
    "learn": ("filters", "preview"),
    "lessons": ("filters", "preview", "digits"),
}
"""Besides their own and `shared`. `preview` shares the rules of plans and geometry with the inspector of `filters`,
`classes` has the pad of `digits`, `kernels` links to layers with weights as `filters` writes them, `learn` has the
board of weights of `filters`, and lessons check what is made in `filters` and `digits`."""


def test_modules_import_only_their_own_folder_and_shared() -> None:
    for module in SCRIPTS.rglob("*.js"):
        section = module.relative_to(SCRIPTS).parts[0]
        folders = (section, *IMPORTED_FOLDERS.get(section, ()))
        allowed = {
            SCRIPTS / "shared",
            *(one for name in folders for one in (SCRIPTS / name, *(SCRIPTS / name).glob("*/"))),
        }
        for imported in list_imports(module):
            assert imported.is_file(), (module, imported)
            assert imported.parent in allowed or module.parent == SCRIPTS, (module, imported)


def test_page_preloads_the_modules_of_the_first_view() -> None:
    found = {SCRIPTS / "main.js", SCRIPTS / "filters/filter-view.js"}
    waiting = list(found)
    while waiting:
        new = set(list_imports(waiting.pop(), r"""(?m)^import [^"'\n]*["']([^"'\n]+)["']""")) - found
        found |= new
        waiting += new
    html = (STATIC / "index.html").read_text("utf-8")
    preloaded = {STATIC / path for path in re.findall(r'rel="modulepreload" href="/static/([^"]+)"', html)}
    assert preloaded == found - {SCRIPTS / "main.js"}


def test_files_of_the_page_have_its_version_in_their_address(client: TestClient) -> None:
    html = client.get("/", headers={"Accept": "text/html"}).text
    named = re.findall(r'(?:href|src)="(/static/[^"]+)"', html)
    versions = {re.fullmatch(r"/static/([0-9a-f]{12})/.+", address)[1] for address in named}  # type: ignore[index]
    assert len(versions) == 1
    assert len(named) > 15
    for address in named:
        reply = client.get(address)
        assert reply.status_code == 200
        assert reply.headers["cache-control"] == "public, max-age=31536000, immutable"
        if not address.endswith("/css/all.css"):
            assert reply.content == (STATIC / address.split("/", 3)[3]).read_bytes()


def test_page_has_one_stylesheet_with_the_content_of_all(client: TestClient) -> None:
    html = client.get("/", headers={"Accept": "text/html"}).text
    (address,) = re.findall(r'rel="stylesheet" href="([^"]+)"', html)
    reply = client.get(address)
    assert reply.headers["content-type"].startswith("text/css")
    written = re.findall(r'rel="stylesheet" href="/static/([^"]+)"', (STATIC / "index.html").read_text("utf-8"))
    assert len(written) > 5
    assert reply.text == "".join((STATIC / name).read_text("utf-8") for name in written)
    assert html.index(address) < html.index("<script")


@pytest.mark.parametrize("folder", ["", "0123456789ab/"])
def test_page_of_another_version_gets_the_current_files_and_revalidates_them(client: TestClient, folder: str) -> None:
    reply = client.get(f"/static/{folder}js/main.js")
    assert reply.content == (SCRIPTS / "main.js").read_bytes()
    assert reply.headers["cache-control"] == "no-cache"
    assert client.get(f"/static/{folder}js/none.js").status_code == 404
    assert client.get(f"/static/{folder}../main.py").status_code == 404


def test_version_depends_on_names_and_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def find_version_of(**files: str) -> str:
        for path in tmp_path.iterdir():
            path.unlink()
        for name, content in files.items():
            (tmp_path / name).write_text(content)
        page_files.find_version.cache_clear()
        return page_files.find_version()

    monkeypatch.setattr(page_files, "STATIC", tmp_path)
    try:
        contents: list[dict[str, str]] = [{"a": "1"}, {"a": "2"}, {"b": "1"}, {"a": "1", "b": ""}, {"a": "1b", "b": ""}]
        assert len({find_version_of(**files) for files in contents}) == len(contents)
        assert find_version_of(**contents[0]) == find_version_of(**contents[0])
    finally:
        page_files.find_version.cache_clear()
