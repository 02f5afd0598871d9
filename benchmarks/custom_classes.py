"""Accuracy of classes of a user's own, with 5, 10 and 20 examples for each.

    python -m benchmarks.custom_classes

Letters and shapes are drawn with the stroke generator: glyphs with random warp, slant and pen. For each row, classes
and examples are drawn ten times. The network was trained with these letters as negatives, but not with these shapes.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.class_head import ModelReference, find_leave_one_out_errors, train_head
from models.reader.reader import DigitReader
from models.training.glyphs import OTHER_GLYPHS
from models.training.shape_glyphs import SHAPE_GLYPHS
from models.training.synthetic_digits import OTHER_STRENGTH, draw_field, parse_glyph

LETTERS = "AEFHKLMNRT"
CLASSES = (2, 5, 10)
EXAMPLES = (5, 10, 20)
TESTED = 100
"""New drawings of each class."""
REPETITIONS = 10
SEED = 24


def draw_class(variants: Sequence[str], count: int, generator: np.random.Generator) -> NDArray[np.float32]:
    glyphs = [parse_glyph(text) for text in variants]
    chosen = generator.integers(len(glyphs), size=count)
    fields = [draw_field(glyphs[number], generator, OTHER_STRENGTH) for number in chosen]
    return np.stack(fields).astype(np.float32) / 255


def main() -> None:
    reader = DigitReader.load()
    model = ModelReference(reader.model, reader.card["weights_sha256"])
    generator = np.random.default_rng(SEED)
    print(f"{REPETITIONS} repetitions, {TESTED} new drawings of each class, seed {SEED}\n")
    print("| drawings | classes | " + " | ".join(f"{count} examples" for count in EXAMPLES) + " |")
    print("| --- | --- | " + "--- | " * len(EXAMPLES))
    sets = {"letters": {letter: (OTHER_GLYPHS[letter],) for letter in LETTERS}, "shapes": SHAPE_GLYPHS}
    for name, glyphs in sets.items():
        pool, tested = (
            [
                reader.classifier.compute_features(draw_class(variants, TESTED, generator))
                for variants in glyphs.values()
            ]
            for _ in range(2)
        )
        for class_count in CLASSES:
            cells = []
            for example_count in EXAMPLES:
                right, left_out = [], []
                for _ in range(REPETITIONS):
                    chosen = generator.choice(len(pool), class_count, replace=False)
                    taken = [generator.choice(TESTED, example_count, replace=False) for _ in chosen]
                    features = np.concatenate([pool[one][rows] for one, rows in zip(chosen, taken, strict=True)])
                    classes = np.repeat(np.arange(class_count), example_count)
                    head = train_head(features, classes, [str(one) for one in chosen], model)
                    answers = head.classify(np.concatenate([tested[one] for one in chosen])).argmax(axis=1)
                    right.append(np.mean(answers == np.repeat(np.arange(class_count), TESTED)))
                    wrong = find_leave_one_out_errors(features, classes, class_count)
                    left_out.append(1 - len(wrong) / len(classes))
                cells.append(f"{100 * np.mean(right):.1f} % ({100 * np.mean(left_out):.1f} %)")
            print(f"| {name} | {class_count} | " + " | ".join(cells) + " |")
    print("\nIn brackets: what leaving one out reports, without new drawings.")


if __name__ == "__main__":
    main()
