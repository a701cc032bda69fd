"""Running an iterator ahead of its consumer, so that decoding overlaps with what is done to the frames."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterable, Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")

# how often a blocked producer looks whether its consumer has gone
_POLL_SECONDS = 0.1


class _Failure:
    """An exception on its way from the thread to the consumer."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


_END = object()


class _Producer(Generic[Item]):
    """The thread that runs the iterator, and the queue between."""

    def __init__(self, iterable: Iterable[Item], depth: int) -> None:
        self.queue: queue.Queue[object] = queue.Queue(maxsize=depth)
        self.stopped = threading.Event()
        self._iterable = iterable
        self._thread = threading.Thread(target=self._run, name="motionwarp-prefetch", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        last: object = _END
        iterator: Iterator[Item] | None = None
        try:
            iterator = iter(self._iterable)
            for item in iterator:
                if not self._put(item):
                    break
        except BaseException as error:  # the consumer raises it again, KeyboardInterrupt included
            last = _Failure(error)
        finally:
            # a generator's clean-up has to run in the thread that ran the generator
            close = getattr(iterator, "close", None)
            if close is not None:
                try:
                    close()
                except BaseException as error:
                    last = _Failure(error)
        self._put(last)

    def _put(self, item: object) -> bool:
        while not self.stopped.is_set():
            try:
                self.queue.put(item, timeout=_POLL_SECONDS)
            except queue.Full:
                continue
            return not self.stopped.is_set()
        return False

    def next(self) -> object:
        while True:
            try:
                return self.queue.get(timeout=_POLL_SECONDS)  # without a timeout, Ctrl-C would not arrive on Windows
            except queue.Empty:
                continue

    def stop(self) -> None:
        self.stopped.set()
        self._thread.join()
        # items left in the queue would keep large frames alive
        self.queue.queue.clear()


def prefetched(iterable: Iterable[Item], depth: int = 4) -> Generator[Item, None, None]:
    """Run `iterable` in a background thread, at most `depth` items ahead of the consumer.

    The thread starts with the first item asked for. It ends when the iterable ends or fails, or when the returned
    generator is closed or dropped; it is then joined, so nothing of the iterable runs on after that. Whoever closes
    what the iterable reads from must close the generator before: a traceback keeps it alive for longer than one would
    think.

    Parameters
    ----------
    iterable : iterable
        Iterated in the thread only, and closed there if it is a generator.
    depth : int
        Length of the queue, at least 1.

    Returns
    -------
    generator
        The same items in the same order. An exception of the iterable is raised where its item would have come.

    Raises
    ------
    ValueError
        If `depth` is below 1.
    """
    if depth < 1:
        raise ValueError(f"prefetched needs a depth of at least 1, got {depth}")
    return _drain(iterable, depth)


def _drain(iterable: Iterable[Item], depth: int) -> Generator[Item, None, None]:
    producer = _Producer(iterable, depth)
    try:
        while True:
            item = producer.next()
            if item is _END:
                return
            if isinstance(item, _Failure):
                raise item.error
            yield item  # type: ignore[misc]  # only the iterable's own items are left
    finally:
        producer.stop()
