"""A lesson file, and changes that make it faulty."""

from pathlib import Path

LESSON = """\
title = "Edges"
question = "What is an edge?"
text = '''
A change of brightness.

title = "not a key"
'''
start = "#filter/emboss?image=house"

[[tasks]]
text = "Find one."
check = "responds-only-to"
edges = "vertical"

[[tasks]]
text = "Come close."
check = "near-target"
target = "#filter/gaussian?sigma=2"
min_db = 30

[[tasks]]
text = "Choose."
check = "choice"
choices = [
  { text = "one" },
  { text = "two", correct = true },
]
"""
DRAWING = "'''" + ("." * 28 + "\n") * 28 + "'''"
FAULTS: dict[str, tuple[str, str, int, str]] = {
    # what is replaced, by what, the line of the fault, and what the message says
    "quote": ('"Edges"', '"Edges', 1, "not valid TOML"),
    "end": ("},\n]\n", "},\n", 27, "not valid TOML"),
    "missing": ('question = "What is an edge?"\n', "", 1, "question: the key 'question' is missing; add it."),
    "missing-in-task": ('edges = "vertical"\n', "", 10, "tasks[1].edges: the key 'edges' is missing; add it."),
    "unknown-key": ("min_db", "min_bd", 19, "tasks[2].min_bd: there is no key 'min_bd' here; correct or remove it."),
    "unknown-check": ('"near-target"', '"near"', 17, "there is no check 'near'; it is one of choice, "),
    "no-check": ('check = "near-target"\n', "", 15, "the key 'check' is missing; it is one of choice, "),
    "wrong-type": ("min_db = 30", 'min_db = "loud"', 19, "tasks[2].min_db: input should be a valid number"),
    "out-of-range": ("min_db = 30", "min_db = 300", 19, "input should be less than or equal to 100"),
    "unknown-edges": ('edges = "vertical"', 'edges = "diagonal"', 13, "tasks[1].edges: input should be 'vertical', "),
    "no-answer": (", correct = true", "", 21, "0 choices are correct; give one of them `correct = true`."),
    "unknown-key-in-choice": ("correct", "corect", 26, "choices[2].corect: there is no key 'corect'"),
    "no-address": ('"#filter/emboss', '"filter/emboss', 8, "is not an address of the page; copy it from"),
    "unknown-view": ('"#filter/emboss', '"#filters/emboss', 8, "the page has no view 'filters'; the views are"),
    "unknown-sample": ("image=house", "image=dog", 8, "there is no sample image 'dog'; the samples are cat, "),
    "unknown-kernel": ("#filter/gaussian", "#filter/gausian", 18, "no kernel named 'gausian'. Did you mean gaussian"),
    "unknown-parameter": ("sigma=2", "sgma=2", 18, "no kernel has a parameter 'sgma'; correct"),
    "bad-parameter": ("sigma=2", "sigma=0", 18, "tasks[2].target: sigma is 0; it may be 0.1 to 200."),
    "mask": ("sigma=2", "sigma=2&mask=mask-1", 18, "tasks[2].target: the address has a mask, whose file is not part"),
    "bad-region": ("sigma=2", "sigma=2&region=1,2,3", 18, "region is '1,2,3': use x,y,width,height in pixels or"),
    "bad-second-region": ("sigma=2", "sigma=2&region=1,2,3,4&region=x,2,3,4", 18, "'x' is not a whole number of"),
    "bad-reads": ("sigma=2", "sigma=2&region=1,2,3,4&reads=all", 18, "reads is 'all'; it may be image or region."),
    "reads-alone": ("sigma=2", "sigma=2&reads=region", 18, "which says what a region reads, but no region; add one."),
    "bad-link": ('"Find one."', '"[Find](javascript:x)"', 11, "the link leads to 'javascript:x'; it may"),
    "drawing-elsewhere": ("start =", f"drawing = {DRAWING}\nstart =", 1, "start it at #digits"),
    "pixels-without-drawing": (
        'check = "responds-only-to"\nedges = "vertical"', 'check = "reads-digit"\ndigit = 3\nmax_changed_pixels = 9', 1,
        "Task 1 counts changed pixels; give the lesson a `drawing` to start from",
    ),
}  # fmt: skip


def write_lesson(folder: Path, name: str = "edges.toml", replace: str = "", by: str = "") -> Path:
    assert replace in LESSON
    path = folder / name
    path.write_text(LESSON.replace(replace, by, 1) if replace else LESSON, "utf-8")
    return path
