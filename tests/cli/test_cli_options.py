"""Commands are made from groups of options, and spell options as flags."""

from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Annotated, Any

import pytest
import typer

from motionwarp.errors import OptionError
from motionwarp.options import Options, Panel, documented, option
from motionwarp.pipeline.options import SectionOptions, TransferOptions


@documented
@dataclass(frozen=True, kw_only=True)
class Trial(Options):
    """A few options."""

    level: float = option(0.5, help="How much.", low=0, high=1)
    names: tuple[str, ...] = option((), help="Who.", flags=("--name", "-n"), shown_default="everybody")
    kind: str = option("soft", help="Which.", choices=("soft", "hard"), panel=Panel.LOOK)
    steady: bool = option(True, help="Whether.")
    size: str | int | None = option(None, help="How large.", metavar="N")
    kept: int = 7


def test_the_command_line_spells_options_its_own_way(app_module: ModuleType) -> None:
    errors = import_module(f"{app_module.__package__}.errors")
    for values, remedy, text in (
        ({"smooth": 3}, "", "--smooth 3: is odd."),
        ({"side_by_side": True, "background": "a b"}, "", "--side-by-side --background 'a b': is odd."),
        ({"audio": False}, "Use `engine=layered`, or `matte`", "--no-audio: is odd. Use --engine layered, or --matte"),
        ({"scale": (0.5, 2.0)}, "See `motionwarp doctor`", "--scale 0.5:2: is odd. See `motionwarp doctor`"),
    ):  # fmt: skip
        assert errors.error_text(OptionError("is odd", values=values, remedy=remedy)) == text


@pytest.fixture
def trial(app_module: ModuleType) -> Any:
    """A command of two groups, with what it was given last."""
    options = import_module(f"{app_module.__package__}.options")
    given: list[Any] = []

    @options.with_options
    def run(
        *,
        place: Annotated[str, typer.Argument()],
        section: Annotated[TransferOptions, options.Only(SectionOptions)],
        reporter: options.Reporter,
        trial: Trial,
    ) -> None:
        given[:] = [place, trial, section, reporter]

    app = typer.Typer(add_completion=False)
    app.command()(run)
    return typer.main.get_command(app), given


def test_a_command_is_made_from_groups(trial: Any) -> None:
    command, given = trial
    words = "here --level 0.25 -n a --name b --kind hard --no-steady --size 96 --start 0:05 --json"
    command.main(words.split(), standalone_mode=False)
    place, options, section, reporter = given
    assert place == "here"
    assert options == Trial(level=0.25, names=("a", "b"), kind="hard", steady=False, size="96")
    assert section == TransferOptions(start=5.0)
    assert (reporter.as_json, reporter.quiet) == (True, False)
    command.main(["here"], standalone_mode=False)
    assert given[1:3] == [Trial(), TransferOptions()]
    offered = {parameter.name for parameter in command.params}
    assert offered - {"help"} == {
        "place", "level", "name", "kind", "steady", "size", "start", "end", "as_json", "quiet", "debug",
    }  # fmt: skip
