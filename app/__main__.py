"""`python -m app` is the command `convserve`."""

from app.cli.commands import main

if __name__ == "__main__":
    main()
