"""What the nodes want of ComfyUI: its bar, and its cancel. Without ComfyUI, in tests and scripts, there is neither."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

from motionwarp.pipeline.progress import Progress, Stage

# shares of the bar: a transfer looks at everything once, then draws everything once
_BEGIN = {Stage.SOURCE: 0, Stage.MOTION: 5, Stage.PLAN: 45, Stage.RENDER: 50}
_END = {Stage.SOURCE: 5, Stage.MOTION: 45, Stage.PLAN: 50, Stage.RENDER: 100}


def stop_if_canceled() -> None:
    """Raise ComfyUI's own exception if its user has canceled; it ends the node and is no error."""
    try:
        from comfy import model_management
    except ImportError:
        return
    model_management.throw_exception_if_processing_interrupted()


class Bar:
    """ComfyUI's bar over a node, from 0 to `total`; every step is a chance to cancel."""

    def __init__(self, total: int = 100) -> None:
        try:
            from comfy.utils import ProgressBar
        except ImportError:
            self._bar: Any = None
        else:
            self._bar = ProgressBar(total)
        self._total = total

    def at(self, done: float) -> None:
        """Show how much is done; raises where the user has canceled."""
        stop_if_canceled()
        if self._bar is not None:
            self._bar.update_absolute(min(round(done), self._total), self._total)

    def of_transfer(self) -> Callable[[Progress], None]:
        """Return what a transfer calls with every step of every stage."""

        def told(progress: Progress) -> None:
            share = progress.done / progress.total if progress.total else 0.0
            begin, end = _BEGIN[progress.stage], _END[progress.stage]
            self.at(begin + (end - begin) * min(share, 1.0))

        return told


@contextmanager
def ordinary_tensors() -> Iterator[None]:
    """Compute as outside of ComfyUI, which runs nodes in PyTorch's inference mode: engines may keep tensors."""
    with torch.inference_mode(False), torch.no_grad():
        yield
