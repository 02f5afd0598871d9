"""One router a file; no pixel arithmetic in any of them."""
