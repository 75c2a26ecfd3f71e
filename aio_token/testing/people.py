"""What people are asked by an authorization server: device codes to enter, and programs to let in."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aio_token.testing.pushing import Pushed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aio_token.testing.ledger import Details
    from aio_token.testing.rules import Rules

SLOWER = 5.0  # seconds that a device has to wait longer after `slow_down` (RFC 8628 section 3.5)


@dataclass(eq=False, slots=True, repr=False)
class DeviceRequest:
    """A device that waits for a person; `approved` None means that the person has not answered."""

    client_id: str
    scope: str | None
    user_code: str
    rules: Rules
    ends_at: float
    interval: float
    code_challenge: str | None = None
    details: Details = None
    user: str = ""
    approved: bool | None = None
    next_poll: float = 0.0

    def polled_too_soon(self) -> bool:
        """Note a poll, and tell whether it came before its time."""
        now = self.rules.clock.monotonic()
        soon = now < self.next_poll
        self.interval += SLOWER if soon else 0.0
        self.next_poll = now + self.interval
        return soon

    # What Authlib asks a device credential.

    def is_expired(self) -> bool:
        """Whether the code has ended."""
        return self.ends_at <= self.rules.clock.monotonic()

    def get_client_id(self) -> str:
        """Return the client's identifier."""
        return self.client_id

    def get_scope(self) -> str | None:
        """Return the scope that was asked for."""
        return self.scope

    def get_user_code(self) -> str:
        """Return the code that the person enters."""
        return self.user_code


@dataclass(frozen=True, eq=False, slots=True, repr=False)
class Code:
    """An authorization code's meaning (RFC 6749 section 4.1.2); `key` is what has to be proved with it, "" if none."""

    client_id: str
    user: str
    scope: str | None
    redirect_uri: str
    code_challenge: str
    details: Details = None
    resource: str | None = None
    code_challenge_method: str = "S256"
    key: str = ""

    # What Authlib asks an authorization code.

    def get_redirect_uri(self) -> str:
        """Return where the code was sent."""
        return self.redirect_uri

    def get_scope(self) -> str | None:
        """Return the scope that was agreed to."""
        return self.scope


class People:
    """The codes under way. Secret ones are known by their digests, as in a server's database."""

    def __init__(self, rules: Rules, address: Callable[[], str]) -> None:
        self.rules: Rules = rules
        self.address: Callable[[], str] = address
        self.pushed: Pushed = Pushed(rules)
        self._devices: dict[bytes, DeviceRequest] = {}
        self._codes: dict[bytes, Code] = {}

    def begin(
        self,
        asked: Mapping[str, str],
        client_id: str,
        scope: str | None,
        codes: Mapping[str, str],
        details: Details,
    ) -> None:
        """Note a device that waits: what it asked, and the codes that it was given."""
        rules = self.rules
        self._devices[_digest(codes["device_code"])] = DeviceRequest(
            client_id,
            scope,
            codes["user_code"],
            rules,
            rules.clock.monotonic() + rules.device_lifetime,
            rules.device_interval,
            asked.get("code_challenge"),
            details,
        )

    def device(self, device_code: str) -> DeviceRequest | None:
        """Look a device code up."""
        return self._devices.get(_digest(device_code))

    def waiting(self) -> list[DeviceRequest]:
        """Return the devices that nobody has answered yet."""
        return [device for device in self._devices.values() if device.approved is None and not device.is_expired()]

    def answer(self, user_code: str, user: str, *, approved: bool) -> None:
        """Answer a device. Raises LookupError if none that waits shows this code."""
        for device in self.waiting():
            if device.user_code == user_code:
                device.user, device.approved = user, approved
                return
        message = f"no device that waits shows the code {user_code}"
        raise LookupError(message)

    def decision(self, user_code: str) -> tuple[str, bool] | None:
        """Return who answered a device and whether they agreed, None as long as nobody has."""
        return next(
            (
                (device.user, device.approved)
                for device in self._devices.values()
                if device.user_code == user_code and device.approved is not None
            ),
            None,
        )

    def spend_device(self, device: DeviceRequest) -> None:
        """Forget a device that has its token."""
        self._devices = {code: other for code, other in self._devices.items() if other is not device}

    def new_code(self, code: Code) -> str:
        """Return an authorization code."""
        text = f"kit-code-{secrets.token_urlsafe(24)}"
        self._codes[_digest(text)] = code
        return text

    def spend_code(self, text: str) -> Code | None:
        """Return what an authorization code stands for, once."""
        return self._codes.pop(_digest(text), None)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
