"""One training process of the tests: `python -m tests.support.trainer FLOATX OPTIONS`, those of `models.train`.

All is as in `models.train`, but for epochs that are short enough for a test and, with `float64`, numbers of 64 bits.
"""

import sys

from models.train import main
from models.training.config import TrainConfig

SHORT = TrainConfig(batch=16, real=70, validation=20, drawn=10, rubbish=10)  # 4 steps an epoch

if __name__ == "__main__":
    import keras

    keras.config.set_floatx(sys.argv[1])
    main(sys.argv[2:], defaults=SHORT)
