"""What a file says of how it came to be: pictures, clips, avatars, weights, motions, and clips of data sets."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from motionwarp.checkpoints.checkpoint import read_metadata as weights_metadata
from motionwarp.errors import InputError, MediaError
from motionwarp.media.frame_folder import find_numbered_frames
from motionwarp.media.limits import existing_file, reading_failure
from motionwarp.media.metadata_reader import read_metadata
from motionwarp.provenance import SOURCE_TYPES, made_by

RECORD: Final = "record.json"
SET: Final = Path(".motionwarp") / "config.json"
_GLB: Final = b"glTF"
_JSON_CHUNK: Final = b"JSON"
_MOST_JSON: Final = 16_000_000
_LONGEST_TEXT: Final = 2000
_REMEDY: Final = "The file is damaged; make it again"
# names that make up the first lines of what is shown
_HEADS: Final = ("synthetic", "digital_source_type", "engine", "encoded_by")


@dataclass(frozen=True)
class Inspection:
    """What a file says of itself; all of it can be removed or forged by whoever has the file.

    Attributes
    ----------
    path : Path
    kind : str
        "picture or clip", "frames", "avatar", "weights", "motion", "pack", "clip of a data set" or "data set".
    version : str or None
        Of the motionwarp that wrote it; None if nothing tells that it was motionwarp.
    synthetic : bool or None
        Whether it says that it was synthesized; None if it says nothing.
    source_type : str or None
        IPTC's term, such as "compositeWithTrainedAlgorithmicMedia"; others' files may have one too.
    engine : str or None
    facts : dict of str
        All else that it tells, texts by name.
    places : tuple of str
        Where in the file it stands.
    """

    path: Path
    kind: str
    version: str | None = None
    synthetic: bool | None = None
    source_type: str | None = None
    engine: str | None = None
    facts: dict[str, str] = field(default_factory=dict)
    places: tuple[str, ...] = ()


def inspect_file(path: str | Path) -> Inspection:
    """Read what a file, or a folder of frames, of a clip of a data set, or of a whole one, says of itself.

    Returns
    -------
    Inspection

    Raises
    ------
    InputError
        One of its kinds, if there is no such file or it is of no kind that motionwarp writes.
    """
    file = Path(path)
    if file.is_dir():
        return _folder(file)
    if file.suffix.lower() == ".safetensors":
        return _tensors(file)
    if file.name == RECORD:
        return _record(file)
    if _begins_with(file, _GLB):
        return _glb(file)
    found = read_metadata(file)
    return _told(file, "picture or clip", found.tags, found.places)


def _begins_with(file: Path, magic: bytes) -> bool:
    try:
        with existing_file(file).open("rb") as opened:
            return opened.read(len(magic)) == magic
    except OSError as error:
        raise reading_failure(error, file) from error


def _told(path: Path, kind: str, tags: Mapping[str, str], places: tuple[str, ...]) -> Inspection:
    term = tags.get("digital_source_type")
    synthetic = tags.get("synthetic")
    return Inspection(
        path,
        kind,
        made_by(tags),
        None if synthetic is None else synthetic == "true",
        None if term is None else term.removeprefix(SOURCE_TYPES),
        tags.get("engine"),
        {name: text for name, text in tags.items() if name not in _HEADS},
        places,
    )


def _folder(folder: Path) -> Inspection:
    if (folder / RECORD).is_file():
        return _record(folder / RECORD)
    if (folder / SET).is_file():
        return _set(folder)
    first = find_numbered_frames(folder)[0].path
    found = read_metadata(first)
    return _told(folder, "frames", found.tags, found.places)


def _tensors(file: Path) -> Inspection:
    metadata = weights_metadata(file)
    tags = {name: _shown(text) for name, text in metadata.items() if name not in ("architecture", "config")}
    version = tags.pop("motionwarp", None)
    architecture = metadata.get("architecture", "")
    kind = {"avatar": "avatar", "motion": "motion"}.get(architecture, "weights" if architecture else "tensors")
    config = _object(metadata.get("config", "{}"), file)
    plain = {name: _shown(value) for name, value in config.items() if isinstance(value, str | int | float | bool)}
    told = _told(file, kind, {**plain, **tags}, ("header",) if metadata else ())
    facts = {**({"architecture": _shown(architecture)} if architecture else {}), **told.facts}
    return Inspection(
        file, kind, version or told.version, told.synthetic, told.source_type, told.engine, facts, told.places
    )


def _glb(file: Path) -> Inspection:
    try:
        with file.open("rb") as opened:
            head = opened.read(20)
            (length,) = struct.unpack_from("<I", head, 12)
            if head[16:20] != _JSON_CHUNK or length > _MOST_JSON:
                raise MediaError("this glTF is damaged", subject=file, remedy="Make it again")
            asset = _object(opened.read(length).decode("utf-8", "replace"), file).get("asset")
    except struct.error as error:
        raise MediaError("this glTF is cut off", subject=file, remedy="Copy it again") from error
    except OSError as error:
        raise reading_failure(error, file) from error
    asset = asset if isinstance(asset, dict) else {}
    extras = asset.get("extras")
    tags = {name: _shown(value) for name, value in extras.items()} if isinstance(extras, dict) else {}
    generator = asset.get("generator")
    tags.setdefault("encoded_by", _shown(generator) if isinstance(generator, str) else "")
    return _told(file, "avatar", tags, ("asset",) if tags.get("encoded_by") else ())


def _record(file: Path) -> Inspection:
    """Read the record of a clip of a data set, which tells more than the clip's own file."""
    record = _read_object(file)
    facts = {name: _shown(value) for name, value in record.items() if not isinstance(value, list) and name != "files"}
    version, engine = facts.pop("motionwarp", ""), facts.pop("engine", "")
    files = record.get("files")
    facts["files"] = str(len(files)) if isinstance(files, dict) else "0"
    video = file.parent / facts["video"] if facts.get("video") and Path(facts["video"]).name == facts["video"] else None
    own = None
    if video is not None and video.exists():
        own = inspect_file(video)
    return Inspection(
        file.parent,
        "clip of a data set",
        version or None,
        own.synthetic if own else None,
        own.source_type if own else None,
        engine or None,
        {name: text for name, text in facts.items() if text},
        ("record.json", *(own.places if own else ())),
    )


def _set(folder: Path) -> Inspection:
    config = _read_object(folder / SET)
    flat = {name: _shown(value) for name, value in _flat(config)}
    version = flat.pop("motionwarp", None)
    return Inspection(folder, "data set", version, True, None, flat.get("engine"), flat, (SET.as_posix(),))


def _flat(values: Mapping[str, Any], before: str = "") -> list[tuple[str, Any]]:
    flat = []
    for name, value in values.items():
        if isinstance(value, dict):
            flat += _flat(value, f"{before}{name}.")
        elif isinstance(value, list):
            flat.append((before + name, f"{len(value)} entries"))
        else:
            flat.append((before + name, value))
    return flat


def _read_object(file: Path) -> dict[str, Any]:
    try:
        if existing_file(file).stat().st_size > _MOST_JSON:
            raise InputError("is too large for what it should be", subject=file)
        return _object(file.read_text(encoding="utf-8", errors="replace"), file)
    except OSError as error:
        raise reading_failure(error, file) from error


def _object(text: str, file: Path) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"holds no JSON ({error})", subject=file, remedy="The file is damaged; make it again"
        ) from error
    if not isinstance(value, dict):
        raise InputError("holds no JSON object", subject=file, remedy=_REMEDY)
    return value


def _shown(value: object) -> str:
    """Return a value in a form that a terminal can show."""
    if isinstance(value, bool):
        text = str(value).lower()
    else:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return "".join(letter if letter.isprintable() else " " for letter in text[:_LONGEST_TEXT])
