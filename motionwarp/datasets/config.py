"""Everything that decides the bytes of a data set, and how a stored configuration is compared with a new one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any, Final

from motionwarp.datasets.items import Item
from motionwarp.datasets.options import Augmentation, ClipOptions
from motionwarp.errors import OptionError, OutputError
from motionwarp.pipeline.options import BackgroundKind, TransferOptions
from motionwarp.version import __version__

CONFIG_NAME: Final = ".motionwarp/config.json"
FORMAT: Final = 1
# what a data set has no use for, or has other means for
_UNUSED: Final = (
    "source_poses", "driving_poses", "matte", "save_poses", "region_debug", "source_time", "start", "end", "overwrite",
    "side_by_side",
    "placement", "also", "max_bytes", "cast",
)  # fmt: skip
_NO_ALPHA: Final = ("mp4",)
# one entry a file
_LISTS: Final = ("sources", "drivings", "backgrounds")


@dataclass(frozen=True)
class DatasetConfig(ClipOptions):
    """How clips are made; with the inputs, it decides every byte. Its other fields are those of `ClipOptions`.

    Attributes
    ----------
    options : TransferOptions
        Options of every clip; `seed` is that of the whole data set. Without sound, views beside each other, and what
        belongs to single inputs, which the tables of inputs give.
    augmentation : Augmentation

    Raises
    ------
    OptionError
        For values out of range or that do not go together.
    """

    options: TransferOptions = field(default_factory=lambda: TransferOptions(audio=False))
    augmentation: Augmentation = field(default_factory=Augmentation)

    def __post_init__(self) -> None:
        super().__post_init__()
        defaults = TransferOptions()
        for name in _UNUSED:
            if getattr(self.options, name) != getattr(defaults, name):
                raise OptionError(
                    f"data sets do not take the option '{name}'",
                    remedy="Give it in the tables of inputs or the augmentation",
                )
        if self.options.audio:
            raise OptionError("clips of data sets have no sound", remedy="Set audio=False")
        if self.cast and self.options.turns:
            raise OptionError(
                "is for one person alone", values={"view": self.options.view}, remedy="Leave `view` or `cast` out"
            )
        self._check_background()

    def _check_background(self) -> None:
        kind = self.options.background_choice.kind
        if self.augmentation.backgrounds:
            if kind is not BackgroundKind.SOURCE:
                raise OptionError(
                    "a background and a pool of backgrounds exclude each other", remedy="Give one of them"
                )
            return
        if kind is BackgroundKind.TRANSPARENT and self.container in _NO_ALPHA:
            raise OptionError(f"{self.container} cannot be transparent", remedy="Choose webm, mov, mkv or frames")
        if kind is BackgroundKind.DRIVING and self.augmentation.mirror > 0:
            raise OptionError(
                "a mirrored motion does not fit the driving clip's own picture",
                values={"mirror": self.augmentation.mirror, "background": "driving"},
                remedy="Choose another background or leave out `mirror`",
            )

    @property
    def needs_plate(self) -> bool:
        """Whether the driving clips' backgrounds are shown."""
        return self.options.background_choice.kind is BackgroundKind.DRIVING and not self.augmentation.backgrounds

    @property
    def needs_source_plate(self) -> bool:
        """Whether the sources' backgrounds are shown."""
        return self.options.background_choice.kind is BackgroundKind.SOURCE and not self.augmentation.backgrounds


def stored_form(
    config: DatasetConfig, sources: tuple[Item, ...], drivings: tuple[Item, ...], contents: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what is kept beside a data set, as JSON can hold it.

    Configuration, inputs, version, `dependency_contents` and `plan_summary`.
    """
    options = {key: value for key, value in asdict(config.options).items() if key not in _UNUSED and key != "audio"}
    # 256 and '256' mean the same
    for name in ("size", "fps", "batch_size"):
        options[name] = None if options[name] is None else str(options[name])
    form = {
        "format": FORMAT,
        "motionwarp": __version__,
        **options,
        **contents,
        "augmentation": asdict(config.augmentation),
        "pairs": config.pairs,
        "variants": config.variants,
        "container": config.container,
        "threads": config.threads,
        # sets of one person are as they were before there were others
        **({"cast": list(config.cast)} if config.cast else {}),
        "sources": [item.as_dict() for item in sources],
        "drivings": [item.as_dict() for item in drivings],
    }
    # tuples become lists, as they will be when read
    content: dict[str, Any] = json.loads(json.dumps(form))
    return content


def encoded(form: Mapping[str, Any]) -> bytes:
    """Return JSON whose bytes depend on the values only."""
    text = partial(json.dumps, form, indent=1, sort_keys=True, allow_nan=False)
    try:
        return f"{text(ensure_ascii=False)}\n".encode()
    except UnicodeEncodeError:  # names of files that are no text; JSON can hold them escaped
        return f"{text(ensure_ascii=True)}\n".encode()


def check_unchanged(stored: Mapping[str, Any], new: Mapping[str, Any], place: str) -> None:
    """Refuse to go on with a data set that was begun with another configuration.

    Raises
    ------
    OutputError
        Naming every field that differs, with both values.
    """
    differences = list(_differences(stored, new, ""))
    if differences:
        shown = "; ".join(differences[:5]) + (f"; and {len(differences) - 5} more" if len(differences) > 5 else "")
        raise OutputError(
            f"was begun with another configuration: {shown}",
            subject=place,
            remedy="Give the same options again, or another output",
        )


def _differences(stored: Mapping[str, Any], new: Mapping[str, Any], place: str) -> list[str]:
    found = []
    for key in sorted({*stored, *new}):
        before, now = stored.get(key), new.get(key)
        if before == now:
            continue
        name = f"{place}{key}"
        if isinstance(before, Mapping) and isinstance(now, Mapping):
            found += _differences(before, now, f"{name}.")
        elif isinstance(before, list) and isinstance(now, list) and key in _LISTS:
            found.append(f"{name} ({_changed_entries(before, now)})")
        else:
            found.append(f"{name} was {json.dumps(before)}, now {json.dumps(now)}")
    return found


def _changed_entries(before: list[Any], now: list[Any]) -> str:
    """Tell of the first difference of two lists that may be as long as there are files."""
    old, new = ({_entry_name(entry): entry for entry in entries} for entries in (before, now))
    for key in new:
        if key not in old:
            return f"{len(before)} before, {len(now)} now; '{key}' is new"
    for key in old:
        if key not in new:
            return f"{len(before)} before, {len(now)} now; '{key}' is gone"
    changed = next((key for key in new if old[key] != new[key]), None)
    return (
        "another order"
        if changed is None
        else f"'{changed}': {'; '.join(_differences(old[changed], new[changed], ''))}"
    )


def _entry_name(entry: Any) -> str:
    return str(entry["id"] if isinstance(entry, Mapping) else entry)
