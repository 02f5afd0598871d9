"""`convserve filter` with one image."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.support.command_line import emboss, list_files, run, run_process
from tests.support.heif import read_heic
from tests.support.images import decode, draw_noise, encode, encode_frames, open_image
from tests.support.layer_reference import pool


@pytest.mark.slow
def test_a_process_filters_an_image_and_prints_only_its_name(photo: Path) -> None:
    before = photo.read_bytes()
    result = run_process("filter", "emboss", photo, "-o", photo.with_name("out.png"))
    assert (result.returncode, result.stdout, result.stderr) == (0, f"{photo.with_name('out.png')}\n", "")
    assert np.array_equal(decode(photo.with_name("out.png").read_bytes()), emboss(draw_noise(12, 17)))
    assert photo.read_bytes() == before


def test_without_an_output_the_result_is_beside_the_image(photo: Path) -> None:
    result = run("filter", "emboss", photo)
    assert result.exit_code == 0, result.output
    assert list_files(photo.parent) == {"photo.png", "photo-emboss.png"}
    assert np.array_equal(decode(photo.with_name("photo-emboss.png").read_bytes()), emboss(draw_noise(12, 17)))


def test_the_extension_of_the_output_sets_the_format(photo: Path) -> None:
    for extension, format in [("jpg", "JPEG"), ("jpeg", "JPEG"), ("webp", "WEBP"), ("tif", "TIFF"), ("gif", "GIF")]:
        target = photo.with_name(f"out.{extension}")
        assert run("filter", "blur", photo, "-o", target).exit_code == 0
        assert open_image(target.read_bytes()).format == format


def test_the_result_of_a_heic_is_a_jpeg_unless_the_output_says_otherwise(tmp_path: Path) -> None:
    photo = tmp_path / "IMG_1.HEIC"
    photo.write_bytes(read_heic("rgb8"))
    assert run("filter", "identity", tmp_path).exit_code == 0
    assert open_image((tmp_path / "IMG_1-identity.jpg").read_bytes()).format == "JPEG"
    assert run("filter", "identity", photo, "-o", tmp_path / "out.png").exit_code == 0
    assert np.array_equal(decode((tmp_path / "out.png").read_bytes()), draw_noise(64, 64))


def test_the_format_option_sets_the_format_and_the_extension(photo: Path) -> None:
    assert run("filter", "blur", photo, "--format", "webp").exit_code == 0
    assert open_image(photo.with_name("photo-blur.webp").read_bytes()).format == "WEBP"


def test_raw_results_are_npy_files(photo: Path) -> None:
    assert run("filter", "edge", photo, "--response", "raw").exit_code == 0
    values = np.load(photo.with_name("photo-edge.npy"))
    assert values.dtype == np.float32
    assert values.min() < 0


def test_operations_are_json_or_a_file_of_json(photo: Path) -> None:
    """One output is the green channel plus 10, then the largest of each 2x2 pixels."""
    operations = [{"kernel": "conv", "weights": [[0, 1, 0]], "bias": 10}, {"kernel": "max-pool"}]
    document = photo.with_name("layers.json")
    document.write_text(json.dumps(operations))
    green = draw_noise(12, 17)[:, :, 1].astype(int) + 10
    expected = np.minimum(pool(green[:, :, None], "max", (2, 2), (2, 2), same=True)[:, :, 0], 255)
    for argument in (json.dumps(operations), f"@{document}"):
        result = run("filter", argument, photo)
        assert result.exit_code == 0, result.output
        assert np.array_equal(decode(photo.with_name("photo-conv-max-pool.png").read_bytes()), expected)


def test_maps_of_a_layer(photo: Path) -> None:
    assert run("filter", "mnist-conv1", photo).exit_code == 0
    assert np.load(photo.with_name("photo-mnist-conv1.npy")).shape == (12, 17, 32)
    assert run("filter", "mnist-conv1", photo, "--maps", "sheet").exit_code == 0
    assert open_image(photo.with_name("photo-mnist-conv1.png").read_bytes()).mode == "RGB"
    assert run("filter", "sepia", photo, "--maps", "1", "--format", "json").exit_code == 0
    document = json.loads(photo.with_name("photo-sepia.json").read_text())
    assert document["shape"] == [12, 17]
    expected = np.rint(np.minimum(draw_noise(12, 17) @ [0.349, 0.686, 0.168], 255))
    assert np.abs(np.array(document["values"]) - expected).max() <= 1


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("@missing.json", "missing.json: No such file"),
        ("[{", "The operations are not valid"),
        ('[{"kernel": "conv"}]', "needs weights"),
        ('[{"sigma": 1}]', "The operations are not valid at 0.kernel: Field required"),
    ],
)
def test_mistakes_in_operations(photo: Path, argument: str, message: str) -> None:
    result = run("filter", argument, photo)
    assert result.exit_code == 2
    assert message in result.stderr


def test_options_are_the_parameters_of_the_service(photo: Path) -> None:
    result = run("filter", "custom", photo, "--weights", "0,0,1", "--columns", "3", "--border", "zero", "-o",
                 photo.with_name("out.png"))  # fmt: skip
    assert result.exit_code == 0, result.output
    assert np.array_equal(
        decode(photo.with_name("out.png").read_bytes()), np.pad(draw_noise(12, 17), ((0, 0), (0, 1), (0, 0)))[:, 1:]
    )


def test_several_kernels_are_applied_in_order(photo: Path) -> None:
    assert run("filter", "identity,emboss", photo).exit_code == 0
    assert np.array_equal(decode(photo.with_name("photo-identity-emboss.png").read_bytes()), emboss(draw_noise(12, 17)))


def test_explain_prints_the_arithmetic_and_writes_no_file(photo: Path) -> None:
    result = run("filter", "emboss", photo, "--explain", "json")
    assert json.loads(result.stdout)["steps"][0]["output"]["width"] == 17
    assert list_files(photo.parent) == {"photo.png"}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["embos"], ["embos", "emboss"]),
        (["blur", "--border", "soft"], ["--border", "soft"]),
        (["blur", "--border", "mirror"], ["reflect", "symmetric"]),
        (["blur", "--stride", "9"], ["--stride", "9", "8"]),
        (["blur", "--format", "psd"], ["--format", "psd"]),
        (["blur", "--quality", "0"], ["--quality", "0", "1"]),
        (["blur", "--divisor", "0"], ["--divisor 0: a divisor must not be 0"]),
        (["gaussian", "--sigma", "999"], ["sigma", "999", "200"]),
        (["blur", "--sigma", "2"], ["sigma"]),
        (["custom"], ["weights"]),
        (["custom", "--weights", "1,2;3"], ["2, 1"]),
        (["x" * 200], ["no kernel"]),
        (["blur", "--nonsense", "1"], ["--nonsense"]),
    ],
)
def test_a_wrong_option_ends_with_one_clear_message(photo: Path, arguments: list[str], says: list[str]) -> None:
    result = run("filter", arguments[0], photo, *arguments[1:])
    assert result.exit_code == 2
    assert result.exception is None or isinstance(result.exception, SystemExit)
    for part in says:
        assert part in result.stderr
    assert "Traceback" not in result.stderr
    assert list_files(photo.parent) == {"photo.png"}


def test_the_limits_of_the_settings_apply(photo: Path) -> None:
    result = run("filter", "blur", photo, CONVSERVE_MAX_PIXELS="100")
    assert result.exit_code == 1
    assert "CONVSERVE_MAX_PIXELS" in result.stderr


def test_a_bad_setting_is_named_with_its_value(photo: Path) -> None:
    result = run("filter", "blur", photo, CONVSERVE_MAX_PIXELS="many")
    assert result.exit_code == 2
    assert "CONVSERVE_MAX_PIXELS" in result.stderr
    assert "many" in result.stderr


def test_a_misspelt_setting_is_rejected(photo: Path) -> None:
    result = run("filter", "edge", photo, CONVSERVE_MAX_PIXLES="5")
    assert result.exit_code == 2
    assert "no setting CONVSERVE_MAX_PIXLES; did you mean CONVSERVE_MAX_PIXELS?" in result.stderr


def test_an_empty_setting_counts_as_unset(photo: Path) -> None:
    assert run("filter", "edge", photo, CONVSERVE_KERNELS_FILE="", CONVSERVE_PORT="").exit_code == 0


def test_an_unknown_extension_is_rejected_and_writes_no_file(photo: Path) -> None:
    result = run("filter", "blur", photo, "-o", photo.with_name("out.xyz"))
    assert result.exit_code != 0
    assert ".xyz" in result.stderr
    assert list_files(photo.parent) == {"photo.png"}


def test_format_and_extension_must_agree(photo: Path) -> None:
    result = run("filter", "edge", photo, "-o", photo.with_name("out.jpg"), "--format", "png")
    assert result.exit_code == 2
    assert "do not agree" in result.stderr


def test_a_folder_that_cannot_be_written_is_named(photo: Path) -> None:
    result = run("filter", "edge", photo, "-o", "/proc/nowhere/out.png")
    assert result.exit_code == 1
    assert "/proc/nowhere/out.png cannot be written" in result.stderr


def test_an_animation_as_jpeg_is_rejected_except_for_its_first_frame(tmp_path: Path) -> None:
    (tmp_path / "a.gif").write_bytes(encode_frames([draw_noise(5, 5, seed=s) for s in (1, 2)], "GIF"))
    result = run("filter", "blur", tmp_path / "a.gif", "-o", tmp_path / "a.jpg")
    assert result.exit_code == 1
    assert "frames" in result.stderr
    assert run("filter", "blur", tmp_path / "a.gif", "-o", tmp_path / "a.jpg", "--frames", "first").exit_code == 0
    assert list_files(tmp_path) == {"a.gif", "a.jpg"}


@pytest.mark.parametrize("is_existing", [False, True])
def test_an_output_that_is_a_folder_gets_the_result(photo: Path, is_existing: bool) -> None:
    if is_existing:
        photo.with_name("results").mkdir()
    result = run("filter", "blur", photo, "-o", f"{photo.parent}/results{'' if is_existing else '/'}")
    assert result.exit_code == 0, result.stderr
    assert list_files(photo.parent) == {"photo.png", "results/photo-blur.png"}


def test_an_input_is_not_overwritten_through_another_name(photo: Path) -> None:
    link = photo.with_name("link.png")
    link.symlink_to(photo)
    before = photo.read_bytes()
    assert run("filter", "blur", photo, "-o", link).exit_code == 2
    assert run("filter", "blur", photo, "-o", photo.parent / "x" / ".." / "photo.png").exit_code == 2
    assert photo.read_bytes() == before


def test_a_kernel_of_the_kernels_file_is_applied(photo: Path, tmp_path: Path) -> None:
    file = tmp_path / "kernels.toml"
    file.write_text("[kernels.shift-left]\nweights = [[0, 0, 1]]\n")
    result = run("filter", "shift-left", photo, "-o", tmp_path / "o.png", CONVSERVE_KERNELS_FILE=str(file))
    assert result.exit_code == 0, result.stderr
    pixels = draw_noise(12, 17)
    assert np.array_equal(decode((tmp_path / "o.png").read_bytes())[:, :-1], pixels[:, 1:])


def test_regions_and_a_mask_are_options(photo: Path) -> None:
    pixels = draw_noise(12, 17)
    result = run("filter", "emboss", photo, "--region", "0,0,3,4", "--region", "50%,50%,50%,50%", "-o",
                 photo.with_name("out.png"))  # fmt: skip
    assert result.exit_code == 0, result.output
    expected = pixels.copy()
    expected[:4, :3] = emboss(pixels)[:4, :3]
    expected[6:, 9:] = emboss(pixels)[6:, 9:]
    assert np.array_equal(decode(photo.with_name("out.png").read_bytes()), expected)

    mask = photo.with_name("mask.png")
    selected = np.zeros((12, 17), np.uint8)
    selected[3:5, 6:] = 255
    mask.write_bytes(encode(selected))
    result = run("filter", "emboss", photo, "--mask", mask, "-o", photo.with_name("out.png"))
    assert result.exit_code == 0, result.output
    expected = np.where(selected[:, :, None] > 0, emboss(pixels), pixels)
    assert np.array_equal(decode(photo.with_name("out.png").read_bytes()), expected)


def test_mistakes_in_regions_and_masks_are_one_line(photo: Path) -> None:
    result = run("filter", "emboss", photo, "--region", "0,0,3")
    assert result.exit_code == 2
    assert "--region" in result.stderr
    assert "x,y,width,height" in result.stderr
    result = run("filter", "emboss", photo, "--mask", photo.with_name("none.png"))
    assert (result.exit_code, result.stderr) == (2, f"{photo.with_name('none.png')}: No such file or directory.\n")
    result = run("filter", "emboss", photo, "--reads", "region")
    assert result.exit_code == 2
    assert "Send region or mask" in result.stderr
    result = run("filter", "emboss", photo, "--region", "0,0,30,4")
    assert result.exit_code == 1
    assert "17×12 pixels" in result.stderr
