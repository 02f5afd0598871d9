"""The HTTP server: uvicorn with timeouts, load shedding and a graceful shutdown. It knows no app and no framework."""
