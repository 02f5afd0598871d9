"""ASGI middleware, one per module. None imports FastAPI."""
