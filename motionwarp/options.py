"""Options as fields of dataclasses: one declaration gives the Python API, its checks, the command line and the help.

An option is declared once, as a field made by `option`, and stands in one group. Commands and functions take the groups
that they need; `motionwarp_cli.options.with_options` makes the command line from them. This module is imported for
every `--help`, so it and the groups import nothing heavy.
"""

from __future__ import annotations

import difflib
import inspect
import math
import re
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, replace
from enum import Enum
from numbers import Real
from typing import Any, Final, Literal, TypeVar

from motionwarp.errors import OptionError

_KEY: Final = "motionwarp.option"
_Options = TypeVar("_Options", bound="Options")


class Panel(str, Enum):
    """The headings under which help lists options, in their order."""

    MAIN = ""
    LOOK = "Look"
    PEOPLE = "Seeing people"
    LABELS = "Labels"
    FRAMING = "Framing"
    SYSTEMS = "Systems"
    METRICS = "Metrics"
    VARIETY = "Variety"
    RUNNING = "Running"
    OUTPUT = "Output"
    COMPUTING = "Computing"


@dataclass(frozen=True, kw_only=True)
class OptionInfo:
    """What is known of an option beside its name, type and default, which the field itself has.

    Attributes
    ----------
    help : str
        One sentence for users.
    panel : Panel
    metavar : str or None
        What stands for the value in help; None for the type's name or the choices.
    flags : tuple of str
        Spellings on the command line; empty for the field's name with dashes, and `--no-` before it where it is on by
        default.
    choices : tuple of str
        All allowed values; empty for any, or where the field's type is a `Literal`.
    low, high : float or None
        The least and the largest allowed number.
    shown_default : str or None
        What None stands for, in help.
    parse : callable or None
        Reads the text of a command line; raises `ValueError` with a sentence for users.
    argument : bool
        Whether it is a positional argument of commands.
    """

    help: str
    panel: Panel = Panel.MAIN
    metavar: str | None = None
    flags: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    shown_default: str | None = None
    parse: Callable[[str], Any] | None = None
    argument: bool = False

    @property
    def bounds(self) -> str:
        """The allowed numbers in words, such as 'at least 1' or 'from 0 to 1'."""
        if self.low is None:
            return "any number" if self.high is None else f"up to {self.high:g}"
        return f"at least {self.low:g}" if self.high is None else f"from {self.low:g} to {self.high:g}"


# keywords are `OptionInfo`'s, whose constructor checks them
def option(default: Any = MISSING, **info: Any) -> Any:
    """Declare an option: a dataclass field with its default, none for a required one, and what `OptionInfo` takes."""
    return field(default=default, metadata={_KEY: OptionInfo(**info)})


def info_of(item: Field[Any]) -> OptionInfo | None:
    """Return what is known of a field's option; None for a field that is no option."""
    info: OptionInfo | None = item.metadata.get(_KEY)
    return info


def option_fields(kind: type) -> Iterator[tuple[Field[Any], OptionInfo]]:
    """Yield the fields of a dataclass that are options, with what is known of them."""
    for item in fields(kind):
        if (info := info_of(item)) is not None:
            yield item, info


def option_name(item: Field[Any], info: OptionInfo) -> str:
    """Return the name by which users know an option: of its first flag if it has flags, else of the field."""
    return info.flags[0].split("/")[0].lstrip("-").replace("-", "_") if info.flags else item.name


def allowed_values(hint: Any, info: OptionInfo) -> tuple[str, ...]:
    """Return the choices of an option from its type's `Literal` or its declaration; empty for any value."""
    return typing.get_args(hint) if typing.get_origin(hint) is Literal else info.choices


@dataclass(frozen=True, kw_only=True)
class Options:
    """A group of options, each checked by its declaration when the group is made.

    Raises
    ------
    OptionError
        For a value that is not among the choices, or out of range.
    """

    def __post_init__(self) -> None:
        hints = type_hints(type(self))
        for item, info in option_fields(type(self)):
            value = getattr(self, item.name)
            choices = allowed_values(hints[item.name], info)
            if choices and value not in choices:
                raise OptionError(
                    "is not a choice",
                    values={option_name(item, info): value},
                    remedy=f"Choose one of {', '.join(choices)}",
                )
            if value is not None and (info.low is not None or info.high is not None):
                _check_range(option_name(item, info), value, info)


def _check_range(name: str, value: Any, info: OptionInfo) -> None:
    number = type(value) is not bool and isinstance(value, Real) and math.isfinite(value)
    if not number or not (info.low is None or value >= info.low) or not (info.high is None or value <= info.high):
        raise OptionError("is out of range", values={name: value}, remedy=f"Give a number {info.bounds}")


_HINTS: dict[type, dict[str, Any]] = {}


def type_hints(kind: type) -> dict[str, Any]:
    """Return the types of a dataclass's fields, evaluated once."""
    if kind not in _HINTS:
        _HINTS[kind] = typing.get_type_hints(kind)
    return _HINTS[kind]


def documented(kind: type[_Options]) -> type[_Options]:
    """Write the attributes of a group of options into its docstring, from their declarations."""
    lines = [inspect.cleandoc(kind.__doc__ or ""), "", "Attributes", "----------"]
    for item, info in option_fields(kind):
        lines.append(f"{item.name} : {item.type}" + ("" if item.default is MISSING else f", default {item.default!r}"))
        told = info.help if info.shown_default is None else f"{info.help} None: {info.shown_default}."
        if info.low is not None or info.high is not None:
            told += f" A number {info.bounds}."
        lines.append(f"    {told}")
    kind.__doc__ = "\n".join(lines) + "\n"
    return kind


def changed(options: _Options, changes: Mapping[str, Any]) -> _Options:
    """Return options with some of them given anew, by name.

    Raises
    ------
    OptionError
        For a name that is not one of theirs, and for a value that they refuse.
    """
    known = [item.name for item in fields(options)]
    for name in changes:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            meant = f"Perhaps `{near[0]}` is meant; known" if near else "Known"
            raise OptionError(
                "is not an option", values={name: changes[name]}, remedy=f"{meant} are {', '.join(sorted(known))}"
            )
    return replace(options, **changes)


def parse_seconds(text: str) -> float:
    """Read a time: seconds, or minutes and hours before colons, such as 95, 1:35 or 0:01:35.

    Raises
    ------
    ValueError
        If it is not such a time.
    """
    if re.fullmatch(r"(\d+:){0,2}(\d+(\.\d*)?|\.\d+)", text.strip()) is None:
        raise ValueError(f"'{text}' is not a time; write seconds such as 12.5, or minutes and seconds such as 1:35.")
    total = 0.0
    for part in text.strip().split(":"):
        total = total * 60 + float(part)
    return total


_UNITS: Final = {"": 1, "k": 1000, "m": 1000**2, "kib": 1024, "mib": 1024**2}
_LEAST_BYTES: Final = 1000


def parse_bytes(text: str | int) -> int:
    """Read a number of bytes: 262144, 256k, 1.5M or 256KiB.

    A k is a thousand, so that what is made for a limit of 256k keeps it however somebody else reads that.

    Raises
    ------
    ValueError
        If it is not such a number, or below a thousand.
    """
    found = re.fullmatch(r"(\d{1,12}(?:\.\d{1,6})?)\s*(k|m|kib|mib)?b?", str(text).strip().lower())
    count = 0 if found is None else int(float(found[1]) * _UNITS[found[2] or ""])
    if count < _LEAST_BYTES:
        raise ValueError(f"'{text}' is not a size of a file; give at least {_LEAST_BYTES}, such as 256k or 1.5M.")
    return count


class DeviceName(str, Enum):
    """Where networks run."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"
    MPS = "mps"


class PrecisionName(str, Enum):
    """Type of the networks' activations."""

    AUTO = "auto"
    FP32 = "fp32"
    BF16 = "bf16"
    FP16 = "fp16"


DEVICE_NAMES: Final = tuple(name.value for name in DeviceName)
PRECISION_NAMES: Final = tuple(name.value for name in PrecisionName)


@documented
@dataclass(frozen=True, kw_only=True)
class ComputeOptions(Options):
    """Where and how networks are computed."""

    device: str = option(
        "auto",
        help="Where networks run; auto takes a GPU if there is one.",
        panel=Panel.COMPUTING,
        choices=DEVICE_NAMES,
    )
    precision: str = option(
        "auto",
        help="Of the networks; auto takes bf16 where it is fast.",
        panel=Panel.COMPUTING,
        choices=PRECISION_NAMES,
    )


@documented
@dataclass(frozen=True, kw_only=True)
class OverwriteOptions(Options):
    """Whether what exists may be replaced."""

    overwrite: bool = option(False, help="Replace an output that exists.", panel=Panel.OUTPUT)
