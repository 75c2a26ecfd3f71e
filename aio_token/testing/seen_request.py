"""A request as a server saw it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aio_token._ground.public import public

if TYPE_CHECKING:
    from typing import Any

    from multidict import CIMultiDictProxy, MultiMapping


@public
@dataclass(frozen=True, slots=True, kw_only=True)
class SeenRequest:
    """What came; `form` is its body, where that was a form: `form["scope"]`, or `form.getall("resource")`."""

    method: str
    path: str
    headers: CIMultiDictProxy[str] = field(repr=False)
    form: MultiMapping[Any] | None = field(repr=False, default=None)
