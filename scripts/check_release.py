"""Check that a commit can be released: version, changelog, tag, image labels and SBOM. All faults are listed.

`python -m scripts.check_release VERSION [--image NAME]`. With --image, the labels of that image are checked as well.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LOCK = "requirements/service.txt"
LABELS = ("title", "licenses", "version", "revision")
"""Of the image, after `org.opencontainers.image.`."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("version", help="without a v, such as 0.2.0")
    parser.add_argument("--image", help="name of the image that was built, such as convserve:0.2.0")
    arguments = parser.parse_args()
    version = arguments.version
    faults = [
        *check_version(ROOT, version),
        *check_changelog((ROOT / "CHANGELOG.md").read_text(), version, date.today()),
        *check_tag(ROOT, version),
        *check_dockerfile((ROOT / "Dockerfile").read_text()),
        *(check_image(arguments.image, version, read_revision(ROOT)) if arguments.image else ()),
    ]
    sbom = ROOT / f"dist/convserve-{version}.cdx.json"
    write_sbom(ROOT, sbom)
    faults += check_sbom(json.loads(sbom.read_text()), (ROOT / LOCK).read_text(), version)
    for fault in faults:
        print(fault, file=sys.stderr)
    if faults:
        return 1
    print(
        f"{version} can be released; its SBOM is {sbom.relative_to(ROOT)}. Next:\n"
        f"  docker build --build-arg VERSION={version} --build-arg REVISION=$(git rev-parse HEAD) "
        f"-t convserve:{version} .\n"
        f"  scripts/release {version} --image convserve:{version}\n"
        f"  git tag -a v{version} -m 'convserve {version}'"
    )
    return 0


def check_version(root: Path, version: str) -> Iterator[str]:
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        yield f"The version {version!r} is not MAJOR.MINOR.PATCH, such as 0.2.0."
    found = tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"]
    if found != version:
        yield f"pyproject.toml has version {found}; set it to {version}."


def check_changelog(changelog: str, version: str, today: date) -> Iterator[str]:
    """The first section is that of the version, has today's date or an earlier one, and is not empty."""
    sections = re.findall(r"^## (\S+) - (\S+)\n(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL)
    if not sections or sections[0][0] != version:
        found = sections[0][0] if sections else "no version"
        yield f"The first section of CHANGELOG.md is about {found}; it must be '## {version} - {today}'."
        return
    _, released, text = sections[0]
    try:
        if date.fromisoformat(released) > today:
            yield f"CHANGELOG.md dates {version} to {released}, after today ({today})."
    except ValueError:
        yield f"CHANGELOG.md has '{released}' as the date of {version}; write {today}."
    if not re.search(r"^- ", text, re.MULTILINE):
        yield f"CHANGELOG.md lists no change for {version}."


def check_tag(root: Path, version: str) -> Iterator[str]:
    """Everything is committed, and the tag is free or names this commit."""
    if changed := run_git(root, "status", "--porcelain"):
        yield f"Not everything is committed: {changed.splitlines()[0]} ({len(changed.splitlines())} files)."
    tag = f"v{version}"
    if run_git(root, "tag", "--list", tag) and run_git(root, "rev-list", "-n1", tag) != read_revision(root):
        yield f"The tag {tag} names another commit."


def check_dockerfile(dockerfile: str) -> Iterator[str]:
    for label in LABELS:
        if f"org.opencontainers.image.{label}=" not in dockerfile:
            yield f"The Dockerfile does not set the label org.opencontainers.image.{label}."


def check_image(image: str, version: str, revision: str) -> Iterator[str]:
    engine = shutil.which("docker") or shutil.which("podman")
    if engine is None:
        yield f"The labels of {image} cannot be checked: there is neither docker nor podman."
        return
    done = subprocess.run(
        [engine, "image", "inspect", "--format", "{{json .Config.Labels}}", image], capture_output=True, text=True
    )
    if done.returncode:
        yield f"{image}: {done.stderr.strip()}"
        return
    labels = json.loads(done.stdout) or {}
    for label, wanted in (("version", version), ("revision", revision)):
        found = labels.get(f"org.opencontainers.image.{label}")
        if found != wanted:
            yield f"{image} has the label {label} {found!r}; it must be {wanted!r} (--build-arg {label.upper()}=...)."


def write_sbom(root: Path, path: Path) -> None:
    """A CycloneDX document of the locked packages of the service, with their hashes."""
    path.parent.mkdir(exist_ok=True)
    program = Path(sys.executable).with_name("cyclonedx-py")
    command = [
        str(program),
        "requirements",
        LOCK,
        "--pyproject",
        "pyproject.toml",
        "--output-reproducible",
        "-o",
        str(path),
    ]
    subprocess.run(command, cwd=root, check=True, stderr=subprocess.DEVNULL)


def check_sbom(sbom: dict[str, Any], lock: str, version: str) -> Iterator[str]:
    """The SBOM describes this version, and lists every locked package with its version and hashes."""
    described = sbom["metadata"]["component"]
    if described.get("version") != version:
        yield f"The SBOM describes version {described.get('version')}; it must be {version}."
    listed = {(one["name"].lower(), one.get("version")): one for one in sbom["components"]}
    for name, locked in re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", lock, re.MULTILINE):
        component = listed.get((name.lower(), locked))
        if component is None:
            yield f"The SBOM does not list {name} {locked}."
        elif not any(reference.get("hashes") for reference in component.get("externalReferences", ())):
            yield f"The SBOM has no hash of {name}."


def read_revision(root: Path) -> str:
    return run_git(root, "rev-parse", "HEAD")


def run_git(root: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
