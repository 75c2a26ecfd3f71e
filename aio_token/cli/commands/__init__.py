"""The commands: a module each, named like it, with the command in it."""
