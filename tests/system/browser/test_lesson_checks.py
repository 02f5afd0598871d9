"""Every task of the bundled lessons with a right, a wrong and an empty answer, checked by the page in Chromium."""

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Page

from app.lessons.read import BUNDLED_FOLDER, name_lesson, read_lesson
from kernels.catalogue import Catalogue

LESSONS = {name_lesson(path): read_lesson(path, Catalogue()) for path in sorted(BUNDLED_FOLDER.glob("*.toml"))}
TASKS = [(name, number) for name, lesson in LESSONS.items() for number in range(len(lesson.tasks))]

CHECK = """async ([lesson, number, answer]) => {
  const { checkTask } = await import("/static/js/lessons/checks/check.js");
  const { readWork } = await import("/static/js/lessons/work.js");
  const { parseSetting } = await import("/static/js/filters/setting.js");
  const { Images } = await import("/static/js/filters/images.js");
  const task = lesson.tasks[number];
  if (task.check === "choice") return checkTask(task, { view: "filter", choice: answer });
  if (task.check === "reads-digit") {
    const { countChangedPixels, parseDrawing } = await import("/static/js/lessons/drawing.js");
    const { openPadImage } = await import("/static/js/digits/drawing-sources.js");
    const { DrawPad } = await import("/static/js/digits/draw-pad.js");
    const { encodePng } = await import("/static/js/shared/png.js");
    const pad = new DrawPad(Object.assign(document.createElement("canvas"), { width: 400, height: 400 }), [], () => {});
    const field = parseDrawing(lesson.drawing);
    for (const [x, y] of answer ?? []) {
      const at = 4 * (28 * y + x);
      const ink = field.data[at] < 128 ? 255 : 0;
      field.data.set([ink, ink, ink, 255], at);
    }
    if (answer) await pad.setImage(await openPadImage(await encodePng(field, false), "digit.png"));
    return checkTask(task, await readWork("digits", { pad }), lesson.drawing);
  }
  const setting = parseSetting(answer);
  window.images ??= new Images();
  const image = await window.images.open(setting.image);
  return checkTask(task, await readWork("filter", { setting, image, area: { mask: null } }));
}"""

SEVEN = [(12, 4), (11, 4), (12, 11), (10, 4), (12, 17), (16, 13), (14, 15), (17, 13), (11, 17)]
"""Found one after the other: each makes a 7 most probable. They belong to the bundled weights, as do FOUR."""
FOUR = [(12, 17), (14, 15), (16, 12), (11, 17), (10, 16), (10, 15), (10, 14)]
TOO_MANY = [*FOUR, *((x, 26) for x in range(5))]
SCATTERED = [(5, 5), (22, 20)]
CUSTOM = "#filter/custom?weights="
ANSWERS: dict[tuple[str, int], tuple[Any, Any, str]] = {
    # lesson and task: a right answer, a wrong one, and what the page says about the wrong one
    ("averaging", 0): (CUSTOM + "1/9,1/9,1/9;1/9,1/9,1/9;1/9,1/9,1/9", CUSTOM + "1,1,1;1,1,1;1,1,1", "is brighter by"),
    ("averaging", 2): (
        CUSTOM + "1,1,1,1,1,1,1;&divisor=auto", CUSTOM + "1;1;1;1;1;1;1&divisor=7",
        "is too sharp from left to right and too smooth from top to bottom",
    ),
    ("sharpening", 0): (CUSTOM + "0,-1,0;-1,5,-1;0,-1,0", CUSTOM + "0,-1,0;-1,4,-1;0,-1,0", "is darker by"),
    ("sharpening", 2): (
        CUSTOM + "0,-.5,0;-.5,3,-.5;0,-.5,0", CUSTOM + "0,-1,0;-1,5,-1;0,-1,0", "Your result is too sharp.",
    ),
    ("edges-and-signs", 0): (
        CUSTOM + "-1,0,1;-2,0,2;-1,0,1&image=house", CUSTOM + "-2,-1,0;-1,0,1;0,1,2&image=house",
        "responds to horizontal edges too: 1.00 of the response to vertical edges",
    ),
    ("edges-and-signs", 1): (
        CUSTOM + "-1,0,1;-1,0,1;-1,0,1&response=clip", CUSTOM + "-1,0,1;-1,0,1;-1,0,1",
        "edges that get brighter to the left too: 1.00",
    ),
    ("borders", 0): (
        "#filter/box?size=15&border=symmetric&image=coffee", "#filter/box?size=15&border=reflect&image=coffee",
        "Inside the image it is right; pixels near the border differ",
    ),
    ("borders", 1): (
        "#filter/box?size=15&border=valid&image=coffee", "#filter/box?size=13&border=valid&image=coffee",
        r"Your result has \d+ × \d+ pixels, the target \d+ × \d+",
    ),
    ("stride-and-pooling", 0): (
        CUSTOM + "0,0,0;0,1,0;0,0,0&stride=2&image=chart", CUSTOM + "0,0,0;0,1,0;0,0,0&stride=3&image=chart",
        "Your result has 256 × 192 pixels, the target 384 × 288",
    ),
    ("stride-and-pooling", 1): (
        CUSTOM + "1/4,1/4;1/4,1/4&stride=2&image=chart", "#filter/average-pool?image=chart",
        "The task allows custom; you use average-pool",
    ),
    ("composing-kernels", 0): (
        CUSTOM + "1,1,1;1,1,1;1,1,1&divisor=9&image=house", LESSONS["composing-kernels"].start,
        "You have 2 steps; the task allows 1",
    ),
    ("why-rgb-needs-three-kernels", 0): (
        "#filter/box?size=9&channels=b&image=coffee", "#filter/box?size=9&channels=gb&image=coffee",
        "Right: red and blue. Different: green",
    ),
    ("why-rgb-needs-three-kernels", 2): (
        "#filter/box?size=9&channels=rb&image=coffee", "#filter/box?size=9&image=coffee",
        "Right: red and blue. Different: green",
    ),
    ("fooling-the-network", 0): (SEVEN, SCATTERED, r"reads 1 .*; 7 has a probability of .* 2 pixels of 10"),
    ("fooling-the-network", 1): (FOUR, TOO_MANY, "at most 10 are allowed"),
}  # fmt: skip
EMPTY = {
    "choice": "Choose an answer first",
    "responds-only-to": "responds to flat areas too: 96 becomes 96, 160 becomes 160",
    "reads-digit": "No pixel has changed yet",
    "near-target": "",
}


def check(page: Page, name: str, number: int, answer: Any) -> dict[str, Any]:
    lesson = json.loads(LESSONS[name].model_dump_json(exclude_none=True))
    verdict: dict[str, Any] = page.evaluate(CHECK, [lesson, number, answer])
    print(name, number, verdict)
    return verdict


def test_every_task_has_answers() -> None:
    asked = {key for key in TASKS if LESSONS[key[0]].tasks[key[1]].check != "choice"}
    assert set(ANSWERS) == asked
    assert len(LESSONS) == 8


@pytest.mark.parametrize(("name", "number"), TASKS)
def test_right_wrong_and_empty_answers(modules: Page, name: str, number: int) -> None:
    lesson = LESSONS[name]
    task = lesson.tasks[number]
    if task.check == "choice":
        right = next(index for index, choice in enumerate(task.choices) if choice.correct)
        for index, choice in enumerate(task.choices):
            verdict = check(modules, name, number, index)
            assert verdict["isRight"] == (index == right)
            assert choice.feedback is not None
            assert choice.feedback in verdict["message"]
        empty = None
    else:
        answer, wrong, message = ANSWERS[name, number]
        assert check(modules, name, number, answer)["isRight"]
        verdict = check(modules, name, number, wrong)
        assert not verdict["isRight"]
        assert re.search(message, verdict["message"])
        empty = [] if task.check == "reads-digit" else lesson.start
    verdict = check(modules, name, number, empty)
    assert not verdict["isRight"]
    assert EMPTY[task.check] in verdict["message"]


@pytest.mark.parametrize(
    ("weights", "says"),
    [
        # Columns sum to -4, 0, 4 and rows to -1.68, 0, 1.68: at an edge of height h, 4h and 1.68h.
        ("-1.42,-0.84,0.58;-2,0,2;-0.58,0.84,1.42", "horizontal edges too: 0.42 of the response to vertical edges"),
        ("0,1,0;0,0,0;0,-1,0", "does not respond to vertical edges: 0 levels at an edge of 64"),
        ("1,1,1;1,1,1;1,1,1", "makes flat areas white"),
    ],
)
def test_response_to_other_edges_is_measured(modules: Page, weights: str, says: str) -> None:
    verdict = check(modules, "edges-and-signs", 0, CUSTOM + weights)
    assert not verdict["isRight"]
    assert says in verdict["message"]


def test_ratio_to_the_target_is_in_decibels(modules: Page) -> None:
    """All pixels differ by 10 levels: 10 log10(255² / 10²) = 28.13 dB."""
    message = modules.evaluate(
        """async () => {
          const { checkTarget } = await import("/static/js/lessons/checks/target-check.js");
          const pixels = new ImageData(40, 30);
          for (let at = 0; at < pixels.data.length; at++) pixels.data[at] = at % 4 === 3 ? 255 : 50 + (at % 7);
          const image = { pixels, width: 40, height: 30 };
          const work = { image, steps: [{ kernel: "identity", bias: "10" }], linear: false };
          return (await checkTarget({ target: "#filter/identity", min_db: 28.2 }, work)).message;
        }"""
    )
    assert message == "28.1 dB; 28.2 dB are needed. Your result is brighter by 10 levels on average."


BOX = "#filter/box?size=9&image=chart"
HALF = BOX + "&region=0%,0%,50%,50%"


@pytest.mark.parametrize(
    ("target", "answer", "says"),
    [
        (BOX, HALF, "Your result is filtered in a part of the image, the target everywhere."),
        (HALF, BOX, "The target is filtered in a part of the image, your result everywhere."),
        (HALF, BOX + "&region=0,0,384,288", "Equal to the target"),  # the chart has 768 × 576 pixels
        (HALF, BOX + "&region=0,0,384,270", "dB are needed."),
        (HALF, HALF + "&reads=region", "dB are needed."),
        (BOX + "&region=700,0,100,100", BOX, "There is no result: The region 700,0,100,100 is x 700 to 800"),
    ],
)
def test_result_counts_with_its_regions(modules: Page, target: str, answer: str, says: str) -> None:
    lesson = {"tasks": [{"check": "near-target", "target": target, "min_db": 70}]}
    verdict = modules.evaluate(CHECK, [lesson, 0, answer])
    assert says in verdict["message"]
    assert verdict["isRight"] == says.startswith("Equal")


def test_result_counts_with_its_mask(modules: Page) -> None:
    """Nothing is filtered where a mask is black, and all where it is white."""
    messages = modules.evaluate(
        """async () => {
          const { checkTask } = await import("/static/js/lessons/checks/check.js");
          const { readWork } = await import("/static/js/lessons/work.js");
          const { parseSetting } = await import("/static/js/filters/setting.js");
          const { openImage } = await import("/static/js/shared/image.js");
          const { encodePng } = await import("/static/js/shared/png.js");
          const open = async (read) => {
            const pixels = new ImageData(40, 30);
            for (let at = 0; at < pixels.data.length; at++) pixels.data[at] = at % 4 === 3 ? 255 : read(at);
            return openImage(await encodePng(pixels, false), "one.png");
          };
          const image = await open((at) => (31 * at) % 256);
          const messages = [];
          for (const [mask, target] of [[0, "identity"], [0, "box"], [255, "box"]]) {
            const opened = { setting: parseSetting("#filter/box"), image, area: { mask: await open(() => mask) } };
            const task = { check: "near-target", target: `#filter/${target}`, min_db: 60 };
            messages.push((await checkTask(task, await readWork("filter", opened))).message);
          }
          return messages;
        }"""
    )
    assert "Equal to the target" in messages[0]
    assert "Your result is filtered in a part of the image" in messages[1]
    assert "Equal to the target" in messages[2]


def test_edges_are_not_measured_in_a_part_of_an_image(modules: Page) -> None:
    sobel = CUSTOM + "-1,0,1;-2,0,2;-1,0,1&image=house&region=0,0,50,50"
    verdict = check(modules, "edges-and-signs", 0, sobel)
    assert not verdict["isRight"]
    assert "Only a part of the image is filtered. Remove the regions" in verdict["message"]
