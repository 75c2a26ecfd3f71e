"""`python -m aio_token`: the command line, where its script is not on the path."""

from __future__ import annotations

from aio_token.cli import main

main()
