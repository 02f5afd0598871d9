"""BMP, read as Chromium reads it. Pillow rejects most bit fields, and paints skipped pixels black."""
