"""`convserve kernels`, and kernels of CONVSERVE_KERNELS_FILE."""

import json
from pathlib import Path

import pytest

from kernels.catalogue import ENTRIES
from kernels.layers.catalogue import LAYERS
from tests.support.command_line import run, run_process


def test_all_kernels_are_listed() -> None:
    lines = run("kernels").stdout.splitlines()
    assert [line.split()[0] for line in lines[: len(ENTRIES)]] == [entry.name for entry in ENTRIES]
    layers = lines[lines.index("Layers, over all channels:") + 1 :]
    assert [line.split()[0] for line in layers] == [entry.name for entry in LAYERS] + ["mnist-conv1", "mnist-conv2"]


def test_one_layer() -> None:
    lines = run("kernels", "sepia").stdout.splitlines()
    assert lines[0] == "sepia: Sepia"
    assert "weights 1x1, 3 inputs, 3 outputs" in lines
    assert "0.393    0.769    0.189" in lines[-3]
    document = json.loads(run("kernels", "hue", "--json").stdout)
    assert (document["kind"], document["parameters"]["properties"]["angle"]["maximum"]) == ("conv", 360)


def test_one_kernel_is_shown_with_its_weights() -> None:
    result = run("kernels", "Top_Sobel")
    assert [[float(n) for n in line.split()] for line in result.stdout.strip().splitlines()[-3:]] == [
        [1, 2, 1], [0, 0, 0], [-1, -2, -1]
    ]  # fmt: skip


def test_one_kernel_is_shown_with_its_parameters() -> None:
    assert "sigma" in run("kernels", "gaussian").stdout


def test_a_misspelt_name_gets_a_suggestion() -> None:
    unknown = run("kernels", "gausian")
    assert unknown.exit_code == 2
    assert "gaussian" in unknown.stderr


def test_json_has_the_weights() -> None:
    listed = json.loads(run("kernels", "--json").stdout)
    assert [kernel["name"] for kernel in listed][: len(ENTRIES)] == [entry.name for entry in ENTRIES]
    assert json.loads(run("kernels", "sharpen", "--json").stdout)["weights"] == [[0, -1, 0], [-1, 5, -1], [0, -1, 0]]


def test_a_kernel_of_the_kernels_file_is_listed(tmp_path: Path) -> None:
    file = tmp_path / "kernels.toml"
    file.write_text("[kernels.shift-left]\nweights = [[0, 0, 1]]\ntitle = 'One pixel to the left'\n")
    assert "One pixel to the left" in run("kernels", CONVSERVE_KERNELS_FILE=str(file)).stdout


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[kernels.a", "TOML"),
        ("", "[kernels"),
        ("[kernels.blur]\nweights = [[1]]", "'blur'"),
        ("[kernels.custom]\nweights = [[1]]", "'custom'"),
        ("[kernels.a]\ntitle = 'x'", "weights"),
        ("[kernels.a]\nweights = [[1, 2], [3]]", "'a'"),
        ("[kernels.a]\nweights = [[0]]", "'a'"),
        ("[kernels.a]\nweights = [[1]]\ndivisor = 0", "divisor"),
        ("[kernels.a]\nweights = [[1]]\nresponse = 'sepia'", "response"),
        ("[kernels.a]\nweights = [[1]]\nnonsense = 1", "nonsense"),
        ("[kernels.'a b/c']\nweights = [[1]]", "a b/c"),
        ("[other]\nx = 1", "[kernels"),
    ],
)
def test_a_bad_kernels_file_ends_the_start_with_one_line(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "kernels.toml"
    file.write_text(text)
    result = run("serve", CONVSERVE_KERNELS_FILE=str(file))
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    assert str(file) in result.stderr
    assert says in result.stderr


@pytest.mark.slow
def test_a_missing_kernels_file_ends_the_process_with_one_line(tmp_path: Path) -> None:
    result = run_process("serve", CONVSERVE_KERNELS_FILE=str(tmp_path / "none.toml"))
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert "none.toml" in result.stderr
    assert "No such file" in result.stderr
