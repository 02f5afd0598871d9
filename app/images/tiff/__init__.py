"""TIFF: pages of samples in strips or tiles, read without loss or not at all, and written in 16 bits."""
