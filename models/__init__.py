"""Handwritten digits: the reader, the bundled model and its training. Independent of HTTP."""
