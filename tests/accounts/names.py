"""What is no name of an account."""

from __future__ import annotations

from aio_token.testing.stores_laws import NO_NAMES as NO_TEXTS

NO_NAMES = (*NO_TEXTS, None, 7, b"alice", ("alice",))
