"""The command `convserve`."""

import json
import os
import resource
import shutil
import socket
import subprocess
import sys
import threading
import time
import tomllib
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage
from typer.testing import CliRunner, Result

from app.cli.commands import app
from app.tasks.filter import filter_image
from kernels.catalogue import ENTRIES
from tests.support.images import Pixels, decode, draw_blobs, draw_noise, encode, encode_frames, open_image
from tests.support.paths import ROOT

EMBOSS = np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]], float)


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("CONVSERVE_"):
            monkeypatch.delenv(name)


def run(*arguments: object, **environment: str) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env=environment or None)


def measure_cpu_s(*command: str) -> float:
    """Time of the processor that a process takes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=True, timeout=120)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def run_process(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "app", *map(str, arguments)],
        cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, timeout=120,
    )  # fmt: skip


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    path.write_bytes(encode(draw_noise(12, 17)))
    return path


def emboss(pixels: Pixels) -> Pixels:
    planes = [ndimage.correlate(pixels[..., c].astype(float), EMBOSS, mode="nearest") for c in range(3)]
    return np.clip(np.dstack(planes), 0, 255).astype(np.uint8)


def list_files(folder: Path) -> set[str]:
    """With the hidden ones: a half-written file must not stay."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


# -- one image


@pytest.mark.slow
def test_an_image_is_filtered_in_a_process_of_its_own(photo: Path) -> None:
    before = photo.read_bytes()
    result = run_process("filter", "emboss", photo, "-o", photo.with_name("out.png"))
    assert (result.returncode, result.stdout, result.stderr) == (0, f"{photo.with_name('out.png')}\n", "")
    assert np.array_equal(decode(photo.with_name("out.png").read_bytes()), emboss(draw_noise(12, 17)))
    assert photo.read_bytes() == before


def test_without_an_output_the_result_stands_beside_the_image(photo: Path) -> None:
    result = run("filter", "emboss", photo)
    assert result.exit_code == 0, result.output
    assert list_files(photo.parent) == {"photo.png", "photo-emboss.png"}
    assert np.array_equal(decode(photo.with_name("photo-emboss.png").read_bytes()), emboss(draw_noise(12, 17)))


def test_the_extension_of_the_output_decides_the_format(photo: Path) -> None:
    for extension, format in [("jpg", "JPEG"), ("jpeg", "JPEG"), ("webp", "WEBP"), ("tif", "TIFF"), ("gif", "GIF")]:
        target = photo.with_name(f"out.{extension}")
        assert run("filter", "blur", photo, "-o", target).exit_code == 0
        assert open_image(target.read_bytes()).format == format


def test_format_wins_and_names_the_result(photo: Path) -> None:
    assert run("filter", "blur", photo, "--format", "webp").exit_code == 0
    assert open_image(photo.with_name("photo-blur.webp").read_bytes()).format == "WEBP"


def test_raw_results_are_npy_files(photo: Path) -> None:
    assert run("filter", "edge", photo, "--response", "raw").exit_code == 0
    values = np.load(photo.with_name("photo-edge.npy"))
    assert values.dtype == np.float32
    assert values.min() < 0


def test_options_are_the_parameters_of_the_service(photo: Path) -> None:
    result = run("filter", "custom", photo, "--weights", "0,0,1", "--columns", "3", "--border", "zero", "-o",
                 photo.with_name("out.png"))  # fmt: skip
    assert result.exit_code == 0, result.output
    assert np.array_equal(
        decode(photo.with_name("out.png").read_bytes()), np.pad(draw_noise(12, 17), ((0, 0), (0, 1), (0, 0)))[:, 1:]
    )


def test_several_kernels_are_applied_in_a_row(photo: Path) -> None:
    assert run("filter", "identity,emboss", photo).exit_code == 0
    assert np.array_equal(decode(photo.with_name("photo-identity-emboss.png").read_bytes()), emboss(draw_noise(12, 17)))


def test_explain_prints_the_arithmetic_and_writes_nothing(photo: Path) -> None:
    result = run("filter", "emboss", photo, "--explain", "json")
    assert json.loads(result.stdout)["steps"][0]["output"]["width"] == 17
    assert list_files(photo.parent) == {"photo.png"}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["embos"], ["embos", "emboss"]),
        (["blur", "--border", "soft"], ["--border", "soft"]),
        (["blur", "--border", "mirror"], ["reflect", "symmetric"]),
        (["blur", "--stride", "9"], ["--stride"]),
        (["blur", "--format", "psd"], ["--format", "psd"]),
        (["blur", "--quality", "0"], ["--quality", "0"]),
        (["blur", "--divisor", "0"], ["--divisor"]),
        (["gaussian", "--sigma", "99"], ["sigma", "99", "10.3"]),
        (["blur", "--sigma", "2"], ["sigma"]),
        (["custom"], ["weights"]),
        (["custom", "--weights", "1,2;3"], ["2, 1"]),
        (["x" * 200], ["no kernel"]),
        (["blur", "--nonsense", "1"], ["--nonsense"]),
    ],
)
def test_wrong_options_end_in_one_clear_message(photo: Path, arguments: list[str], says: list[str]) -> None:
    result = run("filter", arguments[0], photo, *arguments[1:])
    assert result.exit_code == 2
    assert result.exception is None or isinstance(result.exception, SystemExit)
    for part in says:
        assert part in result.stderr
    assert "Traceback" not in result.stderr
    assert list_files(photo.parent) == {"photo.png"}


def test_the_limits_of_the_settings_hold(photo: Path) -> None:
    result = run("filter", "blur", photo, CONVSERVE_MAX_PIXELS="100")
    assert result.exit_code == 1
    assert "CONVSERVE_MAX_PIXELS" in result.stderr
    result = run("filter", "blur", photo, CONVSERVE_MAX_PIXELS="many")
    assert result.exit_code == 2
    assert "CONVSERVE_MAX_PIXELS" in result.stderr
    assert "many" in result.stderr


# -- many images


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    for seed, name in enumerate(["a.png", "b.bmp", "c.tif"]):
        format = {"png": "PNG", "bmp": "BMP", "tif": "TIFF"}[name[2:]]
        (folder / name).write_bytes(encode(draw_noise(9, 9, seed=seed), format))
    (folder / "d.JPG").write_bytes(encode(draw_blobs(9, 9), "JPEG"))
    (folder / "notes.txt").write_text("no image")
    return folder


def test_a_folder_of_images_is_filtered(folder: Path, tmp_path: Path) -> None:
    result = run("filter", "emboss", folder, "-o", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert list_files(tmp_path / "out") == {"a-emboss.png", "b-emboss.bmp", "c-emboss.tif", "d-emboss.jpg"}
    for seed, name in enumerate(["a-emboss.png", "b-emboss.bmp", "c-emboss.tif"]):
        assert np.array_equal(decode((tmp_path / "out" / name).read_bytes()), emboss(draw_noise(9, 9, seed=seed)))
    assert "4 of 4" in result.stderr


def test_a_bad_file_stops_nothing_and_is_named_at_the_end(folder: Path, tmp_path: Path) -> None:
    (folder / "a1.png").write_bytes(encode(draw_noise(9, 9))[:60])
    (folder / "empty.gif").write_bytes(b"")
    result = run("filter", "emboss", folder, tmp_path / "missing.png", "-o", tmp_path / "out")
    assert result.exit_code == 1
    assert len(list_files(tmp_path / "out")) == 4
    lines = result.stderr.strip().splitlines()[-4:]
    for name, line in zip(["a1.png", "empty.gif", "missing.png"], lines, strict=False):
        assert name in line
        assert len(line) > len(str(folder / name)) + 5
    assert "4 of 7" in lines[-1]


@pytest.mark.parametrize("jobs", [["photo.png"], ["photo.png", "other.png"]])
def test_an_input_is_never_overwritten(photo: Path, jobs: list[str]) -> None:
    other = photo.with_name("other.png")
    other.write_bytes(encode(draw_noise(5, 5)))
    before = {path: path.read_bytes() for path in (photo, other)}
    files = [photo.with_name(name) for name in jobs]

    result = run("filter", "blur", *files, "-o", photo)

    assert result.exit_code == 2
    assert "photo.png" in result.stderr
    assert {path: path.read_bytes() for path in (photo, other)} == before
    assert list_files(photo.parent) == {"photo.png", "other.png"}


def test_an_input_is_not_overwritten_by_another_name(photo: Path) -> None:
    link = photo.with_name("link.png")
    link.symlink_to(photo)
    before = photo.read_bytes()
    assert run("filter", "blur", photo, "-o", link).exit_code == 2
    assert run("filter", "blur", photo, "-o", photo.parent / "x" / ".." / "photo.png").exit_code == 2
    assert run("gallery", photo, "-o", link, "--kernels", "blur").exit_code == 2
    assert photo.read_bytes() == before


def test_a_result_that_is_the_next_input_is_refused(photo: Path) -> None:
    following = photo.with_name("photo-blur.png")
    following.write_bytes(photo.read_bytes())
    result = run("filter", "blur", photo, following)
    assert result.exit_code == 2
    assert following.read_bytes() == photo.read_bytes()


def test_results_of_one_name_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    for name in ("a.png", "a.bmp"):
        (tmp_path / name).write_bytes(encode(draw_noise(5, 5), {"png": "PNG", "bmp": "BMP"}[name[2:]]))
    result = run("filter", "blur", tmp_path, "--format", "webp")
    assert result.exit_code == 2
    assert "a-blur.webp" in result.stderr
    assert list_files(tmp_path) == {"a.png", "a.bmp"}


def test_several_results_need_a_folder(photo: Path, folder: Path) -> None:
    taken = photo.with_name("taken.txt")
    taken.write_text("mine")
    result = run("filter", "blur", folder, "-o", taken)
    assert result.exit_code == 2
    assert taken.read_text() == "mine"


@pytest.mark.parametrize("spelling", ["results/", "results"])
def test_a_folder_of_one_image_goes_into_a_folder(photo: Path, spelling: str) -> None:
    if spelling == "results":
        photo.with_name("results").mkdir()
    result = run("filter", "blur", photo, "-o", f"{photo.parent}/{spelling}")
    assert result.exit_code == 0, result.stderr
    assert list_files(photo.parent) == {"photo.png", "results/photo-blur.png"}


def test_a_folder_of_one_image_makes_a_folder(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.png").write_bytes(encode(draw_noise(5, 5)))
    result = run("filter", "blur", tmp_path / "in", "-o", tmp_path / "out")
    assert result.exit_code == 0, result.stderr
    assert list_files(tmp_path / "out") == {"a-blur.png"}


def test_an_empty_folder_is_reported(tmp_path: Path) -> None:
    result = run("filter", "blur", tmp_path)
    assert result.exit_code == 2
    assert str(tmp_path) in result.stderr


def test_a_folder_named_like_an_image_is_none(tmp_path: Path) -> None:
    (tmp_path / "album.png").mkdir()
    (tmp_path / "a.png").write_bytes(encode(draw_noise(5, 5)))
    result = run("filter", "blur", tmp_path)
    assert result.exit_code == 0, result.stderr
    assert list_files(tmp_path) == {"a.png", "a-blur.png"}


def test_an_unknown_extension_is_refused_and_leaves_nothing(photo: Path) -> None:
    result = run("filter", "blur", photo, "-o", photo.with_name("out.xyz"))
    assert result.exit_code != 0
    assert ".xyz" in result.stderr
    assert list_files(photo.parent) == {"photo.png"}


def test_an_animation_as_jpeg_is_reported(tmp_path: Path) -> None:
    (tmp_path / "a.gif").write_bytes(encode_frames([draw_noise(5, 5, seed=s) for s in (1, 2)], "GIF"))
    result = run("filter", "blur", tmp_path / "a.gif", "-o", tmp_path / "a.jpg")
    assert result.exit_code == 1
    assert "frames" in result.stderr
    assert run("filter", "blur", tmp_path / "a.gif", "-o", tmp_path / "a.jpg", "--frames", "first").exit_code == 0
    assert list_files(tmp_path) == {"a.gif", "a.jpg"}


def test_all_cores_work_at_once(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four images meet inside the filter; one thread would wait there for ever."""
    meeting = threading.Barrier(4, timeout=20)

    def meet(*arguments: object) -> object:
        meeting.wait()
        return filter_image(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr("app.cli.local_files.filter_image", meet)
    result = run("filter", "blur", folder, "-o", tmp_path / "out", CONVSERVE_WORKERS="4")
    assert result.exit_code == 0, result.stderr


# -- kernels of one's own

KERNELS_FILE = """
[kernels.shift-left]
weights = [[0, 0, 1]]
title = "One pixel to the left"
"""


def test_kernels_of_a_file_are_known(photo: Path, tmp_path: Path) -> None:
    file = tmp_path / "kernels.toml"
    file.write_text(KERNELS_FILE)
    assert "One pixel to the left" in run("kernels", CONVSERVE_KERNELS_FILE=str(file)).stdout
    result = run("filter", "shift-left", photo, "-o", tmp_path / "o.png", CONVSERVE_KERNELS_FILE=str(file))
    assert result.exit_code == 0, result.stderr
    pixels = draw_noise(12, 17)
    assert np.array_equal(decode((tmp_path / "o.png").read_bytes())[:, :-1], pixels[:, 1:])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[kernels.a", "TOML"),
        ("", "[kernels"),
        ("[kernels.blur]\nweights = [[1]]", "'blur'"),
        ("[kernels.custom]\nweights = [[1]]", "'custom'"),
        ("[kernels.a]\ntitle = 'x'", "weights"),
        ("[kernels.a]\nweights = [[1, 2], [3]]", "'a'"),
        ("[kernels.a]\nweights = [[0]]", "'a'"),
        ("[kernels.a]\nweights = [[1]]\ndivisor = 0", "divisor"),
        ("[kernels.a]\nweights = [[1]]\nresponse = 'sepia'", "response"),
        ("[kernels.a]\nweights = [[1]]\nnonsense = 1", "nonsense"),
        ("[kernels.'a b/c']\nweights = [[1]]", "a b/c"),
        ("[other]\nx = 1", "[kernels"),
    ],
)
def test_a_bad_kernels_file_stops_the_start_with_one_line(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "kernels.toml"
    file.write_text(text)
    result = run("serve", CONVSERVE_KERNELS_FILE=str(file))
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    assert str(file) in result.stderr
    assert says in result.stderr


@pytest.mark.slow
def test_a_missing_kernels_file_stops_the_start_of_the_process(tmp_path: Path) -> None:
    result = run_process("serve", CONVSERVE_KERNELS_FILE=str(tmp_path / "none.toml"))
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert "none.toml" in result.stderr
    assert "No such file" in result.stderr


# -- the other commands


def test_a_misspelt_setting_stops_the_start(photo: Path) -> None:
    result = run("filter", "edge", photo, CONVSERVE_MAX_PIXLES="5")
    assert result.exit_code == 2
    assert "no setting CONVSERVE_MAX_PIXLES; did you mean CONVSERVE_MAX_PIXELS?" in result.stderr


def test_an_empty_setting_counts_as_none(photo: Path) -> None:
    assert run("filter", "edge", photo, CONVSERVE_KERNELS_FILE="", CONVSERVE_PORT="").exit_code == 0


def test_a_taken_port_is_told_at_once_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run("serve", "--port", port)
    assert result.exit_code == 2
    assert f"port {port}: Address already in use" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_a_sheet_is_not_written_under_another_formats_name(photo: Path) -> None:
    result = run("gallery", photo, "-o", photo.with_name("sheet.jpg"))
    assert result.exit_code == 2
    assert "sheet.png" in result.stderr
    assert list_files(photo.parent) == {"photo.png"}


def test_format_and_name_must_agree(photo: Path) -> None:
    result = run("filter", "edge", photo, "-o", photo.with_name("out.jpg"), "--format", "png")
    assert result.exit_code == 2
    assert "do not agree" in result.stderr


def test_several_images_do_not_make_a_folder_named_like_an_image(photo: Path) -> None:
    other = photo.with_name("other.png")
    shutil.copy(photo, other)
    result = run("filter", "edge", photo, other, "-o", photo.with_name("one.png"))
    assert result.exit_code == 2
    assert "2 results need a folder" in result.stderr
    assert list_files(photo.parent) == {"photo.png", "other.png"}


def test_a_place_that_cannot_be_written_is_named(photo: Path) -> None:
    result = run("filter", "edge", photo, "-o", "/proc/nowhere/out.png")
    assert result.exit_code == 1
    assert "/proc/nowhere/out.png cannot be written" in result.stderr


def test_one_result_is_named_and_nothing_else_is_said(photo: Path) -> None:
    result = run_process("filter", "edge", photo)
    assert result.stdout.strip() == str(photo.with_name("photo-edge.png"))
    assert result.stderr == ""


def test_kernels_lists_the_catalogue() -> None:
    lines = run("kernels").stdout.splitlines()
    assert [line.split()[0] for line in lines][: len(ENTRIES)] == [entry.name for entry in ENTRIES]


def test_kernels_shows_one_with_its_weights() -> None:
    result = run("kernels", "Top_Sobel")
    assert [[float(n) for n in line.split()] for line in result.stdout.strip().splitlines()[-3:]] == [
        [1, 2, 1], [0, 0, 0], [-1, -2, -1]
    ]  # fmt: skip
    assert "sigma" in run("kernels", "gaussian").stdout
    unknown = run("kernels", "gausian")
    assert unknown.exit_code == 2
    assert "gaussian" in unknown.stderr


def test_kernels_answers_in_json() -> None:
    listed = json.loads(run("kernels", "--json").stdout)
    assert [kernel["name"] for kernel in listed][: len(ENTRIES)] == [entry.name for entry in ENTRIES]
    assert json.loads(run("kernels", "sharpen", "--json").stdout)["weights"] == [[0, -1, 0], [-1, 5, -1], [0, -1, 0]]


def test_gallery_writes_a_sheet_beside_the_image(photo: Path) -> None:
    result = run("gallery", photo, "--kernels", "emboss,edge", "--side", "16")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.strip() == str(photo.with_name("photo-gallery.png"))
    sheet = open_image(photo.with_name("photo-gallery.png").read_bytes())
    assert sheet.format == "PNG"
    assert sheet.width > 3 * 16


def test_gallery_refuses_what_it_cannot_draw(photo: Path) -> None:
    assert run("gallery", photo, "--kernels", "embos").exit_code == 2
    assert run("gallery", photo.with_name("none.png")).exit_code == 2
    assert run("gallery", photo, "--side", "5").exit_code == 2
    photo.write_bytes(b"broken")
    broken = run("gallery", photo)
    assert broken.exit_code == 2
    assert "Traceback" not in broken.stderr


def test_version_is_that_of_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert run("version").stdout.strip() == project["version"]


def test_help_names_every_command_and_every_parameter() -> None:
    text = run("--help", COLUMNS="200").stdout
    for command in ("serve", "filter", "gallery", "kernels", "version", "health"):
        assert command in text
    text = run("filter", "--help", COLUMNS="200").stdout
    for option in ("--border", "--stride", "--dilation", "--divisor", "--bias", "--response", "--amount", "--channels",
                   "--alpha", "--linear", "--format", "--quality", "--output", "--weights", "--sigma"):  # fmt: skip
        assert option in text


@pytest.mark.slow
def test_help_answers_at_once_and_without_tensorflow() -> None:
    """0.5 s is what the issue asks for. Told in what this machine needs for what help cannot do without, and in time of
    the processor, it holds on a machine that is slow or busy, too."""
    least = [sys.executable, "-c", "import pydantic_settings, typer.rich_utils"]
    pairs = [(measure_cpu_s(sys.executable, "-m", "app", "--help"), measure_cpu_s(*least)) for _ in range(5)]
    of_help, of_least = map(min, zip(*pairs, strict=True))
    assert of_help < 2 * of_least, pairs
    code = (
        "import sys\nfrom typer.testing import CliRunner\nfrom app.cli.commands import app\n"
        "for command in ([], ['filter'], ['serve'], ['gallery']):\n"
        "    assert CliRunner().invoke(app, [*command, '--help']).exit_code == 0\n"
        "print([n for n in ('tensorflow', 'keras', 'cv2', 'numpy', 'fastapi') if n in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert result.stdout.strip() == "[]", result.stderr


def test_the_installed_command_is_this_one() -> None:
    command = Path(sys.executable).with_name("convserve")
    assert shutil.which(command)
    result = subprocess.run([command, "version"], capture_output=True, text=True, timeout=60)
    assert result.stdout == run("version").stdout


# -- a running service


@pytest.mark.slow
def test_serve_answers_until_it_is_told_to_stop(photo: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    assert run("health", CONVSERVE_PORT=str(port)).exit_code == 1
    server = subprocess.Popen(
        [sys.executable, "-m", "app", "serve", "--port", str(port)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        first_line = server.stdout.readline()
        assert f"http://localhost:{port}/" in first_line
        assert f"http://localhost:{port}/docs" in first_line
        deadline = time.monotonic() + 60
        while run("health", CONVSERVE_PORT=str(port)).exit_code:
            assert time.monotonic() < deadline
            assert server.poll() is None
            time.sleep(0.2)
        assert run("health", "--url", f"http://127.0.0.1:{port}/").exit_code == 0
        curl = ["curl", "-sf", "-F", f"file=@{photo}", f"http://localhost:{port}/filter/emboss"]
        if shutil.which("curl"):
            reply = subprocess.run(curl, capture_output=True, check=True, timeout=60).stdout
            assert np.array_equal(decode(reply), emboss(draw_noise(12, 17)))
    finally:
        server.terminate()
        assert server.wait(timeout=30) in (0, -15, 143)
        assert server.stdout is not None
        server.stdout.close()


def test_learn_names_the_kernel_or_says_why_there_is_none(tmp_path: Path) -> None:
    image = draw_noise(40, 50, seed=4) // 2 + 60
    shifted = np.roll(image, 1, axis=1)
    for name, pixels in {"a": image, "b": shifted, "c": image[::-1, ::-1]}.items():
        (tmp_path / f"{name}.png").write_bytes(encode(np.ascontiguousarray(pixels)))
    found = run("learn", tmp_path / "a.png", tmp_path / "b.png", "--json")
    weights = json.loads(found.stdout)["kernels"][0]["weights"]
    assert np.abs(np.array(weights) - [[0, 0, 0], [1, 0, 0], [0, 0, 0]]).max() < 1e-3
    turned = run("learn", tmp_path / "a.png", tmp_path / "c.png")
    assert (turned.exit_code, "turned or mirrored" in turned.stdout) == (1, True)
