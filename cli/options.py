"""Options of commands: made from the library's groups, or shared by commands; and the form of examples."""

from __future__ import annotations

import functools
import inspect
import types
import typing
from collections.abc import Callable, Iterator
from dataclasses import MISSING, Field, dataclass
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import typer

from motionwarp.options import (
    ComputeOptions,
    DeviceName,
    OptionInfo,
    Options,
    OverwriteOptions,
    Panel,
    PrecisionName,
    allowed_values,
    option_fields,
    option_name,
    type_hints,
)
from motionwarp.pipeline.options import EstimatorOptions, StrPath

from .errors import is_debug, set_debug
from .reporting import Reporter

COMPUTING = Panel.COMPUTING.value
WRITING = Panel.OUTPUT.value
_ENDLESS: Final = 1e9
_PANELS: Final = [panel.value or None for panel in Panel]


def examples(*commands: str) -> str:
    """Return an epilog that shows commands, one a line."""
    title = "[bold]Example[/bold]" if len(commands) == 1 else "[bold]Examples[/bold]"
    # Typer joins lines within a paragraph, so every command is a paragraph
    return "\n\n".join([title, *(f"  [cyan]{command}[/cyan]" for command in commands)])


@dataclass(frozen=True)
class Only:
    """Which groups of a command's options are offered: `Annotated[TransferOptions, Only(PersonOptions, ...)]`.

    The others keep their defaults.
    """

    groups: tuple[type[Options], ...]

    def __init__(self, *groups: type[Options]) -> None:
        object.__setattr__(self, "groups", groups)


@dataclass(frozen=True)
class _Offer:
    """One option as a command offers it.

    Attributes
    ----------
    name, field : str
        As users know it, and of the group's field.
    annotation : Any
        The type with Typer's declaration.
    default : Any
        As Typer wants it; `inspect.Parameter.empty` for a required option.
    many : bool
        Whether it may be given several times.
    otherwise : Any
        What the group of options takes where nothing was given.
    """

    name: str
    field: str
    annotation: Any
    default: Any
    many: bool
    otherwise: Any

    def value(self, given: Any) -> Any:
        """Return what the group of options takes for what Typer read."""
        if self.many:
            return tuple(given) if given else self.otherwise
        return given.value if isinstance(given, _Choice) else given


class _Choice(str, Enum):
    """Base of enumerations that are made from the choices of an option."""


JsonOption = Annotated[
    bool, typer.Option("--json", help="Print a summary for programs on stdout.", rich_help_panel=WRITING)
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.", rich_help_panel=WRITING)]
DebugOption = Annotated[
    bool, typer.Option("--debug", callback=set_debug, help="Show tracebacks and what libraries log.")
]
# what a command with a reporter offers for it
_REPORTING: Final = {"as_json": JsonOption, "quiet": QuietOption, "debug": DebugOption}
Command = TypeVar("Command", bound=Callable[..., None])


def with_options(command: Command) -> Command:
    """Offer every option of the groups among a command's parameters, and hand the groups to it.

    A parameter whose type is a group of options (or is annotated with `Only`) becomes one parameter for each of its
    options; one that is a `Reporter` becomes `--json`, `--quiet` and `--debug`. Help lists options by panel, and in a
    panel in the order of parameters and fields.
    """
    signature = inspect.signature(command, eval_str=True)
    groups: dict[str, tuple[type[Options], dict[str, _Offer]]] = {}
    reporter: str | None = None
    parameters: list[inspect.Parameter] = []
    for parameter in signature.parameters.values():
        kind, only = _group(parameter.annotation)
        if parameter.annotation is Reporter:
            reporter = parameter.name
            parameters.append(_parameter("ctx", typer.Context))
            parameters += [_parameter(name, annotation, False) for name, annotation in _REPORTING.items()]
        elif kind is None:
            parameters.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY))
        else:
            offers = {offer.name: offer for offer in _offers(kind, only)}
            groups[parameter.name] = kind, offers
            parameters += [_parameter(offer.name, offer.annotation, offer.default) for offer in offers.values()]

    @functools.wraps(command)
    def grouped(**given: Any) -> None:
        if reporter is not None:
            debug = is_debug(given.pop("ctx"))
            given.pop("debug")
            given[reporter] = Reporter(as_json=given.pop("as_json"), quiet=given.pop("quiet"), debug=debug)
        for group, (kind, offers) in groups.items():
            values = {offer.field: offer.value(given.pop(name)) for name, offer in offers.items()}
            given[group] = kind(**values)
        command(**given)

    parameters.sort(key=_panel_order)
    grouped.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    grouped.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return typing.cast(Command, grouped)


def _parameter(name: str, annotation: Any, default: Any = inspect.Parameter.empty) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _group(annotation: Any) -> tuple[type[Options] | None, tuple[type[Options], ...]]:
    """Return the options that a parameter stands for and the groups of them that are offered, if it stands for any."""
    kind, *rest = typing.get_args(annotation) if typing.get_origin(annotation) is Annotated else (annotation,)
    if not (isinstance(kind, type) and issubclass(kind, Options)):
        return None, ()
    return kind, next((each.groups for each in rest if isinstance(each, Only)), (kind,))


def _offers(kind: type[Options], only: tuple[type[Options], ...]) -> Iterator[_Offer]:
    names = {item.name for group in only for item, _ in option_fields(group)}
    hints = type_hints(kind)
    for item, info in option_fields(kind):
        if item.name in names:
            yield _offer(item, hints[item.name], info)


def _offer(item: Field[Any], hint: Any, info: OptionInfo) -> _Offer:
    name, required = option_name(item, info), item.default is MISSING
    default = inspect.Parameter.empty if required else item.default
    kind, many = _typer_type(item.name, hint, info)
    declared = declaration(item, info, kind)
    if many:
        several: Any = list[kind] if required else list[kind] | None  # type: ignore[valid-type]
        return _Offer(name, item.name, Annotated[several, declared], default or None, True, default)
    if isinstance(kind, type) and issubclass(kind, _Choice) and not required:
        default = kind(default)
    offered: Any = kind if required or default is not None or kind is Any else kind | None
    return _Offer(name, item.name, Annotated[offered, declared], default, False, default)


def _typer_type(name: str, hint: Any, info: OptionInfo) -> tuple[Any, bool]:
    """Return the type that the command line reads for a field of type `hint`, and whether several are read."""
    if choices := allowed_values(hint, info):
        return typing.cast(Any, _Choice)(name, {choice.upper(): choice for choice in choices}), False
    if info.parse is not None:
        return Any, False
    if hint in (StrPath, StrPath | None):
        return Path, False
    kinds = [kind for kind in _alternatives(hint) if kind is not type(None)]
    if typing.get_origin(kinds[0]) is tuple:
        return typing.get_args(kinds[0])[0], True
    # what has several forms in Python, such as a number or a word, is a word here
    return (str if str in kinds else kinds[0]), False


def _alternatives(hint: Any) -> tuple[Any, ...]:
    return typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, types.UnionType) else (hint,)


def declaration(item: Field[Any], info: OptionInfo, kind: Any) -> Any:
    """Return Typer's declaration of an option or argument whose values are of a type."""
    shown = item.default is not None and item.default is not MISSING and item.default != ()
    declared: dict[str, Any] = {
        "metavar": info.metavar,
        "help": info.help,
        "rich_help_panel": info.panel.value or None,
        "show_default": info.shown_default or shown,
        "parser": None if info.parse is None else _reader(info.parse),
    }
    # Typer says the range too, unless the metavar does already; one that no machine's numbers reach says nothing
    if kind in (int, float) and ".." not in (info.metavar or ""):
        declared["min"] = info.low
        declared["max"] = info.high if info.high is not None and info.high < _ENDLESS else None
    return typer.Argument(**declared) if info.argument else typer.Option(*_flags(item, info), **declared)


def _flags(item: Field[Any], info: OptionInfo) -> tuple[str, ...]:
    if info.flags:
        return info.flags
    flag = f"--{item.name.replace('_', '-')}"
    return (f"{flag}/--no-{flag[2:]}",) if item.default is True else (flag,)


def _reader(parse: Callable[[str], Any]) -> Callable[[Any], Any]:
    def read(text: Any) -> Any:
        if not isinstance(text, str):
            return text  # Typer passes defaults through here too
        try:
            return parse(text)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None

    return read


def _panel_order(parameter: inspect.Parameter) -> tuple[int, int]:
    """Return where help and usage list a parameter: arguments first, then by panel."""
    declared = next(
        (each for each in typing.get_args(parameter.annotation) if isinstance(each, typer.models.ParameterInfo)), None
    )
    if not isinstance(declared, typer.models.OptionInfo):
        return 0, 0
    panel = declared.rich_help_panel or None
    return 1, _PANELS.index(panel) if panel in _PANELS else len(_PANELS)


def shared_option(kind: type[Options], name: str) -> Any:
    """Return Typer's declaration of one option of a group, for a command that does not take the group."""
    item, info = next(pair for pair in option_fields(kind) if pair[0].name == name)
    return declaration(item, info, _typer_type(name, type_hints(kind)[name], info)[0])


Device = DeviceName
Precision = PrecisionName
InputsArgument = Annotated[
    list[Path],
    typer.Argument(metavar="INPUT", help="Pictures, videos, GIFs, or folders of numbered frames.", show_default=False),
]
DeviceOption = Annotated[Device, shared_option(ComputeOptions, "device")]
PrecisionOption = Annotated[Precision, shared_option(ComputeOptions, "precision")]
EstimatorOption = Annotated[str, shared_option(EstimatorOptions, "pose_estimator")]
OverwriteOption = Annotated[bool, shared_option(OverwriteOptions, "overwrite")]
