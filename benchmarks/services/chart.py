"""The works as bars, images a second of each server, in one SVG."""

from collections.abc import Mapping
from html import escape
from typing import Any

from benchmarks.services.targets import Results, show_name
from benchmarks.services.turns import OWN

WIDTH, LEFT, BAR, GAP = 760, 110, 18, 34
LONGEST = WIDTH - LEFT - 190
OWN_COLOUR, OTHER_COLOUR, TEXT = "#2b6cb0", "#a0aec0", "#4a5568"


def draw_chart(results: Results) -> str:
    """A group of bars for each work that has peers, the longest bar being the fastest server's."""
    lines: list[str] = []
    top = 10
    for name, work in results["works"].items():
        if len(work["servers"]) > 1:
            drawn, top = draw_work(name, work["servers"], top)
            lines += drawn
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{top}" font-family="sans-serif"'
    return "\n".join([f'{head} font-size="13" fill="{TEXT}">', *lines, "</svg>", ""])


def draw_work(name: str, servers: Mapping[str, Any], top: int) -> tuple[list[str], int]:
    """(lines of SVG, where the next group begins)."""
    own = servers[OWN]["images_per_s"]
    fastest = max(one["images_per_s"] for one in servers.values())
    lines = [f'<text x="{LEFT}" y="{top + 12}" font-weight="bold">{escape(name)}, images/s</text>']
    top += 22
    for server, one in servers.items():
        rate = one["images_per_s"]
        length = max(1, round(LONGEST * rate / fastest))
        colour = OWN_COLOUR if server == OWN else OTHER_COLOUR
        told = f"{rate:.1f}" if server == OWN else f"{rate:.1f} (convserve is {own / rate:.2f}x)"
        lines += [
            f'<text x="{LEFT - 8}" y="{top + 13}" text-anchor="end">{escape(show_name(server))}</text>',
            f'<rect x="{LEFT}" y="{top}" width="{length}" height="{BAR - 3}" fill="{colour}"/>',
            f'<text x="{LEFT + length + 6}" y="{top + 13}">{told}</text>',
        ]
        top += BAR
    return lines, top + GAP - BAR
