"""A short training run for tests: `python -m tests.support.trainer FLOATX OPTIONS`.

OPTIONS are those of `models.train`. FLOATX is Keras' floating-point type, "float32" or "float64".
"""

import sys

from models.train import main
from models.training.config import TrainConfig

SHORT = TrainConfig(batch=16, real=70, validation=20, drawn=10, rubbish=10)  # 4 steps per epoch

if __name__ == "__main__":
    import keras

    keras.config.set_floatx(sys.argv[1])
    main([f"--batch={SHORT.batch}", *sys.argv[2:]], defaults=SHORT)
