"""A request as a server saw it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from multidict import CIMultiDictProxy


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenRequest:
    """What came; `form` holds the members of a form body, the first value of each."""

    method: str
    path: str
    headers: CIMultiDictProxy[str] = field(repr=False)
    form: Mapping[str, str] = field(repr=False, default_factory=dict)
