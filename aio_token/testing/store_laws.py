"""What every `TokenStore` keeps, as a suite that any store can be put through.

Derive a class from `StoreLaws` in a test file, and say how a store is made:

    class TestMyStore(StoreLaws):
        def make(self) -> TokenStore:
            return MyStore(...)

pytest and unittest's runners both find its `test_` methods; no plugin is needed, for each runs a loop of its own.
"""

from __future__ import annotations

from aio_token.testing._holding_laws import HoldingLaws
from aio_token.testing._keeping_laws import KeepingLaws


class StoreLaws(KeepingLaws, HoldingLaws):
    """The laws of a store, one test each.

    Say how a store is made, by `make` or by `open`; all stores that one test makes are handles on the same storage,
    which is empty when the test begins. `token_size` is the length of the longest access token that the store must
    take. `lapse` ends a hold before its time, for a store whose `slot.lasts` is a number of seconds.
    """
