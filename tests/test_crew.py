"""Work spread over threads that each compute alone."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import torch

from motionwarp.runtime import SingleThreadPool


@pytest.fixture
def three_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("three_threads")
def test_each_worker_computes_alone_and_nobody_else_does() -> None:
    later: list[int] = []
    with SingleThreadPool(2) as crew:
        together = threading.Barrier(2)

        def threads_of_worker() -> int:
            together.wait(10)  # both workers, not one of them twice
            return torch.get_num_threads()

        answers = [crew.submit(threads_of_worker) for _ in range(2)]
        assert [answer.result(20) for answer in answers] == [1, 1]
        assert torch.get_num_threads() == 3
        thread = threading.Thread(target=lambda: later.append(torch.get_num_threads()))
        thread.start()
        thread.join()
    assert later == [3]
    assert torch.get_num_threads() == 3


@pytest.mark.usefixtures("three_threads")
def test_one_worker_is_the_calling_thread_as_it_is() -> None:
    with SingleThreadPool(1) as crew:
        assert crew.submit(threading.get_ident).result() == threading.get_ident()
        assert crew.submit(torch.get_num_threads).result() == 3


@pytest.mark.usefixtures("three_threads")
def test_one_worker_that_is_not_inline_computes_alone_too() -> None:
    with SingleThreadPool(1, inline=False) as crew:
        assert crew.submit(threading.get_ident).result(20) != threading.get_ident()
        assert crew.submit(torch.get_num_threads).result(20) == 1
    assert torch.get_num_threads() == 3


@pytest.mark.parametrize("workers", [1, 2])
def test_a_mistake_is_told_where_the_result_is_asked_for(workers: int) -> None:
    with SingleThreadPool(workers) as crew, pytest.raises(ZeroDivisionError):
        crew.submit(divmod, 1, 0).result(10)


@pytest.mark.usefixtures("three_threads")
def test_nobody_is_left_waiting_when_a_crew_is_interrupted_while_it_gathers(monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupted(threading.Barrier):
        def wait(self, timeout: float | None = None) -> int:
            if threading.current_thread() is threading.main_thread():
                raise KeyboardInterrupt
            return super().wait(timeout)

    monkeypatch.setattr("motionwarp.runtime.Barrier", Interrupted)
    gathering = SingleThreadPool(2)
    with pytest.raises(KeyboardInterrupt):
        gathering.__enter__()
    left = [thread for thread in threading.enumerate() if thread.name.startswith("motionwarp-crew")]
    for thread in left:
        thread.join(5)
    assert not any(thread.is_alive() for thread in left)
    assert torch.get_num_threads() == 3
