"""`POST /learn?layers=2`: the events, the document, errors, cancellation and the command line."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import httpx2
import numpy as np
import pytest

from app.settings import Settings
from app.tasks.learn import LearnParams
from app.tasks.learn_layers import LayersParams, follow_layers
from kernels import convolve
from tests.app.tasks.test_learn_stream import read_events
from tests.conftest import connect
from tests.support.command_line import run
from tests.support.images import decode, encode
from tests.support.learning import PHOTOGRAPH, RecordingRunner, watch_and_cancel
from tests.support.nonlinear import NONLINEAR, apply_operations, find_held_out, measure_psnr
from tests.support.problems import check_problem

BEFORE = encode(PHOTOGRAPH)
MEDIAN = encode(NONLINEAR["median"](PHOTOGRAPH))
THRESHOLD = encode(NONLINEAR["threshold"](PHOTOGRAPH))


@pytest.fixture(scope="module")
def client(request: pytest.FixtureRequest) -> Iterator[httpx2.Client]:
    """With limits that suffice on a busy machine."""
    settings = Settings(workers=1, deadline_seconds=250, max_wait_seconds=250)
    yield from connect(request.config.getoption("at"), settings)


def post(client: httpx2.Client, after: bytes, **query: Any) -> Any:
    files = {"before": ("a.png", BEFORE), "after": ("b.png", after)}
    return client.post("/learn", params={"layers": 2} | query, files=files)


def learn_layers(client: httpx2.Client, after: bytes, **query: Any) -> list[tuple[str, Any]]:
    response = post(client, after, **query)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/event-stream")
    return read_events(response.text)


def test_layers_form_step_by_step_and_reproduce_the_result(client: httpx2.Client) -> None:
    events = learn_layers(client, MEDIAN, filters=6, steps=60)
    names = [name for name, _ in events]
    assert (names[0], names[-1], set(names[1:-1])) == ("start", "lesson", {"step"})
    start, lesson = events[0][1], events[-1][1]
    assert (start["size"], start["filters"], start["shared"], start["steps"]) == (3, 6, True, 60)
    assert "median of 3×3" in start["reason"] == lesson["reason"]
    steps = [data for name, data in events if name == "step"]
    assert [steps[0]["step"], steps[-1]["step"]] == [1, 60]
    assert [one["step"] for one in steps] == sorted({one["step"] for one in steps})
    assert np.array(steps[0]["filters"]).shape == (6, 1, 3, 3)
    assert np.array(steps[0]["mix"]).shape == (1, 6)
    assert steps[0]["filters"] != steps[-1]["filters"]

    assert (lesson["layers"], lesson["is_convolution"], lesson["parameters"]) == (2, False, 6 * 10 + 6 + 1)
    assert "Trained for 60 steps." in lesson["notes"]
    held_out = find_held_out(240, 320, 3, 32)
    assert lesson["held_out_values"] == 3 * held_out.sum()
    result = apply_operations(PHOTOGRAPH, lesson["operations"])
    assert measure_psnr(result, NONLINEAR["median"](PHOTOGRAPH), held_out) == pytest.approx(lesson["psnr_db"], abs=0.02)
    form = {"operations": json.dumps(lesson["operations"])}
    response = client.post("/filter?format=png", data=form, files={"file": ("a.png", BEFORE)})
    assert response.status_code == 200, response.text
    filtered = decode(response.content)
    assert np.abs(filtered - np.rint(np.clip(result, 0, 255))).max() <= 1
    assert measure_psnr(filtered, NONLINEAR["median"](PHOTOGRAPH), held_out) == pytest.approx(
        lesson["psnr_db"], abs=0.02
    )
    assert lesson["kernel_psnr_db"] == start["kernel_psnr_db"]
    assert lesson["gain_db"] == pytest.approx(lesson["psnr_db"] - lesson["kernel_psnr_db"], abs=0.011)
    assert lesson["gain_db"] > 0


def test_threshold_has_no_least_squares_kernel_but_layers(client: httpx2.Client) -> None:
    """All values are 0 or 255, which a kernel may not use."""
    check_problem(post(client, THRESHOLD, layers=1), 422, "bad-parameter")
    lesson = learn_layers(client, THRESHOLD, size=1, steps=100)[-1][1]
    assert lesson["gain_db"] > 6
    result = apply_operations(PHOTOGRAPH, lesson["operations"])
    assert (np.abs(np.clip(result, 0, 255) - NONLINEAR["threshold"](PHOTOGRAPH)) < 1).mean() > 0.9


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"filters": 1}, "filters: Input should be greater than or equal to 2; it is '1'"),
        ({"filters": 17}, "filters: Input should be less than or equal to 16; it is '17'"),
        ({"layers": 3}, "layers: Input should be less than or equal to 2; it is '3'"),
        ({"layers": 0}, "layers: Input should be greater than or equal to 1; it is '0'"),
        ({"size": 10}, "size is 10; with layers=2 it may be 1 to 9"),
        ({"steps": 2001}, "steps: Input should be less than or equal to 2000; it is '2001'"),
        ({"method": "least-squares"}, "method is least-squares, which finds a single kernel"),
        ({"layers": 1, "filters": 8}, "filters is 8, but layers is 1"),
    ],
)
def test_bad_parameters_are_rejected_with_value_and_limit(
    client: httpx2.Client, query: dict[str, Any], message: str
) -> None:
    assert message in check_problem(post(client, MEDIAN, **query), 422, "bad-parameter")["detail"]


@pytest.mark.parametrize(
    ("kernel", "reason"),
    [("blur", "reproduces the result"), ("edge", "absolute value"), ("identity", "identical")],
)
def test_pair_with_a_single_kernel_is_rejected(client: httpx2.Client, kernel: str, reason: str) -> None:
    problem = check_problem(post(client, encode(convolve(PHOTOGRAPH, kernel))), 422, "bad-parameter")
    assert "layers is 2, but a single kernel of 3×3 gives the result" in problem["detail"]
    assert reason in problem["detail"]
    assert problem["errors"][0]["loc"] == ["query", "layers"]


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        (PHOTOGRAPH, PHOTOGRAPH[:50], "before is 320×240, after is 320×50"),
        (np.full((40, 40, 3), 7, np.uint8), PHOTOGRAPH[:40, :40], "'before' is one uniform colour"),
        (
            PHOTOGRAPH[:12, :12],
            NONLINEAR["threshold"](PHOTOGRAPH[60:72, :12]),
            "have 89 weights, which need 356",
        ),
    ],
)
def test_bad_pair_is_a_problem_without_a_stream(client: httpx2.Client, before: Any, after: Any, message: str) -> None:
    files = {"before": ("a.png", encode(before)), "after": ("b.png", encode(after))}
    response = client.post("/learn?layers=2", files=files)
    assert message in check_problem(response, 422, "bad-parameter")["detail"]


PARAMS = LayersParams(LearnParams(3, "auto"), 4, 1000)


def test_training_waits_for_a_full_queue_and_stops_when_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.tasks.pieces.CALL_SECONDS", 0.01)
    runner = RecordingRunner("layers-continue")
    asyncio.run(watch_and_cancel(follow_layers(runner, BEFORE, MEDIAN, PARAMS), runner))
    assert "layers-finish" not in runner.calls
    assert runner.sent_bytes < 4_000_000


def test_pair_with_the_errors_of_a_lossy_file_is_trained() -> None:
    """A single kernel gives the result up to what the JPEG lost, so `is_convolution` is true."""
    lossy = encode(convolve(PHOTOGRAPH, "blur"), "JPEG", quality=85, subsampling=0)
    params = LayersParams(LearnParams(3, "auto"), 4, 5)

    async def watch() -> list[Any]:
        return [event async for event in follow_layers(RecordingRunner("layers-continue"), BEFORE, lossy, params)]

    lesson = json.loads(asyncio.run(watch())[-1].document)
    assert lesson["is_convolution"]
    assert "noise of a lossy file" in lesson["reason"]
    assert lesson["gain_db"] < 1


def test_training_ends_after_the_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.tasks.pieces.MAX_SECONDS", 0.05)
    monkeypatch.setattr("app.tasks.pieces.CALL_SECONDS", 0.02)

    async def watch() -> list[Any]:
        return [event async for event in follow_layers(RecordingRunner("layers-continue"), BEFORE, MEDIAN, PARAMS)]

    name, document = asyncio.run(watch())[-1]
    lesson = json.loads(document)
    assert name == "lesson"
    assert any("of 1000 steps, which took 0.05 s, the limit" in note for note in lesson["notes"])
    assert lesson["gain_db"] > 0


def test_command_line_learns_layers(tmp_path: Any) -> None:
    before, after = tmp_path / "before.png", tmp_path / "after.png"
    before.write_bytes(BEFORE)
    after.write_bytes(MEDIAN)
    arguments = ["learn", before, after, "--layers", "2", "--filters", "4", "--steps", "30"]
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    lesson = json.loads(result.stdout)
    assert [operation["kernel"] for operation in lesson["operations"]] == ["conv", "relu", "conv"]
    plain = run(*arguments)
    assert f"a gain of {lesson['gain_db']:.1f} dB" in plain.stderr
    assert json.loads(plain.stdout) == lesson["operations"]
    steps = tmp_path / "steps.json"
    steps.write_text(plain.stdout)
    assert run("filter", f"@{steps}", before, "--output", tmp_path / "again.png").exit_code == 0
    again = decode((tmp_path / "again.png").read_bytes())
    assert np.abs(again - np.rint(np.clip(apply_operations(PHOTOGRAPH, lesson["operations"]), 0, 255))).max() <= 1
    wrong = run(*arguments, "--size", "10")
    assert (wrong.exit_code, "with layers=2 it may be 1 to 9" in wrong.stderr) == (2, True)
