"""Lessons of the web page: TOML files with text, the state of the page to begin with, and tasks with checks."""
