"""The error of an account that is not there."""

from __future__ import annotations

from aio_token._errors import SignInRequired
from aio_token._ground.public import public


@public
class UnknownAccount(SignInRequired):
    """Send the user to sign in: nothing is kept under this name, or nothing any more."""
