"""`scripts/release` finds each fault, and the lock has wheels for arm64."""

import json
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from scripts.check_release import check_changelog, check_dockerfile, check_image, check_sbom, check_tag, check_version
from tests.support.paths import ROOT

TODAY = date(2026, 11, 27)
CHANGELOG = "# Changelog\n\n## 0.2.0 - 2026-11-27\n\n### Added\n\n- Something.\n\n## 0.1.0 - 2026-11-01\n\n- All.\n"


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "convserve"\nversion = "0.2.0"\n')
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "first")
    return tmp_path


def test_a_complete_release_has_no_fault(checkout: Path) -> None:
    assert [*check_version(checkout, "0.2.0"), *check_changelog(CHANGELOG, "0.2.0", TODAY)] == []
    assert [*check_tag(checkout, "0.2.0"), *check_dockerfile((ROOT / "Dockerfile").read_text())] == []
    git(checkout, "tag", "v0.2.0")
    assert list(check_tag(checkout, "0.2.0")) == []  # the check can run again after the tag


@pytest.mark.parametrize(("version", "fault"), [("0.3.0", "set it to 0.3.0"), ("v0.2.0", "not MAJOR.MINOR.PATCH")])
def test_other_versions_are_found(checkout: Path, version: str, fault: str) -> None:
    assert fault in " ".join(check_version(checkout, version))


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        ("## 0.2.0 - 2026-11-27", "## 0.2.0 - unreleased", "has 'unreleased' as the date"),
        ("## 0.2.0 - 2026-11-27", "## 0.2.0 - 2026-11-28", "after today"),
        ("## 0.2.0 -", "## 0.2.1 -", "is about 0.2.1"),
        ("- Something.", "", "lists no change"),
        (CHANGELOG, "# Changelog\n", "is about no version"),
    ],
)
def test_a_faulty_changelog_is_found(before: str, after: str, fault: str) -> None:
    assert before in CHANGELOG
    assert fault in " ".join(check_changelog(CHANGELOG.replace(before, after), "0.2.0", TODAY))


def test_uncommitted_files_and_a_tag_elsewhere_are_found(checkout: Path) -> None:
    git(checkout, "tag", "v0.2.0")
    git(checkout, "commit", "-q", "--allow-empty", "-m", "second")
    (checkout / "new").touch()
    faults = " ".join(check_tag(checkout, "0.2.0"))
    assert "?? new" in faults
    assert "names another commit" in faults


def test_missing_labels_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "image.revision" in " ".join(check_dockerfile("LABEL org.opencontainers.image.title=convserve"))
    engine = tmp_path / "docker"
    engine.write_text('#!/bin/sh\necho \'{"org.opencontainers.image.version": "0.1.0"}\'\n')
    engine.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(shutil, "which", lambda name: str(engine) if name == "docker" else None)
    faults = list(check_image("convserve:0.2.0", "0.2.0", "abc"))
    assert ["version '0.1.0'" in faults[0], "revision None" in faults[1]] == [True, True]


@pytest.mark.slow
def test_the_sbom_lists_every_locked_package(tmp_path: Path) -> None:
    lock = (ROOT / "requirements/service.txt").read_text()
    path = tmp_path / "sbom.json"
    program = Path(sys.executable).with_name("cyclonedx-py")
    command = [
        str(program),
        "requirements",
        "requirements/service.txt",
        "--pyproject",
        "pyproject.toml",
        "-o",
        str(path),
    ]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    sbom = json.loads(path.read_text())
    version = sbom["metadata"]["component"]["version"]
    assert list(check_sbom(sbom, lock, version)) == []
    assert len(sbom["components"]) == sum(not line.startswith(" ") for line in lock.splitlines())
    left_out = sbom | {"components": [one for one in sbom["components"] if one["name"] != "starlette"]}
    assert "does not list starlette" in " ".join(check_sbom(left_out, lock, version))
    assert "must be 9.9.9" in " ".join(check_sbom(sbom, lock, "9.9.9"))


def resolve_for_arm64(requirements: Path, target: Path) -> "subprocess.CompletedProcess[str]":
    """Find a wheel for Linux on arm64 for each line. Nothing is installed."""
    command = [
        str(Path(sys.executable).with_name("uv")), "pip", "install", "--dry-run", "--python-platform",
        "aarch64-manylinux_2_28", "--python-version", "3.11", "--only-binary", ":all:", "--no-deps", "--require-hashes",
        "--target", str(target), "-r", str(requirements),
    ]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, timeout=250)


@pytest.mark.slow
def test_the_lock_resolves_for_arm64(tmp_path: Path) -> None:
    lock = ROOT / "requirements/service.txt"
    done = resolve_for_arm64(lock, tmp_path / "target")
    if "connect" in done.stderr or "timed out" in done.stderr:
        pytest.skip("no package index is reachable")
    assert done.returncode == 0, done.stderr
    assert "+ tensorflow==" in done.stderr
    assert "+ tensorflow-cpu==" not in done.stderr  # its wheels are for x86-64 only

    only_x86 = tmp_path / "only-x86.txt"  # the check can fail
    name = "tensorflow-cpu=="
    block = name + lock.read_text().split(f"\n{name}")[1].split("\ntensorflow")[0]
    only_x86.write_text(block.replace(block[block.index(";") : block.index("\\")], " "))
    failed = resolve_for_arm64(only_x86, tmp_path / "target")
    assert (failed.returncode, "wheels" in failed.stderr) == (1, True), failed.stderr
