"""On which line of a TOML document a key stands. `tomllib` returns values without their places."""

import re
from collections import Counter

KeyPath = tuple[str | int, ...]
"""Keys and indices, such as ("tasks", 1, "target")."""

HEADER = re.compile(r"\s*\[(\[?)\s*([\w-]+(?:\s*\.\s*[\w-]+)*)\s*\]")
KEY = re.compile(r"\s*([\w-]+|\"[^\"]*\"|'[^']*')\s*=")
INLINE_TABLE = re.compile(r"\s*\{")
QUOTES = re.compile(r'"""|\'\'\'')


def find_line(text: str, path: KeyPath) -> int:
    """The line, from 1, of the longest part of the path that has a line of its own; 1 if there is none."""
    lines = list_lines(text)
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


def list_lines(text: str) -> dict[KeyPath, int]:
    """The first line of each table and of each key. Entries of an array of inline tables count if they begin a line."""
    lines: dict[KeyPath, int] = {}
    table: KeyPath = ()
    counts: Counter[KeyPath] = Counter()
    array: KeyPath = ()
    quotes = ""
    for number, line in enumerate(text.split("\n"), 1):
        if quotes:
            quotes = "" if quotes in line else quotes
            continue
        header, key = HEADER.match(line), KEY.match(line)
        if header and not (array and INLINE_TABLE.match(line)):
            table = find_table(header[2], counts, is_array=bool(header[1]))
            array = ()
            lines.setdefault(table, number)
        elif key:
            array = (*table, key[1].strip("\"'"))
            lines.setdefault(array, number)
        elif array and INLINE_TABLE.match(line):
            lines.setdefault((*array, counts[array]), number)
            counts[array] += 1
        opened = QUOTES.findall(line)
        quotes = opened[0] if len(opened) % 2 else ""
    return lines


def find_table(name: str, counts: Counter[KeyPath], is_array: bool) -> KeyPath:
    """The path of a table header. A name within an array of tables belongs to the last of them."""
    path: KeyPath = ()
    *outer, last = re.split(r"\s*\.\s*", name)
    for part in outer:
        path = (*path, part)
        if counts[path]:
            path = (*path, counts[path] - 1)
    path = (*path, last)
    if is_array:
        counts[path] += 1
        return (*path, counts[path] - 1)
    return path
