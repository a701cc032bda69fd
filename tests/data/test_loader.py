"""Batches by number: the same whatever makes them, and errors that keep their words."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.utils.data import Dataset, get_worker_info

from motionwarp.data.loader import resumable_batches
from motionwarp.errors import InputError, MotionwarpError


class Squares(Dataset[dict[str, Tensor]]):
    """Squares of numbers; one of them may be damaged, and one may be the end of the process that makes it."""

    def __init__(self, damaged: int = -1, deadly: int = -1) -> None:
        self.damaged, self.deadly = damaged, deadly

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        if index == self.damaged:
            raise InputError(f"sample {index} is damaged", subject=Path("some.pack"), remedy="Make the pack again.")
        if index == self.deadly and get_worker_info() is not None:
            os.kill(os.getpid(), signal.SIGKILL)
        return {"square": torch.tensor(index**2)}


def squares(samples: Squares, first: int, steps: int, workers: int) -> list[list[int]]:
    return [batch["square"].tolist() for batch in resumable_batches(samples, 0, 2, first, steps, workers)]


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_a_run_that_goes_on_gets_the_same_batches(workers: int) -> None:
    assert squares(Squares(), 0, 3, workers) == [[0, 1], [4, 9], [16, 25]]
    assert squares(Squares(), 2, 3, workers) == [[16, 25]]
    assert squares(Squares(), 3, 3, workers) == []


@pytest.mark.parametrize("workers", [0, 1])
def test_random_numbers_of_the_run_are_left_alone(workers: int) -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    squares(Squares(), 0, 2, workers)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("workers", [0, 1])
def test_what_is_wrong_with_a_sample_is_told_as_it_is(workers: int) -> None:
    batches = resumable_batches(Squares(damaged=3), 0, 2, 0, 4, workers)
    assert next(batches)["square"].tolist() == [0, 1]
    with pytest.raises(InputError) as caught:
        next(batches)
    assert str(caught.value) == "some.pack: sample 3 is damaged. Make the pack again."


def test_a_process_that_was_ended_is_no_defect_of_ours() -> None:
    batches = resumable_batches(Squares(deadly=4), 0, 2, 0, 400, workers=1)
    with pytest.raises(MotionwarpError, match="was ended") as caught:
        list(batches)
    assert "goes on from the last saved state" in str(caught.value)
