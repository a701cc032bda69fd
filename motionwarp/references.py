"""References to code by name, so that what names it need not import it: "package.module:attribute"."""

from __future__ import annotations

import re
from importlib import import_module
from typing import Any, Final

_REFERENCE: Final = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


def check_reference(reference: str) -> str:
    """Return the text of a reference as it is.

    Raises
    ------
    ValueError
        If it is not of the form "package.module:attribute".
    """
    if _REFERENCE.fullmatch(reference) is None:
        raise ValueError(f"{reference!r} is no reference of the form 'package.module:attribute'")
    return reference


def load_reference(reference: str) -> Any:
    """Import a reference's module and return the attribute.

    Parameters
    ----------
    reference : str
        "package.module:attribute".

    Raises
    ------
    ImportError
        If there is no such module.
    AttributeError
        If the module has no such attribute.
    """
    module, _, attribute = check_reference(reference).partition(":")
    return getattr(import_module(module), attribute)
