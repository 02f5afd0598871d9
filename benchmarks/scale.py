"""From what a request costs to how many machines a load takes: docs/engineering/scaling.md.

    python -m benchmarks.scale measure    # what a request costs on this machine: half a minute
    python -m benchmarks.scale validate   # the real service with 1 and 2 workers under load: two minutes
    python -m benchmarks.scale simulate   # the same simulated, and what instances of several sizes carry
    .venv/bin/python scripts/document.py  # the tables in docs/engineering/scaling.md

Each writes its part of benchmarks/results/ and reads what those before it wrote.
"""

import argparse
import asyncio
from pathlib import Path

from pydantic import BaseModel

from benchmarks.measurement import Profile, measure
from benchmarks.sizing import Sizes, find_sizes
from benchmarks.validation import Validation, add_simulation, validate

RESULTS = Path(__file__).parent / "results"
PROFILE = RESULTS / "scale-profile.json"
VALIDATION = RESULTS / "scale-validation.json"
SIZES = RESULTS / "scale-sizes.json"


def read_profile() -> Profile:
    return Profile.model_validate_json(PROFILE.read_text())


def read_validation() -> Validation:
    return Validation.model_validate_json(VALIDATION.read_text())


def read_sizes() -> Sizes:
    return Sizes.model_validate_json(SIZES.read_text())


def write(path: Path, result: BaseModel) -> None:
    path.write_text(result.model_dump_json(indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("measure", "validate", "simulate"))
    what = parser.parse_args().what
    if what == "measure":
        write(PROFILE, asyncio.run(measure()))
    elif what == "validate":
        write(VALIDATION, validate(read_profile()))
    else:
        write(VALIDATION, add_simulation(read_profile(), read_validation()))
        write(SIZES, find_sizes(read_profile()))


if __name__ == "__main__":
    main()
