"""Tells Schemathesis what to send as a picture: real ones of every format, damaged ones, and random bytes."""

import schemathesis
from hypothesis import strategies as st

from app.pictures.formats import READABLE
from tests.fuzz.mutants import make_mutants, make_seeds

PICTURES = make_seeds()
SENT = st.one_of(st.sampled_from(PICTURES), st.sampled_from([*make_mutants(PICTURES, 50, seed=3)]), st.binary())

schemathesis.openapi.format("binary", SENT)
for format in READABLE:
    schemathesis.openapi.media_type(format.media_type, SENT)
