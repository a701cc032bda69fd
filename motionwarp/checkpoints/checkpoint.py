"""The only way in which weights come into memory or go to disk.

A checkpoint is one safetensors file, never a pickle, whose metadata carries the name of the architecture and its
configuration as JSON. Weights that have a name in the registry are compared with their recorded sha256 before anything
is made of them.
"""

from __future__ import annotations

import json
import math
import os
import secrets
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, TypeVar

from torch import Tensor
from torch.nn import init
from torch.overrides import TorchFunctionMode

from motionwarp.checkpoints.registry import Registry, WeightsEntry, file_sha256, registry
from motionwarp.errors import OutputError, WeightsError
from motionwarp.version import __version__

if TYPE_CHECKING:
    from torch import Tensor, nn


# what the layers of our networks draw their first values with
_RANDOM: Final = frozenset({Tensor.normal_, Tensor.uniform_, init.normal_, init.uniform_, init.kaiming_uniform_})


class SkipInit(TorchFunctionMode):
    """Leaves tensors as they are where they would be filled with random values, while the block runs.

    Loading is faster by it, and does not touch the random generator. Without memory ("meta") it is faster by a second:
    PyTorch imports its compiler, and SymPy with it, for drawing normal values there.
    """

    def __torch_function__(
        self, func: Any, types: Iterable[type], args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Do what `func` does, unless it draws random values."""
        named = kwargs or {}
        if func in _RANDOM:
            return args[0] if args else named["tensor"]
        return func(*args, **named)


__all__ = [
    "Checkpoint",
    "Registry",
    "WeightsEntry",
    "load_checkpoint",
    "read_architecture",
    "registry",
    "save_checkpoint",
]

Network = TypeVar("Network", bound="nn.Module")

# no network of ours has so many channels, layers or pixels a side
_LARGEST_NUMBER: Final = 8192
_HEADER_BEGINS: Final = b"\0\0\0\0{"
_PICKLE_STARTS: Final = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A file of weights in memory.

    Attributes
    ----------
    path : Path
    architecture : str
    config : dict
        The configuration that the network was made with, from JSON.
    tensors : dict of str to tensor
        On the CPU, in the file's own types.
    metadata : dict of str to str
        Whatever else the file says of itself: version, training step, ...
    sha256 : str
        Checksum of the whole file.
    """

    path: Path
    architecture: str
    config: dict[str, Any]
    tensors: dict[str, Tensor]
    metadata: dict[str, str]
    sha256: str

    def load_into(self, network: nn.Module, new: tuple[str, ...] = ()) -> None:
        """Put the tensors into a network whose parameters and buffers have the same names and shapes.

        Types are converted to the network's own. Nothing is changed if anything does not fit.

        Parameters
        ----------
        network : Module
        new : tuple of str
            Submodules that the file may lack, since they came later; they keep the values that they have.

        Raises
        ------
        WeightsError
            If a tensor is missing, is too many, or has another shape; the message names the first of each.
        """
        own = network.state_dict()
        kept = {
            name: own[name]
            for name in own
            if name not in self.tensors and name.startswith(tuple(f"{each}." for each in new))
        }
        whole = replace(self, tensors={**kept, **self.tensors})
        whole._refuse_misfit(network)
        network.load_state_dict(whole.tensors)

    def part(self, name: str, architecture: str) -> Checkpoint:
        """Return one network of a file that holds several under their names, as `engines.network_file` writes them.

        Parameters
        ----------
        name : str
            Before the names of the network's tensors, and of its configuration.
        architecture : str
            Name of that network's own architecture.

        Raises
        ------
        WeightsError
            If the file holds no such network.
        """
        if name not in self.config:
            raise WeightsError(f"holds no {name}, only {', '.join(self.config) or 'nothing'}", subject=self.path)
        prefix = f"{name}."
        own = {key.removeprefix(prefix): value for key, value in self.tensors.items() if key.startswith(prefix)}
        return replace(self, architecture=architecture, config={"network": self.config[name]}, tensors=own)

    def made(self, make: Callable[[], Network]) -> Network:
        """Return a network with these tensors in it.

        It is made without memory first and compared with the file, so that a small file cannot claim a large network.

        Parameters
        ----------
        make : callable
            Makes the network that `config` describes; called twice, without random values. What it raises is passed on.

        Raises
        ------
        WeightsError
            As for `load_into`, and if the configuration has numbers that no network of ours has.
        """
        import torch

        self._refuse_extremes(self.config)
        with torch.device("meta"), SkipInit():
            self._refuse_misfit(make())
        with SkipInit():
            network = make()
        self.load_into(network)
        return network

    def _refuse_extremes(self, value: Any) -> None:
        if isinstance(value, dict | list):
            for entry in value.values() if isinstance(value, dict) else value:
                self._refuse_extremes(entry)
        elif isinstance(value, int) and abs(value) > _LARGEST_NUMBER:
            # not the number itself: one of 400 digits is none that can be formatted
            digits = len(str(abs(value)))
            raise WeightsError(
                f"has a configuration with a number of {digits} digits, beyond {_LARGEST_NUMBER}", subject=self.path
            )

    def _refuse_misfit(self, network: nn.Module) -> None:
        wanted = network.state_dict()
        problems = []
        if missing := [name for name in wanted if name not in self.tensors]:
            problems.append(f"{len(missing)} tensors are missing, first '{missing[0]}'")
        if surplus := [name for name in self.tensors if name not in wanted]:
            problems.append(f"{len(surplus)} tensors are unknown to it, first '{surplus[0]}'")
        shared = [name for name in wanted if name in self.tensors]
        if unequal := [name for name in shared if wanted[name].shape != self.tensors[name].shape]:
            name = unequal[0]
            problems.append(
                f"{len(unequal)} tensors have another shape, first '{name}': "
                f"{tuple(self.tensors[name].shape)} for {tuple(wanted[name].shape)}"
            )
        if problems:
            raise WeightsError(
                f"does not fit {type(network).__name__}: {'; '.join(problems)}",
                subject=self.path,
                remedy="The file was made with another configuration or release.",
            )


def load_checkpoint(name_or_path: str | Path, architecture: str) -> Checkpoint:
    """Read weights by their registered name or from a file.

    Parameters
    ----------
    name_or_path : str or Path
        A name of the registry (a `str` only), whose recorded sha256 is then checked, or the path of a safetensors file.
    architecture : str
        What the file must say that it is for.

    Returns
    -------
    Checkpoint
        Tensors on the CPU.

    Raises
    ------
    WeightsError
        If there is no such name or file, if the file is truncated, damaged, a pickle or no safetensors file, if its
        checksum is not the recorded one, or if it is for another architecture.
    """
    is_name = isinstance(name_or_path, str) and name_or_path in registry()
    path = registry().verified_path(str(name_or_path)) if is_name else Path(name_or_path)
    metadata = read_metadata(path)
    found = metadata.pop("architecture", None)
    if found is None:
        raise WeightsError(
            "does not say which architecture it is for", subject=path, remedy="Use a file that motionwarp has written."
        )
    if found != architecture:
        raise WeightsError(f"holds weights for '{found}', not for '{architecture}'", subject=path)
    config = _parse_config(metadata.pop("config", "{}"), path)

    from safetensors.torch import load_file

    tensors = load_file(path)
    return Checkpoint(path, architecture, config, tensors, metadata, file_sha256(path))


def read_architecture(path: Path) -> str:
    """Return the architecture that a checkpoint names, without reading its tensors.

    Raises
    ------
    WeightsError
        If the file is missing, damaged, or does not name one.
    """
    found = read_metadata(path).get("architecture")
    if found is None:
        raise WeightsError("does not say which architecture it is for", subject=path)
    return found


def value_count(path: Path) -> int:
    """Return how many values a file of weights holds, running statistics of norms included, by its header alone.

    Raises
    ------
    WeightsError
        If the file is missing or damaged.
    """
    from safetensors import safe_open

    read_metadata(path)
    with safe_open(path, framework="np") as opened:
        return sum(math.prod(opened.get_slice(name).get_shape()) for name in opened.keys())  # noqa: SIM118 - no mapping


def read_metadata(path: Path) -> dict[str, str]:
    """Return the metadata of a safetensors file whose header and length are checked."""
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        known = ", ".join(registry().entries) or "none"
        problem = (
            "is a folder, not a file of weights"
            if path.is_dir()
            else "no such file, and no registered weights of this name"
        )
        raise WeightsError(
            problem, subject=path, remedy=f"Give a .safetensors file or one of the registered names ({known})."
        )
    try:
        with path.open("rb") as file:
            start = file.read(9)
        # the length of a safetensors header may begin with a pickle's bytes; its high half is 0, and a brace follows it
        if start.startswith(_PICKLE_STARTS) and start[4:] != _HEADER_BEGINS:
            raise WeightsError(
                "is a pickle or an archive, which can run code when it is read; only safetensors files are accepted",
                subject=path,
                remedy="Convert it to safetensors where you trust it.",
            )
        with safe_open(path, framework="np") as opened:
            return dict(opened.metadata() or {})
    except SafetensorError as error:
        raise WeightsError(f"is truncated or no safetensors file ({error})", subject=path) from error
    except OSError as error:
        raise WeightsError(f"cannot be read ({error.strerror or error})", subject=path) from error


def _parse_config(text: str, path: Path) -> dict[str, Any]:
    try:
        config = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise WeightsError(f"has a configuration that is not JSON ({error})", subject=path) from error
    if not isinstance(config, dict):
        raise WeightsError("has a configuration that is not a JSON object", subject=path)
    return config


def save_checkpoint(
    path: str | Path,
    tensors: Mapping[str, Tensor],
    architecture: str,
    config: Mapping[str, Any],
    metadata: Mapping[str, str] | None = None,
) -> Path:
    """Write weights as one safetensors file, whole or not at all; a file that is there is replaced.

    Parameters
    ----------
    path : str or Path
        Must end in ".safetensors"; its folder must exist.
    tensors : mapping of str to tensor
        On any device; floating ones must be finite. They are stored in their own types.
    architecture : str
        The name that `load_checkpoint` will ask for.
    config : mapping
        What JSON can hold; returned as `Checkpoint.config`.
    metadata : mapping of str to str, optional
        Further facts, such as the training step. "architecture", "config" and "motionwarp" are set here.

    Returns
    -------
    Path

    Raises
    ------
    WeightsError
        If a tensor has values that are not finite.
    OutputError
        If the name has another ending, or the file cannot be written.
    """
    import torch
    from safetensors.torch import save

    target = Path(path)
    if target.suffix != ".safetensors":
        raise OutputError("weights are written as .safetensors only", subject=target)
    stored: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise WeightsError(f"tensor '{name}' has values that are not finite; nothing was written", subject=target)
        stored[name] = tensor.detach().to("cpu", copy=True).contiguous()  # a copy: safetensors refuses shared memory
    header = {
        **(metadata or {}),
        "architecture": architecture,
        "config": json.dumps(dict(config)),
        "motionwarp": __version__,
    }
    _replace_file(target, save(stored, metadata=header))
    return target


def half_precision(module: nn.Module) -> dict[str, Tensor]:
    """Return a network's tensors with floating ones as float16, which halves the file and loses nothing that shows."""
    return {name: value.half() if value.is_floating_point() else value for name, value in module.state_dict().items()}


def write_tensors(target: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write tensors as a safetensors file, whole or not at all.

    Parameters
    ----------
    target : Path
        Replaced if it is there.
    tensors : mapping of name to tensor
        On the CPU, contiguous, none sharing memory with another.
    metadata : mapping of str to str

    Raises
    ------
    OutputError
        If it cannot be written, on a full disk for instance; nothing is left then.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    with _written_beside(target) as part:
        try:
            save_file(dict(tensors), part, dict(metadata))
        except SafetensorError as error:  # what the system said stands in its text only
            raise OutputError(
                f"cannot be written ({error})", subject=target, remedy="Free some space or write elsewhere"
            ) from error
        with part.open("r+b") as file:
            _sort_header(file)


def _replace_file(target: Path, content: bytes) -> None:
    with _written_beside(target) as part, part.open("x+b") as file:
        file.write(content)
        _sort_header(file)


def _sort_header(file: IO[bytes]) -> None:
    """Put the entries of a safetensors header in order, in place: the library writes metadata in a random one."""
    file.seek(0)
    (size,) = struct.unpack("<Q", file.read(8))
    header = json.loads(file.read(size))
    in_order = json.dumps(header, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
    if len(in_order) > size:  # spelled otherwise than the library does; escapes are the only candidates
        raise RuntimeError(f"the header of {size} bytes became one of {len(in_order)}")
    file.seek(8)
    file.write(in_order.ljust(size))


@contextmanager
def _written_beside(target: Path) -> Iterator[Path]:
    """Have a file written beside the target, and move it into place, so that a reader never meets half a file."""
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        yield part
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(target)
    except OSError as error:
        raise OutputError(f"cannot be written ({error.strerror or error})", subject=target) from error
    finally:
        part.unlink(missing_ok=True)
