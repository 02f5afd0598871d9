"""The image, from outside, with a read-only root and no capabilities. `scripts/test-container` builds it."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx2
import numpy as np
import pytest

from models.training.mnist import read_idx
from tests.support.images import decode, draw_blobs, draw_noise, encode
from tests.support.reference import assert_equal_to_rounding, correlate

ENGINE = os.environ.get("CONTAINER_ENGINE", "docker")
IMAGE = os.environ.get("CONTAINER_IMAGE", "")
START_SECONDS = 180
HARDENING = (
    "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--pids-limit", "512",
    "--memory", "4g",
)  # fmt: skip
SHARPEN = np.array([[0, -1, 0], [-1, 5, -1], [0, -1, 0]])

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not IMAGE, reason="scripts/test-container builds the image and runs these"),
]


def engine(*arguments: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([ENGINE, *arguments], check=check, capture_output=True, text=True, timeout=120)


@contextmanager
def run_container() -> Iterator[tuple[str, httpx2.Client]]:
    """(name, client) of a container that is ready."""
    name = f"convserve-test-{os.getpid()}-{time.monotonic_ns()}"
    engine("run", "--detach", "--name", name, "--publish", "127.0.0.1::8000", *HARDENING, IMAGE)
    try:
        address = engine("port", name, "8000").stdout.split()[0]
        with httpx2.Client(base_url=f"http://{address}", timeout=60) as client:
            wait_until_ready(name, client)
            yield name, client
    finally:
        engine("rm", "--force", name, check=False)


def wait_until_ready(name: str, client: httpx2.Client) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        try:
            if client.get("/readyz", timeout=5).status_code == 200:
                return
        except httpx2.TransportError:
            pass
        time.sleep(0.2)
    logs = engine("logs", name, check=False)
    pytest.fail(f"not ready after {START_SECONDS} s\n{logs.stdout}{logs.stderr}")


@pytest.fixture(scope="module")
def container() -> Iterator[tuple[str, httpx2.Client]]:
    with run_container() as running:
        yield running


def test_an_image_is_filtered(container: tuple[str, httpx2.Client]) -> None:
    _, client = container
    image = draw_noise(40, 50)
    reply = client.post("/filter/custom?weights=0,-1,0;-1,5,-1;0,-1,0", files={"file": ("a.png", encode(image))})
    assert reply.status_code == 200, reply.text
    assert_equal_to_rounding(decode(reply.content), correlate(image, SHARPEN))


def test_an_upload_that_is_kept_on_disk_while_it_comes(container: tuple[str, httpx2.Client]) -> None:
    """Forms of more than 1 MB are spooled to /tmp, all that may be written to."""
    _, client = container
    image = draw_blobs(800, 1000)
    reply = client.post("/filter/identity?format=png", files={"file": ("a.bmp", encode(image, "BMP"))})
    assert reply.status_code == 200, reply.text
    assert np.array_equal(decode(reply.content), image)


def test_the_digit_model_is_inside(container: tuple[str, httpx2.Client]) -> None:
    _, client = container
    folder = Path("tests/data/mnist-excerpt")
    digits = read_idx(folder / "t10k-images-idx3-ubyte.gz")[:20]
    labels = read_idx(folder / "t10k-labels-idx1-ubyte.gz")[:20]
    answers = [client.post("/classify", files={"file": ("a.png", encode(digit))}).json() for digit in digits]
    right = sum(answer["digit"] == label for answer, label in zip(answers, labels, strict=True))
    assert right >= 18, answers


def test_the_health_check_that_the_image_declares(container: tuple[str, httpx2.Client]) -> None:
    name, _ = container
    described = json.loads(engine("image", "inspect", IMAGE).stdout)[0]
    check = described["Config"].get("Healthcheck") or described["Healthcheck"]
    kind, *command = check["Test"]
    assert kind == "CMD"
    assert "ok" in engine("exec", name, *command).stdout
    nobody_there = ("env", "CONVSERVE_PORT=9", *command)
    assert engine("exec", name, *nobody_there, check=False).returncode != 0


def test_labels_name_version_and_revision() -> None:
    labels = json.loads(engine("image", "inspect", IMAGE).stdout)[0]["Config"]["Labels"]
    wanted = {"title": "convserve", "licenses": "Apache-2.0", "version": "0.0.0", "revision": "test"}
    assert {name: labels[f"org.opencontainers.image.{name}"] for name in wanted} == wanted


def test_it_may_do_nothing_but_its_work(container: tuple[str, httpx2.Client]) -> None:
    name, _ = container
    status = dict(
        line.split(":\t", 1)
        for line in engine("exec", name, "cat", "/proc/1/status").stdout.splitlines()
        if ":\t" in line
    )
    assert status["Uid"].split() == ["10001"] * 4
    assert int(status["CapEff"], 16) == 0
    assert status["NoNewPrivs"] == "1"
    mounts = [line.split() for line in engine("exec", name, "cat", "/proc/mounts").stdout.splitlines()]
    assert any(fields[1] == "/" and "ro" in fields[3].split(",") for fields in mounts)


@pytest.mark.parametrize("module", ["pip", "setuptools", "pytest", "hypothesis", "clang"])
def test_what_only_building_and_testing_need_is_not_inside(container: tuple[str, httpx2.Client], module: str) -> None:
    name, _ = container
    assert engine("exec", name, "/opt/convserve/bin/python", "-c", "import tensorflow, fastapi").returncode == 0
    missing = engine("exec", name, "/opt/convserve/bin/python", "-c", f"import {module}", check=False)
    assert f"No module named '{module}'" in missing.stderr


@pytest.mark.parametrize("tool", ["gcc", "cc", "c++", "clang", "make", "git", "curl"])
def test_no_compiler_is_inside(container: tuple[str, httpx2.Client], tool: str) -> None:
    name, _ = container
    assert engine("exec", name, "sh", "-c", f"command -v {tool}", check=False).returncode != 0


def test_sigterm_finishes_what_has_started() -> None:
    with run_container() as (name, client), ThreadPoolExecutor(1) as thread:
        image = encode(draw_blobs(2500, 2500), "BMP")
        post = thread.submit(client.post, "/filter/gaussian?sigma=8&format=jpeg", files={"file": ("a.bmp", image)})
        while client.get("/readyz").json().get("busy", 0) == 0:
            assert not post.done(), "the image was too small to be caught in work"
        engine("stop", "--time", "30", name)
        assert post.result().status_code == 200
        state = json.loads(engine("inspect", name).stdout)[0]["State"]
        logs = engine("logs", name)
    assert state["ExitCode"] == 0
    assert "Traceback" not in logs.stdout + logs.stderr
