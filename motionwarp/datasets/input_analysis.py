"""Looking at an input: its content's hash, its analysis unless that is kept already, and the note that says where."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from motionwarp.datasets.analysis_cache import AnalysisCache, analysis_key, dancer_key
from motionwarp.datasets.cast import rules_of
from motionwarp.datasets.config import DatasetConfig
from motionwarp.datasets.dependencies import estimator_sha256
from motionwarp.datasets.input_notes import AnalyzedItem, content_sha256, item_files, item_stamp, write_note
from motionwarp.datasets.items import CAPTURE_ENDINGS, Item
from motionwarp.datasets.storage.base import Storage
from motionwarp.datasets.storage.factory import split_address
from motionwarp.devices import resolve_device, resolve_precision
from motionwarp.errors import MediaError, PoseFileError
from motionwarp.perception.base import Estimator
from motionwarp.perception.registry import make_estimator
from motionwarp.pipeline.cast import observe_dancers
from motionwarp.pipeline.driving import observe_driving, probe_driving
from motionwarp.pipeline.options import TransferOptions
from motionwarp.pipeline.source import prepare_source, read_source
from motionwarp.version import __version__


class InputAnalyzer:
    """Analyzes inputs for one configuration, with an estimator that is loaded when it is first needed.

    Parameters
    ----------
    config : DatasetConfig
    storage : Storage
        Storage of the data set.
    scratch : Path
        A folder of this machine for copies of inputs that lie elsewhere.
    """

    def __init__(self, config: DatasetConfig, storage: Storage, scratch: Path) -> None:
        self.config, self.storage, self.scratch = config, storage, scratch
        self.cache = AnalysisCache(storage)
        # by address and stamp: many sections may be of one long file
        self._digests: dict[tuple[str, str], str] = {}
        self.device = resolve_device(config.options.device)
        self.dtype = resolve_precision(config.options.precision, self.device)

    @cached_property
    def estimator(self) -> Estimator:
        """The estimator of the configuration."""
        return make_estimator(self.config.options.pose_estimator, self.device, self.dtype)

    @cached_property
    def estimator_sha256(self) -> str:
        """Checksum of the estimator's weights or file; empty for one that brings its own."""
        return estimator_sha256(self.config.options.pose_estimator)

    def see(self, item: Item) -> AnalyzedItem:
        """Analyze an input unless that is done, and note it.

        Raises
        ------
        MediaError, PoseFileError, NoPersonError
            If the input is at fault.
        """
        stamp = item_stamp(item)
        digests = {name: self._digest(address) for name, address in item_files(item).items()}
        key = analysis_key(self._key_parts(item, list(digests.values())))
        if not self.cache.has(key):
            torch.manual_seed(self.config.options.seed)
            (self._see_source if item.kind == "source" else self._see_driving)(item, key)
        frames = 1 if item.kind == "source" else len(self.cache.load_motion(key, Path(item.path))[0].track)
        seen = AnalyzedItem(key, digests.pop("path"), stamp, frames, digests)
        write_note(self.storage, item, seen)
        return seen

    def _digest(self, address: str) -> str:
        storage, name = split_address(address)
        place = address, storage.stamp(name)
        if place not in self._digests:
            self._digests[place] = content_sha256(address)
        return self._digests[place]

    def _key_parts(self, item: Item, digests: list[str]) -> dict[str, Any]:
        """Return all that decides what an analysis sees."""
        options = self.config.options
        dancers = self._dancers(item)
        camera = {"view": options.view, "orbit": options.orbit, "travel": options.travel}
        return {
            # only motion capture is seen by it, and analyses of clips that were kept before stay good
            **(camera if item.kind == "driving" and item.path.lower().endswith(CAPTURE_ENDINGS) else {}),
            **({"dancers": dancers} if dancers else {}),
            "kind": item.kind,
            "content": digests,
            "companions": [item.poses is not None, item.matte is not None],
            "section": [item.time, item.start, item.end],
            "person": item.person or (options.person_in_source if item.kind == "source" else options.person_in_driving),
            "estimator": [options.pose_estimator, self.estimator_sha256],
            "computed": [self.device.type, str(self.dtype), self.config.threads, __version__],
            "seed": options.seed,
            "plate": self.config.needs_source_plate if item.kind == "source" else self.config.needs_plate,
        }

    def options_for(self, item: Item) -> TransferOptions:
        """Return the configuration's options with what the input's row says, and its files on this machine."""
        options = self.config.options
        if item.person is not None:
            options = replace(options, person=item.person, source_person=None, driving_person=None)
        poses = None if item.poses is None else self.local(item.poses)
        if item.kind == "driving":
            background = "driving" if self.config.needs_plate else "source"
            return replace(options, start=item.start, end=item.end, driving_poses=poses, background=background)
        matte = None if item.matte is None else self.local(item.matte)
        return replace(options, source_time=item.time, source_poses=poses, matte=matte)

    def local(self, address: str) -> Path:
        """Return a path on this machine with a file's content."""
        storage, name = split_address(address)
        try:
            return storage.local_path(name, self.scratch)
        except OSError as error:
            raise MediaError(f"the file cannot be read ({error})", subject=address, remedy="Check the path") from error

    def _see_source(self, item: Item, key: str) -> None:
        options, path = self.options_for(item), self.local(item.path)
        prepared = prepare_source(read_source(path, options), options, self.estimator)
        self.cache.save_source(key, prepared, with_plate=self.config.needs_source_plate)

    def _see_driving(self, item: Item, key: str) -> None:
        options, path = self.options_for(item), self.local(item.path)
        clip = probe_driving(path, options)
        if dancers := self._dancers(item):
            motion, *others = observe_dancers(clip, options, self.estimator, dancers)
            # that of the main one last, by which it is seen that all are there
            for number, other in enumerate(others, start=1):
                self.cache.save_motion(dancer_key(key, number), other, clip.info)
        else:
            estimator = self._needed_estimator(clip.given_track is not None or clip.capture is not None)
            motion = observe_driving(clip, options, estimator, with_plate=self.config.needs_plate)
        if not np.isfinite(motion.track.points).all():
            raise PoseFileError("has points that are no numbers", subject=item.path)
        self.cache.save_motion(key, motion, clip.info)

    def _dancers(self, item: Item) -> list[str]:
        """Return which further dancers of a motion are followed, too."""
        return [rule.dancer for rule in rules_of(item, self.config.cast)] if item.kind == "driving" else []

    def _needed_estimator(self, given: bool) -> Estimator:
        """Return the estimator, or one that is never asked where all poses are given."""
        return _NeverAsked() if given else self.estimator


class _NeverAsked:
    """Stands for an estimator where poses come from files, so that no network is loaded."""

    name = "file"

    def _refuse(self, *_: object, **__: object) -> Any:
        raise RuntimeError("all poses were given, so that no estimator should have been asked")

    find_people = analyze_picture = follow = _refuse
