"""HTTP input and output, on FastAPI: routes, uploads, parameters, problems and responses."""
