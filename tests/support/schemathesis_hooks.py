"""Tells Schemathesis what to send as an image: real ones of every format, a digit, damaged ones, and random bytes."""

from typing import Any
from urllib.parse import quote

import schemathesis
from hypothesis import strategies as st

from app.images.formats import READABLE
from tests.support.digit_images import write_line
from tests.support.images import encode
from tests.support.mutants import make_mutants, make_seeds

IMAGES = [encode(write_line([7]), "PNG"), *make_seeds()]
"""The digit is first, because it is sent most. Some others are blank, and /classify/explain rejects a blank image."""
LONGEST_PATH_BYTES = 20_000
MUTANTS = [*make_mutants(IMAGES, 50, seed=3)]
SENT = st.one_of(st.sampled_from(IMAGES), st.sampled_from(MUTANTS), st.binary())

schemathesis.openapi.format("binary", SENT)
for format in READABLE:
    schemathesis.openapi.media_type(format.media_type, SENT)


@schemathesis.hook
def filter_case(context: schemathesis.HookContext, case: Any) -> bool:
    """Leaves out what is beyond CONVSERVE_MAX_HEADER_BYTES: the server answers 431 before any route is known."""
    return len(quote(str([case.path_parameters, case.query]))) < LONGEST_PATH_BYTES
