"""Handwritten digits: the reader, the bundled model and its training. Independent of HTTP."""

import os

# TensorFlow reads this once, when it is imported. Its start-up messages do not help a user.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
