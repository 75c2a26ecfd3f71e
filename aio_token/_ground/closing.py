"""What is closed when the block ends that it was made for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self


class Closing:
    """Is closed at the end of an `async with` block."""

    __slots__ = ()

    if TYPE_CHECKING:

        async def aclose(self) -> None:
            """Close it."""
            ...

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()
