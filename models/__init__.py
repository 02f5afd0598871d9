"""The digit network: its training, the bundled model and what stands before and behind it. Knows no HTTP."""
