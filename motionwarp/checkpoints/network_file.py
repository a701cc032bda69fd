"""Several networks of one system as one file of weights.

The configuration names each, the tensors carry its name before theirs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from torch import nn

from motionwarp.checkpoints.checkpoint import Checkpoint, half_precision, load_checkpoint, save_checkpoint
from motionwarp.errors import WeightsError

# name of a network in the file, its class and that of its configuration
NetworkKinds = Mapping[str, tuple[type[nn.Module], type[Any]]]


Network = TypeVar("Network", bound=nn.Module)


@dataclass(frozen=True, eq=False)
class TrainedNetwork(Generic[Network]):
    """A network as a file had it.

    Attributes
    ----------
    network : Module
        In evaluation mode.
    sha256 : str
        Checksum of the file.
    """

    network: Network
    sha256: str


@dataclass(frozen=True)
class NetworkFormat(Generic[Network]):
    """The file of a system that has one network.

    Attributes
    ----------
    architecture : str
    name : str
        Of the network in the file.
    network, config : type
        Its class and that of its configuration.
    training : str
        The command that writes such a file, for who gives another one.
    """

    architecture: str
    name: str
    network: type[Network]
    config: type[Any]
    training: str

    def load(self, name_or_path: str | Path) -> TrainedNetwork[Network]:
        """Read the network.

        Raises
        ------
        WeightsError
            If the file is missing, damaged, or for something else.
        """
        file = load_networks(name_or_path, self.architecture, {self.name: (self.network, self.config)})
        network = file.networks.get(self.name)
        if not isinstance(network, self.network):
            raise WeightsError(
                f"holds no {self.name} of {self.architecture}",
                subject=file.path,
                remedy=f"Train it with `{self.training}`",
            )
        return TrainedNetwork(network, file.sha256)

    def save(self, path: Path, network: Network, metadata: Mapping[str, str] | None = None) -> None:
        """Write the network in half precision, whole or not at all."""
        save_networks(path, {self.name: network}, self.architecture, metadata)


@dataclass(frozen=True, eq=False)
class NetworkFile:
    """What a file holds.

    Attributes
    ----------
    networks : dict of str to Module
        Those of the kinds asked for that are in the file, in evaluation mode.
    unknown : tuple of str
        Names of networks of other kinds that are in the file too.
    path : Path
    sha256 : str
    """

    networks: dict[str, nn.Module]
    unknown: tuple[str, ...]
    path: Path
    sha256: str


def load_networks(name_or_path: str | Path, architecture: str, kinds: NetworkKinds) -> NetworkFile:
    """Read networks from one file.

    Raises
    ------
    WeightsError
        If the file is missing, damaged, for another architecture, or names networks that cannot be made.
    """
    checkpoint = load_checkpoint(name_or_path, architecture)
    networks = {name: _made(checkpoint, name, *kind) for name, kind in kinds.items() if name in checkpoint.config}
    unknown = tuple(sorted(set(checkpoint.config) - set(kinds)))
    return NetworkFile(networks, unknown, checkpoint.path, checkpoint.sha256)


def save_networks(
    path: Path, networks: Mapping[str, nn.Module | None], architecture: str, metadata: Mapping[str, str] | None = None
) -> None:
    """Write networks into one file, in half precision, whole or not at all; those that are None are left out.

    Every network has a `config`, the dataclass that it was made with.
    """
    tensors, config = {}, {}
    for name, network in networks.items():
        if network is not None:
            tensors.update({f"{name}.{key}": value for key, value in half_precision(network).items()})
            settings: Any = network.config
            config[name] = asdict(settings)
    save_checkpoint(path, tensors, architecture, config, metadata)


def _made(checkpoint: Checkpoint, name: str, network: type[nn.Module], config: type[Any]) -> nn.Module:
    own = checkpoint.part(name, checkpoint.architecture)
    try:
        settings = {
            key: tuple(value) if isinstance(value, list) else value for key, value in own.config["network"].items()
        }
        made = own.made(lambda: network(config(**settings)))
    except (AttributeError, IndexError, TypeError, ValueError, RuntimeError) as error:
        raise WeightsError(f"names a {name} that cannot be made ({error})", subject=checkpoint.path) from error
    return made.eval()
