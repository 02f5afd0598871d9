"""Keep TensorFlow's start-up messages off stderr.

TensorFlow logs its CPU features, oneDNN and the start of absl's logging when it is imported. It reads its log level
from the environment at that moment, so the level has to be set before. This is in `app.tasks` because worker processes
and the command line both import that package. `models.train` sets the same variable, because models may not import app.
"""

import os

LOG_LEVEL_VARIABLE = "TF_CPP_MIN_LOG_LEVEL"
ERRORS_ONLY = "2"


def quiet_startup() -> None:
    """Let TensorFlow log only errors, unless the variable is already set. Call it before TensorFlow is imported."""
    os.environ.setdefault(LOG_LEVEL_VARIABLE, ERRORS_ONLY)
