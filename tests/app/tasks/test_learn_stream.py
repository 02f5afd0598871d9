"""`POST /learn?method=descent`: a stream of server-sent events, from a series of short tasks."""

import asyncio
import json
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from app.cli.commands import app
from app.tasks.learn import LearnParams
from app.tasks.learn_stream import follow_descent
from kernels import convolve
from kernels.learn.gradient_descent import descend, make_tensors, measure_gradient, start_descent
from kernels.learn.samples import make_pair
from tests.support.images import encode
from tests.support.learning import PHOTOGRAPH, RecordingRunner, watch_and_cancel

BEFORE = encode(PHOTOGRAPH)


def read_events(text: str) -> list[tuple[str, Any]]:
    """Parse server-sent events (HTML standard): one field per line, and an empty line after each event."""
    events = []
    for block in text.split("\n\n")[:-1]:
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        events.append((fields["event"], json.loads(fields["data"])))
    return events


def descend_by_http(client: TestClient, after: bytes, **query: Any) -> list[tuple[str, Any]]:
    files = {"before": ("a.png", BEFORE), "after": ("b.png", after)}
    response = client.post("/learn", params={"method": "descent", **query}, files=files)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/event-stream")
    return read_events(response.text)


@pytest.mark.parametrize(("kernel", "size"), [("blur", 3), ("emboss", 5)])
def test_loss_falls_and_kernel_converges(
    client: TestClient, kernel: str, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.tasks.pieces.MAX_SECONDS", 200)  # it converges even on a busy machine
    described = client.get(f"/kernels/{kernel}").json()
    after = client.post(f"/filter/{kernel}?format=png&response=offset", files={"file": BEFORE}).content
    events = descend_by_http(client, after, size=size)
    names = [name for name, _ in events]
    assert names[0] == "start"
    assert names[-1] == "lesson"
    assert set(names[1:-1]) == {"step"}
    steps = [data for name, data in events if name == "step"]
    assert len(steps) > 10
    assert [one["step"] for one in steps] == sorted({one["step"] for one in steps})
    start, lesson = events[0][1], events[-1][1]
    assert steps[-1]["loss"] < 0.1 * steps[0]["loss"]
    assert start["floor"] * 0.98 < steps[-1]["loss"] < 1.1 * start["floor"]
    weights = np.array(described["weights"], float).reshape(3, 3) / described["divisor"] / 2
    wanted = np.pad(weights, (size - 3) // 2)
    distances = [np.abs(np.array(one["weights"][0]) - wanted).max() for one in steps]
    assert distances[-1] < 0.02 * np.abs(wanted).max() < distances[0]
    assert (lesson["method"], lesson["is_convolution"]) == ("descent", True)
    assert lesson["kernels"][0]["bias"] == pytest.approx(128, abs=1)
    assert lesson["kernels"][0]["psnr_db"] > 45
    assert "Converged in" in lesson["notes"][-1]


def test_channels_can_have_different_kernels(client: TestClient) -> None:
    mixed = PHOTOGRAPH.copy()
    mixed[:, :, 2] = convolve(PHOTOGRAPH, "blur")[:, :, 2]
    events = descend_by_http(client, encode(mixed))
    assert not events[0][1]["shared"]
    red, _, blue = (np.array(one["weights"]) for one in events[-1][1]["kernels"])
    np.testing.assert_allclose(red, np.pad([[1]], 1), atol=0.02)
    np.testing.assert_allclose(blue, np.outer([1, 2, 1], [1, 2, 1]) / 16, atol=0.02)


def test_result_says_if_the_change_is_not_a_convolution(client: TestClient) -> None:
    turned = encode(np.ascontiguousarray(PHOTOGRAPH[::-1]))
    lesson = descend_by_http(client, turned, steps=5)[-1][1]
    assert not lesson["is_convolution"]
    assert "turned or mirrored" in lesson["reason"]
    assert "Stopped after 5 steps" in lesson["notes"][-1]
    absolute = client.post("/filter/edge?format=png", files={"file": BEFORE}).content
    lesson = descend_by_http(client, absolute, steps=5)[-1][1]
    assert not lesson["is_convolution"]
    assert "choose method=least-squares" in lesson["reason"]


def test_bad_pair_is_a_problem_without_a_stream(client: TestClient) -> None:
    files = {"before": ("a.png", BEFORE), "after": ("b.png", encode(PHOTOGRAPH[:50]))}
    response = client.post("/learn?method=descent", files=files)
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"


def test_gradient_equals_differences_of_the_loss() -> None:
    """The reference is differences of the loss, in float64. The bias of each channel is its mean residual."""
    pair = make_pair(PHOTOGRAPH[:40, :40], convolve(PHOTOGRAPH[:40, :40], "emboss", response="offset"))
    descent = start_descent(pair, 3, shared=True)
    weights = np.random.default_rng(0).normal(size=(3, 3, 1, 1)).astype(np.float32)

    def measure(weights: Any) -> float:
        planes, wanted = descent.inputs[..., 0].astype(float), descent.targets[..., 0].astype(float)
        height, width = wanted.shape[1:]
        sums = sum(weights[y, x, 0, 0] * planes[:, y : y + height, x : x + width] for y in range(3) for x in range(3))
        usable = descent.usable[..., 0]
        residuals = [plane[where] for plane, where in zip(sums - wanted, usable, strict=True)]
        return float(np.concatenate([(part - part.mean()) ** 2 for part in residuals]).mean())

    loss, gradient = measure_gradient(weights, *make_tensors(descent))
    assert loss / 50**2 == pytest.approx(measure(weights), rel=1e-4)
    for place in np.ndindex(3, 3):
        step = np.zeros((3, 3, 1, 1))
        step[place] = 1e-4
        slope = (measure(weights + step) - measure(weights - step)) / 2e-4
        assert gradient[place][0, 0] == pytest.approx(slope, rel=1e-3, abs=1e-4)


def test_descent_in_pieces_equals_descent_in_one_piece() -> None:
    pair = make_pair(PHOTOGRAPH, convolve(PHOTOGRAPH, "blur"))
    whole, _ = descend(start_descent(pair, 3, shared=True), 12, 60)
    pieces = start_descent(pair, 3, shared=True)
    for _ in range(4):
        pieces, _ = descend(pieces, 3, 60)
    assert pieces.step == whole.step == 12
    np.testing.assert_array_equal(pieces.weights, whole.weights)


def test_descent_waits_for_a_full_queue_and_stops_when_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.tasks.pieces.CALL_SECONDS", 0.01)
    runner = RecordingRunner("learn-continue")
    after = encode(convolve(PHOTOGRAPH, "blur"))
    asyncio.run(watch_and_cancel(follow_descent(runner, BEFORE, after, LearnParams(3, "auto"), 400), runner))
    assert "learn-finish" not in runner.calls


def test_command_line_learns_by_gradient_descent(tmp_path: Any) -> None:
    before, after = tmp_path / "before.png", tmp_path / "after.png"
    before.write_bytes(BEFORE)
    after.write_bytes(encode(convolve(PHOTOGRAPH, "sharpen")))
    result = CliRunner().invoke(app, ["learn", str(before), str(after), "--method", "descent", "--json"])
    assert result.exit_code == 0, result.output
    lesson = json.loads(result.stdout)
    assert lesson["method"] == "descent"
    np.testing.assert_allclose(lesson["kernels"][0]["weights"], [[0, -1, 0], [-1, 5, -1], [0, -1, 0]], atol=0.05)
    plain = CliRunner().invoke(app, ["learn", str(before), str(after), "--shared", "true"])
    assert "nearest sharpen" in plain.stdout
    assert "/filter/custom?weights=0,-1,0;-1,5,-1;0,-1,0" in plain.stdout
    wrong = CliRunner().invoke(app, ["learn", str(before), str(after), "--method", "guess"])
    assert wrong.exit_code == 2
    assert "--method guess: Input should be 'least-squares' or 'descent'" in wrong.output
