"""JWTs for those who only read them."""

from __future__ import annotations

import base64
import json


def unsigned(claims: object) -> str:
    """Make an unsigned JWT."""
    return f"e30.{base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.x"
