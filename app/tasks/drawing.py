"""Distances and colours of contact sheets."""

GAP_PX = 8
"""Between images, and around them."""
PAPER = (255, 255, 255)
INK = (24, 24, 24)
