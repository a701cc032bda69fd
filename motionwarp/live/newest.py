"""A place for one thing, the newest: what nobody has taken yet is replaced, so that nothing ever waits in a queue."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Newest(Generic[Item]):
    """Hands the newest item from one thread to another.

    Attributes
    ----------
    dropped : int
        Items that were replaced before anybody took them.
    """

    def __init__(self) -> None:
        self.dropped = 0
        self._changed = threading.Condition()
        self._item: Item | None = None
        self._closed = False

    def put(self, item: Item) -> None:
        """Give an item, in the place of one that was not taken."""
        with self._changed:
            self.dropped += self._item is not None
            self._item = item
            self._changed.notify_all()

    def take(self, timeout_seconds: float | None = None) -> Item | None:
        """Wait for an item and take it.

        Returns
        -------
        Item or None
            None once it is closed and the last item was taken, or after the time.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._item is not None or self._closed, timeout_seconds)
            item, self._item = self._item, None
            return item

    def close(self) -> None:
        """Let whoever waits go on: nothing will come any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def closed(self) -> bool:
        """Whether nothing will come any more; the last item may still be there."""
        return self._closed
