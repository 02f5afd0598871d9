"""The web service and the command line: the only package that knows HTTP."""
