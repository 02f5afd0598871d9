"""The look of contact sheets."""

GAP_PX = 8
"""Between images, and at the edges of the sheet."""
PAPER = (255, 255, 255)
INK = (24, 24, 24)
