"""The kit that this package tests itself with: servers on loopback, a clock by hand, and a stand-in for each seam.

The names below are loaded when they are first used (PEP 562): a ManualClock does not bring a web server with it.
Fixtures for pytest are in `aio_token.testing.fixtures`; nothing is loaded by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aio_token._ground.public import lazily

if TYPE_CHECKING:
    from collections.abc import Callable

    from aio_token.testing.authorization_server import AuthorizationServer as AuthorizationServer
    from aio_token.testing.certificates import CertificateAuthority as CertificateAuthority
    from aio_token.testing.clock import ManualClock as ManualClock
    from aio_token.testing.fakes import FixedSource as FixedSource
    from aio_token.testing.fakes import RecordingObserver as RecordingObserver
    from aio_token.testing.fakes import ScriptedGrant as ScriptedGrant
    from aio_token.testing.fakes import credential as credential
    from aio_token.testing.fakes import token as token
    from aio_token.testing.faults import Altered as Altered
    from aio_token.testing.faults import Broken as Broken
    from aio_token.testing.faults import Dropped as Dropped
    from aio_token.testing.faults import RateLimited as RateLimited
    from aio_token.testing.faults import Silent as Silent
    from aio_token.testing.faults import Slow as Slow
    from aio_token.testing.halting_store import HaltingStore as HaltingStore
    from aio_token.testing.halting_store import StoreStep as StoreStep
    from aio_token.testing.hold import Hold as Hold
    from aio_token.testing.loopback import Fault as Fault
    from aio_token.testing.loopback import LoopbackServer as LoopbackServer
    from aio_token.testing.protected_api import ProtectedAPI as ProtectedAPI
    from aio_token.testing.protected_api import TokenCheck as TokenCheck
    from aio_token.testing.refusal import INSUFFICIENT_SCOPE as INSUFFICIENT_SCOPE
    from aio_token.testing.refusal import INVALID_TOKEN as INVALID_TOKEN
    from aio_token.testing.refusal import NO_CHALLENGE as NO_CHALLENGE
    from aio_token.testing.refusal import NO_TOKEN as NO_TOKEN
    from aio_token.testing.refusal import TWO_HEADERS as TWO_HEADERS
    from aio_token.testing.refusal import Refusal as Refusal
    from aio_token.testing.registered_client import RegisteredClient as RegisteredClient
    from aio_token.testing.seen_request import SeenRequest as SeenRequest

__getattr__: Callable[[str], Any]
__dir__: Callable[[], list[str]]
__getattr__, __dir__, __all__ = lazily(  # pyright: ignore[reportUnsupportedDunderAll]
    __name__,
    {
        "authorization_server": ("AuthorizationServer",),
        "certificates": ("CertificateAuthority",),
        "clock": ("ManualClock",),
        "fakes": ("FixedSource", "RecordingObserver", "ScriptedGrant", "credential", "token"),
        "faults": ("Altered", "Broken", "Dropped", "RateLimited", "Silent", "Slow"),
        "halting_store": ("HaltingStore", "StoreStep"),
        "hold": ("Hold",),
        "loopback": ("Fault", "LoopbackServer"),
        "protected_api": ("ProtectedAPI", "TokenCheck"),
        "refusal": ("INSUFFICIENT_SCOPE", "INVALID_TOKEN", "NO_CHALLENGE", "NO_TOKEN", "TWO_HEADERS", "Refusal"),
        "registered_client": ("RegisteredClient",),
        "seen_request": ("SeenRequest",),
    },
)
