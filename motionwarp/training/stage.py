"""One network's training, as the command line finds it: a light value that names its configuration and its task."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from motionwarp.references import check_reference, load_reference

if TYPE_CHECKING:
    import torch

    from motionwarp.training.task import LoopConfig, TrainingTask


@dataclass(frozen=True)
class OptionTraining:
    """A training that is asked for by options, `motionwarp train NAME --option ..`, rather than by a file alone.

    Attributes
    ----------
    help : str
        What the command does, as a sentence.
    options : str
        Reference to a group of options with `output`, `max_minutes`, `device` and `precision`; its module is light.
    make : str
        Reference to a function that takes the options, a device and the type of the activations, and returns the task
        and its loop's configuration.
    example : tuple of (str, str)
        Options and their values that show its use; a switch has no value.
    """

    help: str
    options: str
    make: str
    example: tuple[tuple[str, str], ...]

    def __post_init__(self) -> None:
        check_reference(self.options)
        check_reference(self.make)

    def make_task(self, options: Any, device: torch.device, dtype: torch.dtype) -> tuple[TrainingTask, LoopConfig]:
        """Return the task that was asked for, and how long it runs.

        Raises
        ------
        InputError
            One of its kinds, if an option or the data is at fault.
        """
        made: tuple[TrainingTask, LoopConfig] = load_reference(self.make)(options, device, dtype)
        return made


@dataclass(frozen=True)
class StageSpec:
    """A network that can be trained.

    Attributes
    ----------
    help : str
        What the network is, as a sentence.
    config : str
        Reference to the dataclass that its TOML file fills; has a `loop`.
    task : str
        Reference to what makes the task of a configuration, a device and the type of the activations.
    """

    help: str
    config: str
    task: str

    def __post_init__(self) -> None:
        check_reference(self.config)
        check_reference(self.task)

    def config_class(self) -> type[Any]:
        """Return the dataclass of the configuration."""
        kind: type[Any] = load_reference(self.config)
        return kind

    def make_task(self, config_file: Path, device: torch.device, dtype: torch.dtype) -> tuple[TrainingTask, LoopConfig]:
        """Read a configuration and make its task.

        Parameters
        ----------
        config_file : Path
            TOML.
        device : torch.device
        dtype : torch.dtype
            Type of the activations.

        Raises
        ------
        OptionError
            If the configuration does not fit.
        WeightsError
            If the weights that it builds upon are missing or for other networks.
        """
        from motionwarp.config import read_config
        from motionwarp.training.distributed import with_rank_seed

        config = read_config(config_file, self.config_class())
        config = replace(config, loop=with_rank_seed(config.loop))
        task: TrainingTask = load_reference(self.task)(config, device, dtype)
        loop: LoopConfig = config.loop
        return task, loop
