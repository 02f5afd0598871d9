"""Keep TensorFlow's greeting off the terminal of somebody who only wants an image filtered."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

GREETING = (b"absl::InitializeLog", b"oneDNN custom operations", b"cpu_feature_guard", b"To enable the following instr")


@contextmanager
def without_greeting() -> Iterator[None]:
    """TensorFlow's C++ side greets on stderr past every setting; whatever else it says is passed on afterwards."""
    sys.stderr.flush()
    terminal = os.dup(2)
    with tempfile.TemporaryFile() as kept:
        os.dup2(kept.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)
            kept.seek(0)
            for line in kept:
                if not any(part in line for part in GREETING):
                    os.write(2, line)
