"""Markdown pages taken apart: code blocks, headings and links."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

FENCE = re.compile(r"^(?P<fence>```+)(?P<info>[^\n`]*)\n(?P<text>.*?)^(?P=fence)$", re.MULTILINE | re.DOTALL)
NOT_RUN = re.compile(r"<!-- not run: (.+) -->\s*\Z")
TITLE = re.compile(r'title="([^"]+)"')
OUTPUT_LANGUAGES = {"json", "text", "http"}
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)


@dataclass(frozen=True)
class CodeBlock:
    """A fenced block, its language, the file that its title names, and the output block that follows it."""

    language: str
    text: str
    line: int
    title: str | None
    not_run: str | None
    """The reason in a comment `<!-- not run: REASON -->` above it."""
    output: str | None
    """The text of a block of json, text or http that follows with nothing but blank lines in between."""


def find_code_blocks(markdown: str) -> Iterator[CodeBlock]:
    fences = list(FENCE.finditer(markdown))
    for fence, following in zip_longest(fences, fences[1:]):
        language, _, more = fence["info"].strip().partition(" ")
        before = markdown[: fence.start()]
        reason, title = NOT_RUN.search(before), TITLE.search(more)
        output = None
        if following is not None and not markdown[fence.end() : following.start()].strip():
            output = following["text"] if following["info"].strip() in OUTPUT_LANGUAGES else None
        yield CodeBlock(
            language,
            fence["text"],
            before.count("\n") + 1,
            title and title[1],
            reason and reason[1],
            output,
        )


def strip_code(markdown: str) -> str:
    """The page without code blocks, inline code and comments: links in these are no links."""
    return COMMENT.sub("", re.sub(r"`[^`\n]+`", "", FENCE.sub("", markdown)))


def find_links(markdown: str) -> list[str]:
    """Targets of links and images, `path#anchor`, without those that lead to other hosts."""
    links = re.findall(r"\]\(([^)\s]+)[^)]*\)", strip_code(markdown))
    return [link for link in links if "://" not in link and not link.startswith("mailto:")]


def find_anchors(markdown: str) -> set[str]:
    """The ids that GitHub and the site give to the headings."""
    headings = re.findall(r"^#{1,6} (.+)$", FENCE.sub("", markdown), re.MULTILINE)
    return {make_anchor(heading) for heading in headings}


def make_anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def list_pages(root: Path) -> list[Path]:
    """README and the documentation, without the decision records, which are not edited."""
    pages = [page for page in sorted((root / "docs").rglob("*.md")) if not re.match(r"\d{4}-", page.name)]
    return [root / "README.md", root / "CONTRIBUTING.md", *pages]
