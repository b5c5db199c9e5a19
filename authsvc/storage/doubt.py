"""Does a store still answer? While that is in doubt, one caller at a time finds out, and the others are refused at once.

A store that hangs would otherwise take every thread of the process with it, one time-out after another, and whoever needs
something else would wait behind them.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from authsvc.errors import Unavailable

_FREELY: AbstractContextManager[None] = nullcontext()


class Doubt:
    """Raised by whoever waited in vain, settled by whoever got an answer. `refusal` is what the others are told."""

    def __init__(self, refusal: str) -> None:
        self._refusal = refusal
        self._is_raised = False
        self._asking = threading.Lock()

    def asking(self) -> AbstractContextManager[None]:
        """Around a call to the store; raises Unavailable when somebody else is finding out whether it answers."""
        return self._alone() if self._is_raised else _FREELY

    def raise_(self) -> None:
        """The store did not answer in time."""
        self._is_raised = True

    def settle(self) -> None:
        """The store has answered."""
        self._is_raised = False

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if not self._asking.acquire(blocking=False):
            raise Unavailable(self._refusal, retry_after=1)
        try:
            yield
        finally:
            self._asking.release()
