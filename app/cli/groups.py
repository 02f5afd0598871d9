"""A command with subcommands and a default one: `convserve model` is `convserve model show`."""

from typing import Any

from typer.core import TyperGroup


class DefaultCommandGroup(TyperGroup):
    """Runs its first command if the arguments name none."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        named = args and (args[0] in self.commands or args[0] in ctx.help_option_names)
        return super().parse_args(ctx, args if named else [next(iter(self.commands)), *args])
