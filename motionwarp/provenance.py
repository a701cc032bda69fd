"""What a file says of how it came to be: which program made it, and that nobody filmed it.

The kind of source is told in the words of IPTC's vocabulary "Digital Source Type"
(http://cv.iptc.org/newscodes/digitalsourcetype/), which platforms and archives read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from motionwarp.version import __version__

SOURCE_TYPES: Final = "http://cv.iptc.org/newscodes/digitalsourcetype/"
_MAKER: Final = "motionwarp "


class SourceType(Enum):
    """IPTC's terms for what comes out of motionwarp; the values are their names in the vocabulary."""

    TRAINED = "trainedAlgorithmicMedia"
    """All of it was drawn by a trained network."""
    COMPOSITE = "compositeWithTrainedAlgorithmicMedia"
    """Captured pixels remain, of the person's photo or of what lies behind, put together with the help of networks."""
    ALGORITHMIC = "algorithmicMedia"
    """Drawn by closed forms, from nobody's picture."""

    @property
    def address(self) -> str:
        """The term as IPTC wants it written."""
        return SOURCE_TYPES + self.value


@dataclass(frozen=True)
class Provenance:
    """What a file says of itself. It names nobody: neither files nor paths of the inputs belong here.

    Attributes
    ----------
    what : str
        What was done, as the end of a sentence.
    source_type : SourceType
    engine : str
        Empty where no engine took part.
    thing : str
        What the file is: "video", "picture", ...

    Raises
    ------
    ValueError
        If a text has control characters, or `what` is empty.
    """

    what: str
    source_type: SourceType
    engine: str = ""
    thing: str = "video"

    def __post_init__(self) -> None:
        if not self.what or not all(text.isprintable() for text in (self.what, self.engine, self.thing)):
            raise ValueError(f"a provenance needs printable words, got {self!r}")

    @property
    def maker(self) -> str:
        """Program and version."""
        return _MAKER + __version__

    @property
    def comment(self) -> str:
        """The whole as a sentence."""
        by = self.maker + (f", engine {self.engine}" if self.engine else "")
        return f"Synthetic {self.thing} made by {by}: {self.what}"

    def tags(self) -> dict[str, str]:
        """Return what is written into files, by name; `made_by` and `source_type_of` read it."""
        tags = {
            "comment": self.comment,
            "synthetic": "true",
            "encoded_by": self.maker,
            "digital_source_type": self.source_type.address,
        }
        return {**tags, "engine": self.engine} if self.engine else tags


def made_by(tags: Mapping[str, str]) -> str | None:
    """Return the version of motionwarp that wrote tags, or None if it was another program."""
    maker = tags.get("encoded_by", "")
    return maker.removeprefix(_MAKER) if maker.startswith(_MAKER) else None
