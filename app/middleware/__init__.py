"""ASGI middleware, one per module: observation, headers, authentication, limits and disconnects."""
