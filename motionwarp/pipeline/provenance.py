"""What each of the jobs writes into its files about how they came to be."""

from __future__ import annotations

from motionwarp.pipeline.options import BackgroundKind, TransferOptions
from motionwarp.pipeline.setup import TransferSetup
from motionwarp.provenance import Provenance, SourceType

_WITHOUT_CAPTURED = (BackgroundKind.COLOR, BackgroundKind.TRANSPARENT)


def transfer_provenance(setup: TransferSetup, thing: str = "video") -> dict[str, str]:
    """Return the tags of a transfer's output.

    It is a composite wherever captured pixels remain: behind or beside the person, or the person's own.
    """
    drawn = not setup.engine.keeps_pixels and not _shows_captured(setup.options)
    source_type = SourceType.TRAINED if drawn else SourceType.COMPOSITE
    what = "the motion of one video given to another person"
    return Provenance(what, source_type, setup.engine.name, thing).tags()


def _shows_captured(options: TransferOptions) -> bool:
    return options.side_by_side or options.background_choice.kind not in _WITHOUT_CAPTURED


def preview_provenance(setup: TransferSetup) -> dict[str, str]:
    """Return the tags of a sheet or of drawn regions, which show inputs beside or under the result."""
    what = "the motion of one video given to another person"
    return Provenance(what, SourceType.COMPOSITE, setup.engine.name, "preview").tags()


def swap_provenance(engine_name: str) -> dict[str, str]:
    """Return the tags of a photo whose person wears other clothes."""
    return Provenance("the clothes of another photo", SourceType.COMPOSITE, engine_name, "picture").tags()


def translation_provenance(thing: str = "video") -> dict[str, str]:
    """Return the tags of a picture or clip that a network has drawn anew."""
    return Provenance("translated", SourceType.TRAINED, "cyclegan", thing).tags()


def avatar_provenance(thing: str) -> dict[str, str]:
    """Return the tags of an avatar, or of a clip of one: its textures are the photo's pixels, the rest is filled."""
    what = "an avatar turns" if thing == "video" else "an avatar of a person in a photo"
    return Provenance(what, SourceType.COMPOSITE, "avatar", thing).tags()


def motion_provenance() -> dict[str, str]:
    """Return the tags of a clip of a drawn figure that moves."""
    return Provenance("a motion drawn", SourceType.ALGORITHMIC).tags()
