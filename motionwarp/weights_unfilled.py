"""Networks made without the random values that they begin with, for those that are filled from a file at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from torch import Tensor
from torch.nn import init
from torch.overrides import TorchFunctionMode

# what the layers of our networks draw their first values with
_RANDOM: Final = frozenset({Tensor.normal_, Tensor.uniform_, init.normal_, init.uniform_, init.kaiming_uniform_})


class Unfilled(TorchFunctionMode):
    """Leaves tensors as they are where they would be filled with random values, while the block runs.

    Loading is faster by it, and does not touch the random generator. Without memory ("meta") it is faster by a second: PyTorch
    imports its compiler, and SymPy with it, for drawing normal values there.
    """

    def __torch_function__(
        self, func: Any, types: Iterable[type], args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Do what `func` does, unless it draws random values."""
        named = kwargs or {}
        if func in _RANDOM:
            return args[0] if args else named["tensor"]
        return func(*args, **named)
