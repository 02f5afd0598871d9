"""`convserve version`."""

import typer


def print_version() -> None:
    """Print the version."""
    from importlib.metadata import version

    typer.echo(version("convserve"))
