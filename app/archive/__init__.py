"""Archives of pictures of any number, on any file system that fsspec knows: here on all cores, or on Ray."""
