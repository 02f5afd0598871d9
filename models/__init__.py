"""Handwritten digits: the reader, the bundled model and its training. Independent of HTTP."""

import os

# TensorFlow reads these once, when it is imported, as in `kernels/__init__.py`.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
