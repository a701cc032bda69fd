"""Batches of samples that are drawn by number: a run that goes on gets exactly the batches that it would have got."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final, Generic, TypeVar

import torch
from torch.utils.data import DataLoader, Dataset, Sampler, default_collate

from motionwarp.errors import MotionwarpError

Batch = TypeVar("Batch")
_PREFETCHED: Final = 4  # batches each worker is ahead


class _CountedFrom(Sampler[int]):
    def __init__(self, first: int, count: int) -> None:
        self.first, self.count = first, count

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.first, self.first + self.count))

    def __len__(self) -> int:
        return self.count


class _ErrorsAsSamples(Dataset[Any], Generic[Batch]):
    """Hands errors on instead of raising them: a loader would raise them anew with a worker's traceback for a text."""

    def __init__(self, samples: Dataset[Batch]) -> None:
        self.samples = samples

    def __getitem__(self, index: int) -> Batch | MotionwarpError:
        try:
            return self.samples[index]
        except MotionwarpError as error:
            return error


def _joined(samples: list[Any]) -> Any:
    failed = next((sample for sample in samples if isinstance(sample, MotionwarpError)), None)
    return default_collate(samples) if failed is None else failed


def _close(batches: Iterator[Any]) -> None:
    """End the processes of a loader one of whose processes has died.

    The loader learns of a death in two ways, and may raise for the second while it is torn down for the first: left to
    the garbage collector that would be an error which nobody can catch.
    """
    shut_down = getattr(batches, "_shutdown_workers", None)  # iterators of loaders have no public way to be closed
    if shut_down is not None:
        with suppress(RuntimeError):
            shut_down()


def resumable_batches(
    samples: Dataset[Batch], seed: int, batch_size: int, first_step: int, steps: int, workers: int
) -> Iterator[Batch]:
    """Yield the batches of steps `first_step` to `steps`.

    Parameters
    ----------
    samples : Dataset
        Gives a sample, a dict of tensors, for any number.
    seed : int
    batch_size : int
        Step s has the samples from s * batch_size on.
    first_step, steps : int
    workers : int
        Processes that make samples; 0 makes them in this one.

    Yields
    ------
    dict of tensors, with the batch's dimension first

    Raises
    ------
    MotionwarpError
        What a sample raises, from whatever process; or if such a process is ended.
    """
    loader: DataLoader[Any] = DataLoader(
        _ErrorsAsSamples(samples),
        batch_size,
        sampler=_CountedFrom(first_step * batch_size, (steps - first_step) * batch_size),
        num_workers=workers,
        prefetch_factor=_PREFETCHED if workers else None,
        collate_fn=_joined,
        drop_last=True,
        # its own: a loader draws a seed when it starts, which would move the random numbers of a run that goes on
        generator=torch.Generator().manual_seed(seed),
    )
    batches = iter(loader)
    while True:
        try:
            batch = next(batches)
        except StopIteration:
            return
        except RuntimeError as error:
            if "DataLoader worker" not in str(error):
                raise
            _close(batches)
            raise MotionwarpError(
                "a process that reads the packs was ended, by the system for want of memory or by somebody",
                remedy="The same command goes on from the last saved state; fewer `workers` or a smaller `batch_size` "
                "need less memory.",
            ) from error
        if isinstance(batch, MotionwarpError):
            raise batch
        yield batch
