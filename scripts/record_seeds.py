"""Add the test accuracy of runs with other seeds to a model's card: `python -m scripts.record_seeds RUN ...`."""

import argparse
from pathlib import Path
from statistics import fmean
from typing import Any

from models.model_folder import read_card, save_card
from models.reader.weights import BUNDLED_FOLDER


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path, help="model folders of runs that differ in the seed only")
    parser.add_argument("--model", type=Path, default=BUNDLED_FOLDER, help="model folder whose card is changed")
    given = parser.parse_args()
    card = read_card(given.model)
    card["figures"]["seeds"] = compare_seeds([card, *(read_card(run) for run in given.runs)])
    save_card(given.model, card)
    print(f"{len(given.runs) + 1} seeds, mean test accuracy {card['figures']['seeds']['mean_accuracy']:.4f}")


def compare_seeds(cards: list[dict[str, Any]]) -> dict[str, Any]:
    """Test accuracies after the last finished epoch. Raises SystemExit if the runs differ in configuration or data."""
    settings = [(card["config"] | {"seed": None}, card["data_sha256"]) for card in cards]
    if any(one != settings[0] for one in settings):
        raise SystemExit("The runs differ in more than the seed: configuration or data.")
    runs = [
        {
            "seed": card["config"]["seed"],
            "epochs": card["epochs_done"],
            "accuracy": card["figures"]["test"]["accuracy"],
            "weights_sha256": card["weights_sha256"],
        }
        for card in cards
    ]
    if len({run["seed"] for run in runs}) < len(runs):
        raise SystemExit("Two of the runs have the same seed.")
    return {"mean_accuracy": round(fmean(run["accuracy"] for run in runs), 6), "runs": runs}


if __name__ == "__main__":
    main()
