"""`convserve serve` and `convserve health`."""

import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.command_line import emboss, run
from tests.support.images import decode, draw_noise
from tests.support.paths import ROOT
from tests.support.service import find_free_port


def test_a_port_in_use_ends_the_start_with_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run("serve", "--port", port)
    assert result.exit_code == 2
    assert f"port {port}: Address already in use" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_a_bad_port_is_reported_as_the_option_or_the_setting_that_has_it() -> None:
    assert "--port is 99999: " in run("serve", "--port", "99999").stderr
    assert "CONVSERVE_PORT is '99999': " in run("serve", CONVSERVE_PORT="99999").stderr


def test_ray_that_is_not_installed_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.cli.options.find_spec", lambda name: None)
    result = run("serve", "--on", "ray")
    assert result.exit_code == 2
    assert "pip install 'convserve[ray]'" in result.stderr


@pytest.mark.parametrize(("token", "is_protected"), [("secret-token-0123456789", True), ("", False)])
def test_with_tokens_the_process_is_protected_before_the_app_has_them(
    monkeypatch: pytest.MonkeyPatch, token: str, is_protected: bool
) -> None:
    events: list[str] = []

    def create_app(*settings: Any) -> None:
        events.append("create")
        raise ValueError("the test ends here")

    monkeypatch.setattr("app.system.forbid_inspection", lambda: events.append("protect"))
    monkeypatch.setattr("app.main.create_app", create_app)
    assert run("serve", "--port", find_free_port(), CONVSERVE_TOKENS=token).exit_code == 2
    assert events == (["protect", "create"] if is_protected else ["create"])


@pytest.mark.slow
def test_a_service_answers_until_sigterm(photo: Path) -> None:
    port = find_free_port()
    assert run("health", CONVSERVE_PORT=str(port)).exit_code == 1
    server = subprocess.Popen(
        [sys.executable, "-m", "app", "serve", "--port", str(port)],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert server.stdout is not None
        first_line = server.stdout.readline()
        assert f"http://localhost:{port}/" in first_line
        assert f"http://localhost:{port}/docs" in first_line
        deadline = time.monotonic() + 60
        while run("health", CONVSERVE_PORT=str(port)).exit_code:
            assert time.monotonic() < deadline
            assert server.poll() is None
            time.sleep(0.2)
        assert run("health", "--url", f"http://127.0.0.1:{port}/").exit_code == 0
        curl = ["curl", "-sf", "-F", f"file=@{photo}", f"http://localhost:{port}/filter/emboss"]
        if shutil.which("curl"):
            reply = subprocess.run(curl, capture_output=True, check=True, timeout=60).stdout
            assert np.array_equal(decode(reply), emboss(draw_noise(12, 17)))
    finally:
        server.terminate()
        _, log = server.communicate(timeout=30)
    assert server.returncode in (0, -15, 143)
    assert "cpu_feature_guard" not in log
    assert "InitializeLog" not in log


def test_the_log_level_of_tensorflow_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "0")
    run("version")
    assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == "0"
