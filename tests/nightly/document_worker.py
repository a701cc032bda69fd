"""Reads damaged documents, one after another, in a process that may crash: poses, motion, avatars, weights, tables.

Run by test_documents_fuzz.py as a program of its own. Arguments: first case, last case + 1, and a folder to work in.
"""

from __future__ import annotations

import gzip
import json
import shutil
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import test_other_programs as programs
import torch
from document_mutations import mutated_document
from fuzz_harness import Fuzzing, fuzz
from made_motions import captured, write_captured
from made_poses import HEIGHT, WIDTH, dancing
from small_avatar import small_avatar, small_stored_avatar

from motionwarp.avatar.files import load_avatar, save_avatar
from motionwarp.avatar.gltf import save_glb
from motionwarp.checkpoints.checkpoint import load_checkpoint, save_checkpoint
from motionwarp.checkpoints.registry import read_registry
from motionwarp.config import read_config
from motionwarp.data.pack import LabeledPicture, PackReader, PackWriter
from motionwarp.datasets.clip_reader import ClipReader
from motionwarp.datasets.items import read_items
from motionwarp.datasets.manifest import read_manifest, write_manifest
from motionwarp.datasets.records import ClipRecord, FileRecord
from motionwarp.datasets.storage.local import LocalStorage
from motionwarp.datasets.verify import verify
from motionwarp.engines.registry import find_spec
from motionwarp.engines.warping_gan.networks import (
    PartGenerator,
    PartGeneratorConfig,
    PartParser,
    PartParserConfig,
    WarpingNetworks,
    load_warping_networks,
    save_warping_networks,
)
from motionwarp.errors import InputError
from motionwarp.motions.files import (
    LibraryMotion,
    is_motion_file,
    load_library_motion,
    read_motion,
    save_library_motion,
)
from motionwarp.pipeline.inspecting import inspect_file
from motionwarp.pose.formats.pose_file import read_pose, read_track, write_track
from motionwarp.types import PoseTrack

COUNT = 3
FORMS = ("coco_results", "alphapose", "coco_annotations", "mmpose", "mediapipe", "mediapipe_task", "dwpose")
ROOT = Path(__file__).resolve().parents[2]


def make_seeds(folder: Path) -> dict[str, bytes]:
    """Return sound documents of every kind that is read, by name."""
    folder.mkdir(parents=True, exist_ok=True)
    people = dancing(COUNT)
    track = PoseTrack(people, np.ones(COUNT, dtype=np.bool_), np.arange(COUNT) / 25, WIDTH, HEIGHT)
    write_track(folder / "poses_own.json", track, file_name="clip.mp4", fps=25.0)
    for form in FORMS:
        (folder / f"poses_{form}.json").write_text(json.dumps(getattr(programs, form)(people)), encoding="utf-8")
    openpose = {"version": 1.3, "people": [{"pose_keypoints_2d": people[0].ravel().tolist()}]}
    (folder / "poses_openpose.json").write_text(json.dumps(openpose), encoding="utf-8")
    write_captured(folder / "motion.bvh", captured(frames=COUNT))
    (folder / "motion.bvh.gz").write_bytes(gzip.compress((folder / "motion.bvh").read_bytes(), mtime=0))
    own = LibraryMotion("nod", "A nod.", "", "", read_motion(folder / "motion.bvh"))
    save_library_motion(folder / "motion.safetensors", own)
    save_avatar(folder / "avatar.safetensors", small_stored_avatar())
    save_glb(folder / "avatar.glb", small_avatar())
    save_checkpoint(folder / "toy.safetensors", {"w": torch.arange(6.0)}, "toy", {"network": {"channels": [4, 8]}})
    parser = PartParser(PartParserConfig(channels=(8, 8, 8), blocks=(1, 1, 1)))
    generator = PartGenerator(PartGeneratorConfig(channels=(8, 8, 8, 8), blocks=(1, 1, 1)))
    save_warping_networks(folder / "engine.safetensors", WarpingNetworks(parser, generator))
    pack = PackWriter()
    gray = np.zeros((8, 6), np.uint8)
    pack.add(LabeledPicture(np.zeros((8, 6, 3), np.uint8), gray, gray, np.zeros((18, 3), np.float32), "one"))
    pack.write(folder / "pack.safetensors")
    shutil.copy(ROOT / "motionwarp" / "engines" / "warping_gan" / "configs" / "parser_1.toml", folder / "parser.toml")
    shutil.copy(ROOT / "weights" / "registry.toml", folder / "registry.toml")
    (folder / "sources.csv").write_text("path,id,licence\na.png,a,CC0\nb.png,b,\n", encoding="utf-8")
    clip = ClipRecord(
        "a__b", "a", "b", 0, 0, "done", "video.mp4", 3, 64, 48, 0.12, "25", files={"x": FileRecord("0" * 64, 1)}
    )
    (folder / "record.json").write_bytes(clip.as_bytes())
    write_manifest(LocalStorage(str(folder)), [clip])
    names = (
        "manifest.parquet",
        *(file.name for file in sorted(folder.iterdir()) if file.is_file() and file.name != "manifest.parquet"),
    )
    return {name: (folder / name).read_bytes() for name in names}


def _poses(path: Path, case: int) -> None:
    size = {} if case % 3 else {"width": WIDTH, "height": HEIGHT}
    with suppress(InputError):
        read_track(path, fps=25.0, person="largest" if case % 2 else case % 5, **size)
    with suppress(InputError):
        read_pose(path)


def _motion(path: Path, case: int) -> None:
    is_motion_file(path)
    with suppress(InputError):
        read_motion(path)
    if path.suffix == ".safetensors":
        with suppress(InputError):
            load_library_motion(path)


def _checkpoint(path: Path, case: int) -> None:
    with suppress(InputError):
        load_checkpoint(path, "toy")


def _engine(path: Path, case: int) -> None:
    with suppress(InputError):
        load_warping_networks(path)


def _avatar(path: Path, case: int) -> None:
    with suppress(InputError):
        load_avatar(path)


def _pack(path: Path, case: int) -> None:
    with suppress(InputError):
        reader = PackReader(path)
        for index in range(min(len(reader), 3)):
            reader[index]


def _config(path: Path, case: int) -> None:
    with suppress(InputError):
        read_config(path, find_spec("warping_gan").stages["parser"].config_class())


def _registry(path: Path, case: int) -> None:
    folder = path.parent / "registered"
    folder.mkdir(exist_ok=True)
    shutil.copy(path, folder / "registry.toml")
    with suppress(InputError):
        read_registry(folder)


def _table(path: Path, case: int) -> None:
    with suppress(InputError):
        read_items("source", str(path))


def _set(path: Path) -> LocalStorage:
    folder = path.parent / "set"
    clip = folder / "clips" / "a__b"
    clip.mkdir(parents=True, exist_ok=True)
    shutil.copy(path, clip / "record.json" if path.suffix == ".json" else folder / "manifest.parquet")
    return LocalStorage(str(folder))


def _record(path: Path, case: int) -> None:
    storage = _set(path)
    with suppress(InputError):
        ClipRecord.from_bytes(path.read_bytes(), "record")
    with suppress(InputError):
        reader = ClipReader(storage, "a__b")
        with suppress(InputError):
            reader.track()
        list(reader.mattes())


def _manifest(path: Path, case: int) -> None:
    storage = _set(path)
    with suppress(InputError):
        read_manifest(storage)
    with suppress(InputError):
        verify(storage, deep=True)


_READERS: dict[str, Callable[[Path, int], None]] = {
    "poses": _poses, "motion": _motion, "avatar": _avatar, "toy": _checkpoint, "engine": _engine, "pack": _pack,
    "parser": _config, "registry": _registry, "sources": _table, "record": _record, "manifest": _manifest,
}  # fmt: skip


def read_document(path: Path, case: int) -> None:
    """Give a document to those who read its kind, and to `inspect_file`, which takes everything."""
    name = path.name.removeprefix("case_")
    if not name.endswith(".glb"):
        _READERS[name.split("_")[0].split(".")[0]](path, case)
    with suppress(InputError):
        inspect_file(path)


def main(first: int, end: int, folder: Path) -> None:
    fuzz(Fuzzing(make_seeds, mutated_document, read_document), first, end, folder)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
