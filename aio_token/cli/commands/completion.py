"""`aio-token completion`: what a shell needs to complete commands, options and profiles."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

_SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(_SHELLS))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print what completes commands, options and profiles, for a shell's start-up file.

    bash and zsh: eval "$(aio-token completion bash)". fish: aio-token completion fish | source.
    """
    kind, app = get_completion_class(shell), context.find_root().command
    assert kind is not None  # noqa: S101  click knows these three
    click.echo(kind(app, {}, "aio-token", "_AIO_TOKEN_COMPLETE").source())
