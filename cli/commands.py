"""The commands by name, each imported and built when it is used: help and completion of the root start fast by it."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

import typer
from typer.core import TyperCommand

from .errors import FailureGroup

INSTALLATION: Final = "This installation"
TRAINING: Final = "Training"


@dataclass(frozen=True)
class Entry:
    """What the root's help says of a command; a test compares it with what the command says of itself.

    Attributes
    ----------
    help : str
    panel : str or None
        Under which heading of the root's help.
    """

    help: str
    panel: str | None = None


# each lies in the module of its name: a function of that name with `EPILOG`, or for a group a Typer named `app`
COMMANDS: Final[dict[str, Entry]] = {
    "transfer": Entry("Give the motion of DRIVING to the person in SOURCE."),
    "check": Entry(
        "Tell whether a transfer will work, before a long run: what is seen, how it fits, and how long it takes."
    ),
    "live": Entry("Let a camera move the person in PERSON: whoever dances before it gives the motion at once."),
    "motions": Entry("List, show, add and remove motions that can be given by name as DRIVING."),
    "avatar": Entry("Make an avatar of the person in PHOTO: surfaces in space that a body moves, seen from any side."),
    "swap": Entry("Dress PERSON in what the person in CLOTHES wears."),
    "translate": Entry(
        "Translate pictures and clips of one kind to another kind, as MODEL has learned from two folders."
    ),
    "ui": Entry("Serve a page for the browser of this machine: transfers, avatars, clothes, comparisons, data sets."),
    "pose": Entry("Write the points and the body of one person, a file for each INPUT."),
    "parse": Entry("Write the part classes of one person as 8-bit PNG, values 0..19 in LIP's order."),
    "inspect": Entry(
        "Show what a file says of how it came to be: by which version and engine, and whether it is synthesized."
    ),
    "doctor": Entry("Show versions, devices, codecs, weights with their checksums, and disk space.", INSTALLATION),
    "weights": Entry("List, check, find and fetch weights.", INSTALLATION),
    "body": Entry("Make the body model.", TRAINING),
    "dataset": Entry("Make data sets, for training and of synthesized people.", TRAINING),
    "train": Entry("Train the networks.", TRAINING),
    "evaluate": Entry("Measure quality on held-out data.", TRAINING),
}


class LazyCommands(MutableMapping[str, Any]):
    """A mapping of names to commands that builds a command when it is looked up; names and their order cost nothing."""

    def __init__(self) -> None:
        self._built: dict[str, Any] = dict.fromkeys(COMMANDS)

    def __getitem__(self, name: str) -> Any:
        if self._built[name] is None:
            self._built[name] = _built(name)
        return self._built[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self._built[name] = command

    def __delitem__(self, name: str) -> None:
        del self._built[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._built)

    def __len__(self) -> int:
        return len(self._built)


class RootGroup(FailureGroup):
    """The root: finds its commands in `COMMANDS`."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self._added = dict(self.commands)  # what was registered with Typer itself
        self.commands = LazyCommands()
        self.commands.update(self._added)

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names in the table's order; Typer's own looks every command up for it."""
        return list(self.commands)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help, from the table alone."""
        with self._listed_commands():
            super().format_help(ctx, formatter)

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        """Complete a command's name, from the table alone."""
        with self._listed_commands():
            return super().shell_complete(ctx, incomplete)

    @contextmanager
    def _listed_commands(self) -> Iterator[None]:
        """Put what the table says in the commands' place while the block runs."""
        commands = self.commands
        listed = {
            name: TyperCommand(name, help=entry.help, rich_help_panel=entry.panel) for name, entry in COMMANDS.items()
        }
        self.commands = {**listed, **self._added}
        try:
            yield
        finally:
            self.commands = commands


def _built(name: str) -> Any:
    """Import a command and build it as Typer builds it for its root."""
    module = import_module(f".{name}", __package__)
    root = typer.Typer(add_completion=False, rich_markup_mode="rich")
    if isinstance(getattr(module, "app", None), typer.Typer):
        root.add_typer(module.app, name=name, rich_help_panel=COMMANDS[name].panel)
    else:
        root.command(name, epilog=module.EPILOG, rich_help_panel=COMMANDS[name].panel)(getattr(module, name))
    return typer.main.get_group(root).commands[name]
