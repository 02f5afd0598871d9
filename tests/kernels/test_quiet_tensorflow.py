"""In new processes: TensorFlow prints its messages only once, when it is imported."""

import os
import platform
import subprocess
import sys

import pytest

VARIABLES = ("TF_CPP_MIN_LOG_LEVEL", "TF_ENABLE_ONEDNN_OPTS")

CONVOLVE = """
import numpy as np
from kernels import convolve
convolve(np.zeros((8, 8), np.uint8), "emboss")
"""
READ = """
import numpy as np
from models.reader.inference import Inference
from models.model_folder import read_model_folder
from models.reader.reader import BUNDLED_FOLDER
Inference(read_model_folder(BUNDLED_FOLDER)[0]).compute_logits(np.zeros((1, 28, 28), np.float32))
"""
WRITE = """
import os
from kernels.quiet_tensorflow import remove_messages
with remove_messages():
    os.write(2, b"I0000 00:00:17 1 port.cc:153] of TensorFlow\\nof another thread\\n")
os.write(2, b"later\\n")
"""


def run(program: str, **variables: str) -> str:
    """What the program writes to stderr."""
    environment = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment | variables, capture_output=True, text=True, check=True
    )
    return done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("program", [CONVOLVE, READ], ids=["convolve", "read"])
def test_first_use_prints_nothing(program: str) -> None:
    assert run(program) == ""


@pytest.mark.slow
def test_messages_can_be_turned_on() -> None:
    assert "oneDNN custom operations are on" in run(CONVOLVE, TF_CPP_MIN_LOG_LEVEL="0")


@pytest.mark.slow
@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="oneDNN is the library of x86 processors")
def test_convolutions_run_in_onednn_on_every_processor() -> None:
    program = CONVOLVE.replace("8, 8", "80, 80")
    done = subprocess.run(
        [sys.executable, "-c", program], env=os.environ | {"ONEDNN_VERBOSE": "1"}, capture_output=True, text=True
    )
    assert "primitive,exec,cpu,convolution" in done.stdout


def test_other_lines_are_kept_in_order() -> None:
    assert run(WRITE) == "of another thread\nlater\n"
