"""Every error that a user can meet: what is wrong, with which input, and what to do next.

The command line prints `str(error)` without a traceback and exits with `error.exit_code`: 2 for bad input, 1 for a
failure of ours. Code raises the narrowest class that fits; callers who want "anything wrong with my input" catch
`InputError`.
"""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import Any


class MotionwarpError(Exception):
    """Base of all errors raised on purpose.

    Parameters
    ----------
    problem : str
        What is wrong, as a sentence without a full stop.
    subject : str, path or None
        The input it is about: a file, a frame, a value.
    remedy : str
        What the user can do about it, as a sentence; may be empty where there is nothing to do. Options in it stand
        between backticks, as `name` or `name=value`.
    values : mapping of str to object
        The options it is about, by name, where it is about some; they are the subject then, unless another one is
        given. A command line spells them, and those in the remedy, in its own way.
    """

    exit_code = 1

    def __init__(
        self,
        problem: str,
        *,
        subject: str | PathLike[str] | None = None,
        remedy: str = "",
        values: Mapping[str, Any] | None = None,
    ) -> None:
        self.problem = problem
        self.values = {} if subject is not None or values is None else dict(values)
        told = ", ".join(f"{name}={value!r}" for name, value in self.values.items()) or None
        self.subject = told if subject is None else str(subject)
        self.remedy = remedy
        super().__init__(problem)

    def __str__(self) -> str:
        head = self.problem if self.subject is None else f"{self.subject}: {self.problem}"
        return f"{head}. {self.remedy}" if self.remedy else f"{head}."

    def __reduce__(self) -> tuple[object, ...]:
        # keyword-only arguments do not survive the default pickling, and batch workers send errors between processes
        subject = None if self.values else self.subject
        return _rebuild, (type(self), self.problem, subject, self.remedy, self.values)


def _rebuild(
    kind: type[MotionwarpError], problem: str, subject: str | None, remedy: str, values: dict[str, Any]
) -> MotionwarpError:
    return kind(problem, subject=subject, remedy=remedy, values=values)


class InputError(MotionwarpError):
    """The user's input is at fault."""

    exit_code = 2


class MediaError(InputError):
    """A picture, video or sound that cannot be read."""


class LimitError(MediaError):
    """A medium beyond the configured limits of size, refused before it is decoded."""


class OutputError(InputError):
    """An output that cannot or must not be written.

    It exists, is an input, has an unknown ending, or the disk is full.
    """


class StorageError(MotionwarpError):
    """Storage elsewhere that does not answer, or refuses who asks; asking again may help."""

    exit_code = 2


class PoseFileError(InputError):
    """A file of poses with a wrong form, shape or value."""


class NoPersonError(InputError):
    """No usable person where one is needed."""


class OptionError(InputError):
    """An option, or a combination of options, that makes no sense or is out of range."""


class DeviceError(InputError):
    """A device or precision that this machine does not have."""


class WeightsError(InputError):
    """Weights that are missing, damaged, or made for another architecture."""


class MissingExtraError(InputError):
    """An optional dependency that is not installed; the remedy names the extra."""


class EngineWarning(UserWarning):
    """An engine of another distribution cannot be used; the message names it."""
