"""The documentation is complete, up to date, and its links work."""

import re
import shutil
import subprocess
import sys
import tomllib
from html.parser import HTMLParser
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from app.cli.commands import app as commands
from app.main import create_app
from app.settings import AccessSettings, Settings
from kernels.catalogue import ENTRIES
from scripts.document import list_commands
from tests.support.markdown import find_anchors, find_code_blocks, find_links, list_pages
from tests.support.paths import ROOT

LOCKS = [f"requirements/{kind}.txt" for kind in ("service", "test", "bench", "ray")]
PAGES = [*sorted(ROOT.glob("*.md")), ROOT / "examples/README.md", *sorted((ROOT / "docs").rglob("*.md"))]
REPOSITORY_PATH = re.compile(r"(?<![\w/.])(?:app|benchmarks|deploy|examples|kernels|models|scripts|tests)/[\w./-]*\w")
SOURCES = [
    path
    for pattern in (
        "app/**/*.py",
        "kernels/**/*.py",
        "models/**/*.py",
        "scripts/*",
        "deploy/**/*.*",
        "benchmarks/**/*.py",
    )
    for path in sorted(ROOT.glob(pattern))
    if path.is_file()
]


def name_page(page: Path) -> str:
    return str(page.relative_to(ROOT))


def test_generated_tables_are_up_to_date() -> None:
    check = subprocess.run(
        [sys.executable, "scripts/document.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert check.returncode == 0, check.stdout + check.stderr


def test_every_kernel_is_in_the_readme() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert [entry.name for entry in ENTRIES if f"`{entry.name}`" not in text] == []


def test_every_dependency_has_a_reason_in_the_readme() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    table = (ROOT / "README.md").read_text("utf-8").split("## Dependencies")[1]
    names = [re.match(r"[a-z0-9-]+", line).group() for line in project["dependencies"]]  # type: ignore[union-attr]
    assert [name for name in names if name not in table] == []


@pytest.mark.parametrize("page", PAGES, ids=name_page)
def test_links_lead_to_pages_and_headings_that_exist(page: Path) -> None:
    broken = []
    for link in find_links(page.read_text("utf-8")):
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if not target.exists() or (anchor and anchor not in find_anchors(target.read_text("utf-8"))):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("page", list_pages(ROOT), ids=name_page)
def test_paths_of_files_in_the_repository_exist(page: Path) -> None:
    """In text and in commands. Decision records name the files of their date."""
    named = REPOSITORY_PATH.findall(page.read_text("utf-8"))
    assert [path for path in dict.fromkeys(named) if not (ROOT / path).exists()] == []


def test_paths_of_documents_in_the_sources_exist() -> None:
    named = {
        (name_page(source), path)
        for source in SOURCES
        for path in re.findall(r"docs/[\w./-]+\.md", source.read_text("utf-8", "replace"))
    }
    assert sorted(pair for pair in named if not (ROOT / pair[1]).exists()) == []


@pytest.mark.parametrize("page", PAGES, ids=name_page)
def test_pages_name_nothing_outside_the_repository(page: Path) -> None:
    assert "../shared" not in page.read_text("utf-8")


@pytest.mark.parametrize("page", list_pages(ROOT), ids=name_page)
def test_command_blocks_say_their_language(page: Path) -> None:
    blocks = find_code_blocks(page.read_text("utf-8"))
    assert [block.line for block in blocks if not block.language] == []


def test_every_page_is_in_the_index_and_in_the_navigation() -> None:
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in list_pages(ROOT)[2:]} - {"index.md"}
    links = find_links((ROOT / "docs/index.md").read_text("utf-8"))
    navigation = (ROOT / "zensical.toml").read_text("utf-8")
    assert pages - set(links) == set()
    assert {page for page in pages if f'"{page}"' not in navigation} == set()


def list_routes() -> list[str]:
    document: dict[str, Any] = create_app(Settings(), AccessSettings()).openapi()
    return [f"{method.upper()} {path}" for path, operations in document["paths"].items() for method in operations]


@pytest.mark.parametrize("route", list_routes())
def test_every_route_has_a_request_and_a_response(route: str) -> None:
    page = (ROOT / "docs/reference/api.md").read_text("utf-8")
    section = re.search(rf"^## {re.escape(route)}\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    assert section is not None
    assert any(block.language == "sh" and block.output for block in find_code_blocks(section[1]))


def test_every_setting_is_documented() -> None:
    page = (ROOT / "docs/reference/settings.md").read_text("utf-8")
    names = [f"`CONVSERVE_{name.upper()}`" for name in (*Settings.model_fields, *AccessSettings.model_fields)]
    assert [name for name in names if name not in page] == []


def test_settings_named_in_the_documentation_exist() -> None:
    names = {f"CONVSERVE_{name.upper()}" for name in (*Settings.model_fields, *AccessSettings.model_fields)}
    named = {
        name for page in list_pages(ROOT) for name in re.findall(r"CONVSERVE_[A-Z_]*[A-Z]", page.read_text("utf-8"))
    }
    assert named - names == set()


def test_every_command_is_documented() -> None:
    page = (ROOT / "docs/reference/cli.md").read_text("utf-8")
    group: Any = typer.main.get_command(commands)
    names = [name for name, _ in list_commands(group)]
    assert {"filter", "model export"} <= set(names)
    assert [name for name in names if f"## convserve {name}\n" not in page] == []


def test_decision_records_are_dated() -> None:
    records = sorted((ROOT / "docs/engineering/decisions").glob("[0-9]*.md"))
    undated = [
        record.name
        for record in records
        if not re.search(r"^Date: \d{4}-\d\d-\d\d\. Status: \w", record.read_text("utf-8"), re.MULTILINE)
    ]
    assert undated == []


class AssetFinder(HTMLParser):
    """Addresses that a browser loads for a page by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        loads = tag in ("script", "img", "iframe", "source") or (tag == "link" and given.get("rel") != "canonical")
        self.addresses += [given.get("src") or given.get("href") or ""] if loads else []


@pytest.mark.skipif(find_spec("zensical") is None, reason="zensical is not installed")
def test_site_builds_and_loads_nothing_from_other_hosts(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    shutil.copy(ROOT / "zensical.toml", tmp_path)
    command = [sys.executable, "-m", "zensical", "build", "--strict"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    pages = sorted((tmp_path / "site").rglob("*.html"))
    assert len(pages) > 40
    for page in pages:
        finder = AssetFinder()
        finder.feed(page.read_text("utf-8"))
        assert [address for address in finder.addresses if re.match(r"(https?:)?//", address)] == []


def test_the_workflow_and_the_hooks_run_the_checks_of_the_scripts() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text("utf-8"))
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))
    checks = re.findall(r"^    (\.venv/bin/.*)$", (ROOT / "scripts/test").read_text("utf-8"), re.MULTILINE)
    runs = [step["run"] for step in workflow["jobs"]["test"]["steps"] if "run" in step]
    assert runs[-2:] == ["scripts/test", "scripts/test-container"]
    assert len(checks) == 4
    assert [hook["entry"] for repository in hooks["repos"] for hook in repository["hooks"]] == checks


def test_newest_dated_entry_of_the_changelog_is_this_version() -> None:
    entries = re.findall(r"^## (\S+) - (\S+)$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert next(number for number, date in entries if date != "unreleased") == version("convserve")
    assert [date for _, date in entries[1:] if not re.fullmatch(r"\d{4}-\d\d-\d\d", date)] == []


@pytest.mark.parametrize("name", LOCKS)
def test_locks_have_hashes_and_name_no_host(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    assert "://" not in text
    pinned = re.findall(r"^([a-z0-9-]+)==", text, re.MULTILINE)
    assert len(pinned) > 30
    blocks = re.split(r"^(?=[a-z0-9-]+==)", text, flags=re.MULTILINE)[1:]
    assert [block.split("==")[0] for block in blocks if "--hash=sha256:" not in block] == []
