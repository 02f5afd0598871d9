"""Seeing what goes on: a record of each request, and the logs, metrics and traces that are made of it."""
