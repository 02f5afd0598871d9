"""`convserve gallery`."""

from pathlib import Path

import pytest

from tests.support.command_line import list_files, run
from tests.support.images import open_image


def test_the_sheet_is_written_beside_the_image(photo: Path) -> None:
    result = run("gallery", photo, "--kernels", "emboss,edge", "--side", "16")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.strip() == str(photo.with_name("photo-gallery.png"))
    sheet = open_image(photo.with_name("photo-gallery.png").read_bytes())
    assert sheet.format == "PNG"
    assert sheet.width > 3 * 16


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["photo.png", "--kernels", "embos"], "emboss"),
        (["none.png"], "none.png: No such file"),
        (["photo.png", "--side", "5"], "--side 5: Input should be greater than or equal to 16"),
        (["broken.png"], "image"),
    ],
)
def test_mistakes_end_with_a_message(photo: Path, arguments: list[str], says: str) -> None:
    photo.with_name("broken.png").write_bytes(b"broken")
    result = run("gallery", photo.with_name(arguments[0]), *arguments[1:])
    assert result.exit_code == 2
    assert says in result.stderr
    assert "Traceback" not in result.stderr


def test_the_sheet_is_not_written_with_the_extension_of_another_format(photo: Path) -> None:
    result = run("gallery", photo, "-o", photo.with_name("sheet.jpg"))
    assert result.exit_code == 2
    assert "sheet.png" in result.stderr
    assert list_files(photo.parent) == {"photo.png"}


def test_the_image_is_not_overwritten_through_another_name(photo: Path) -> None:
    link = photo.with_name("link.png")
    link.symlink_to(photo)
    before = photo.read_bytes()
    assert run("gallery", photo, "-o", link, "--kernels", "blur").exit_code == 2
    assert photo.read_bytes() == before
