"""`python -m aio_token.cli`, where no script is installed."""

from __future__ import annotations

from aio_token.cli import main

main()
