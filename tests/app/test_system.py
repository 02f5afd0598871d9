"""Protection of a process against inspection by other processes of the same user."""

import os
import subprocess
import sys
from typing import Any

import pytest

from tests.support.paths import ROOT

NOBODY = 65534
DROP_ROOT = f"""
import ctypes, os
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid({NOBODY})
    os.setuid({NOBODY})
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # setuid() cleared it; a program that starts as this user has it
"""
"""Root may inspect every process. So as root, the inspected process and the reader run as another user."""


def run_as_same_user(command: list[str]) -> "subprocess.CompletedProcess[bytes]":
    user: dict[str, Any] = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
    return subprocess.run(command, capture_output=True, timeout=30, **user)


@pytest.mark.skipif(sys.platform != "linux", reason="Linux only")
@pytest.mark.parametrize("file", ["environ", "mem"])
@pytest.mark.parametrize("protected", [True, False])
def test_another_process_of_the_user_cannot_read_environment_and_memory(file: str, protected: bool) -> None:
    code = f"from app.system import forbid_inspection\n{DROP_ROOT}\n"
    code += "forbid_inspection()\n" if protected else ""
    code += "print('ready', flush=True)\ninput()\n"
    environment = os.environ | {"CONVSERVE_TOKENS": "secret-token-0123456789"}
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        # `head -c 0` opens the file of the memory, whose first page is not mapped.
        command = ["cat"] if file == "environ" else ["head", "-c", "0"]
        reading = run_as_same_user([*command, f"/proc/{process.pid}/{file}"])
    finally:
        process.communicate(b"\n", timeout=30)
    assert process.returncode == 0
    if protected:
        assert reading.returncode != 0
        assert b"Permission denied" in reading.stderr
        assert b"secret-token" not in reading.stdout
    else:
        assert reading.returncode == 0, reading.stderr
        assert file == "mem" or b"secret-token-0123456789" in reading.stdout
