"""`convserve train`."""

import typer


def train(context: typer.Context) -> None:
    """Train a digit network. `convserve train --help` lists the options."""
    from models.train import main

    main(context.args, prog="convserve train")
