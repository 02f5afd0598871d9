"""The `convserve` command, one module per subcommand."""
