from __future__ import annotations

import gc
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motionwarp.media.prefetch import prefetched


def _prefetch_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "motionwarp-prefetch"]


@settings(deadline=None, max_examples=30)
@given(items=st.lists(st.integers(), max_size=20), depth=st.integers(1, 5))
def test_gives_the_same_items_in_the_same_order(items: list[int], depth: int) -> None:
    assert list(prefetched(items, depth)) == items
    assert not _prefetch_threads()


def test_runs_in_another_thread_and_only_when_asked() -> None:
    threads: list[int] = []

    def source() -> Iterator[int]:
        threads.append(threading.get_ident())
        yield 1

    iterator = prefetched(source())
    assert threads == []
    assert list(iterator) == [1]
    assert threads != [threading.get_ident()]


def test_runs_ahead_by_no_more_than_depth() -> None:
    taken: list[int] = []
    may_stop = threading.Event()

    def source() -> Iterator[int]:
        for number in range(100):
            taken.append(number)
            if number == 4:
                may_stop.set()
            yield number

    iterator = prefetched(source(), depth=3)
    assert next(iterator) == 0
    assert may_stop.wait(10)  # one is with the consumer, three are in the queue, one waits for room
    assert taken == [0, 1, 2, 3, 4]
    iterator.close()  # type: ignore[attr-defined]
    assert len(taken) == 5


def test_raises_the_sources_exception_after_its_items() -> None:
    def source() -> Iterator[int]:
        yield 1
        yield 2
        raise KeyError("broken")

    iterator = prefetched(source())
    assert [next(iterator), next(iterator)] == [1, 2]
    with pytest.raises(KeyError, match="broken"):
        next(iterator)
    assert not _prefetch_threads()


def test_passes_keyboard_interrupt_on() -> None:
    def source() -> Iterator[int]:
        yield 1
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(prefetched(source()))


@pytest.mark.parametrize("way", ["close", "drop", "break"])
def test_closes_the_source_when_the_consumer_stops_early(way: str) -> None:
    closed_in: list[str] = []

    def source() -> Iterator[int]:
        try:
            yield from range(1000)
        finally:
            closed_in.append(threading.current_thread().name)

    if way == "break":
        for _ in prefetched(source(), depth=2):
            break
    else:
        iterator = prefetched(source(), depth=2)
        next(iterator)
        if way == "close":
            iterator.close()  # type: ignore[attr-defined]
        else:
            del iterator
    gc.collect()
    assert closed_in == ["motionwarp-prefetch"]
    assert not _prefetch_threads()


@pytest.mark.parametrize("depth", [0, -1])
def test_refuses_a_depth_below_one(depth: int) -> None:
    with pytest.raises(ValueError, match="depth"):
        prefetched([1], depth)
