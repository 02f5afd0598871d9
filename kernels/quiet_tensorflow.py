"""Import TensorFlow with oneDNN, and without the messages that it prints at its start.

oneDNN has the fast convolutions. By itself, TensorFlow uses it only on processors with AVX-512 VNNI or newer
(`DefaultOneDnnPolicy` in its port.cc), although it is 20 times faster with AVX2, too.
"""

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

STDERR = 2  # the file descriptor: the messages come from C++
MESSAGE = re.compile(rb"WARNING: All log messages before absl::InitializeLog|[IW]\d{4} \d\d:\d\d:\d\d")


def import_tensorflow() -> Any:
    """The module `tensorflow`. Set TF_CPP_MIN_LOG_LEVEL=0 to see its messages, TF_ENABLE_ONEDNN_OPTS=0 to import it
    without oneDNN."""
    if "tensorflow" not in sys.modules:
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
        if os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2") != "0":
            with remove_messages():
                import tensorflow
    import tensorflow

    return tensorflow


@contextmanager
def remove_messages() -> Iterator[None]:
    """Hold back what is written to stderr, and then write the lines that are not TensorFlow's."""
    sys.stderr.flush()
    stderr = os.dup(STDERR)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), STDERR)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(stderr, STDERR)
            os.close(stderr)
            held.seek(0)
            os.write(STDERR, b"".join(line for line in held if not MESSAGE.match(line)))
