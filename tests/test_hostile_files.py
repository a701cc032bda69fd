"""Files made to do harm, given to everything that reads them.

Each is refused with words, runs nothing and writes nowhere.
"""

from __future__ import annotations

import io
import json
import pickle
import resource
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from motionwarp.avatar.files import load_avatar
from motionwarp.checkpoints.checkpoint import load_checkpoint, save_checkpoint
from motionwarp.checkpoints.registry import read_registry
from motionwarp.config import read_config
from motionwarp.data.pack import FORMAT as PICTURES
from motionwarp.data.pack import LabeledPicture, PackReader, PackWriter
from motionwarp.datasets.clip_reader import ClipReader
from motionwarp.datasets.export import export_openpose
from motionwarp.datasets.manifest import read_manifest, write_manifest
from motionwarp.datasets.records import ClipRecord, FileRecord
from motionwarp.datasets.shards import write_shards
from motionwarp.datasets.storage.local import LocalStorage
from motionwarp.datasets.verify import verify
from motionwarp.engines.warping_gan.data import PartPackReader
from motionwarp.engines.warping_gan.networks import PartParser, PartParserConfig, load_warping_networks
from motionwarp.errors import InputError, OutputError
from motionwarp.evaluation.extractors.files import FEATURE_FILES, FeatureWeights
from motionwarp.media.image import read_image, write_image
from motionwarp.media.reader import open_video
from motionwarp.perception.inference import NetworkPredictor
from motionwarp.pose.formats.pose_file import read_track
from motionwarp.training.pretrained import load_frozen

Reader = Callable[[Path], object]
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Settings:
    """A configuration as TOML may fill it."""

    name: str = ""


class Trap:
    """Makes a file when it is unpickled."""

    def __init__(self, fired: Path) -> None:
        self.fired = fired

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.fired,)


def clip_of(path: Path, name: str) -> ClipReader:
    """Return a reader of a data set's clip one of whose files is `path`."""
    folder = path.parent / "set" / "clips" / "a__b"
    folder.mkdir(parents=True)
    (folder / "record.json").write_bytes(ClipRecord("a__b", "a", "b", 0, 0, "done").as_bytes())
    (folder / name).write_bytes(path.read_bytes())
    return ClipReader(LocalStorage(str(path.parent / "set")), "a__b")


def registry_of(path: Path) -> object:
    path.rename(path.with_name("registry.toml"))
    return read_registry(path.parent)


def features_of(path: Path) -> object:
    name = next(iter(FEATURE_FILES))
    path.rename(path.with_name(FEATURE_FILES[name].file))
    return FeatureWeights(path.parent).read(name)


READERS: dict[str, Reader] = {
    "picture": read_image,
    "video": open_video,
    "poses": read_track,
    "weights": lambda path: load_checkpoint(path, "toy"),
    "avatar": load_avatar,
    "engine": load_warping_networks,
    "analyser": lambda path: NetworkPredictor.load(path, CPU, torch.float32),
    "published weights": features_of,
    "registry": registry_of,
    "configuration": lambda path: read_config(path, Settings),
    "pack of pictures": PackReader,
    "pack of samples": PartPackReader,
    "mattes of a clip": lambda path: list(clip_of(path, "matte.zip").mattes()),
    "poses of a clip": lambda path: clip_of(path, "poses.json").track(),
    "manifest": lambda path: read_manifest(LocalStorage(str(path.rename(path.with_name("manifest.parquet")).parent))),
}


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("reader", READERS)
def test_pickles_are_refused_and_never_run(tmp_path: Path, reader: str, zipped: bool) -> None:
    fired = tmp_path / "fired"
    (tmp_path / "data").mkdir()
    path = tmp_path / "data" / "file"
    if zipped:
        torch.save({"w": torch.zeros(2), "trap": Trap(fired)}, path)
    else:
        path.write_bytes(pickle.dumps(Trap(fired)))
    with pytest.raises(InputError):
        READERS[reader](path)
    assert not fired.exists()
    pickle.loads(pickle.dumps(Trap(fired)))
    assert fired.exists(), "the trap would not have fired at all"


def safetensors_of(path: Path, metadata: dict[str, str]) -> Path:
    save_file({"w": torch.zeros(2)}, path, metadata=metadata)
    return path


DEEP = "[" * 200_000


@pytest.mark.parametrize(
    "read",
    [
        lambda path: read_track(_text(path, DEEP)),
        lambda path: read_config(_text(path, "name = " + DEEP), Settings),
        lambda path: registry_of(_text(path, "version = 1\nweights = " + DEEP)),
        lambda path: ClipRecord.from_bytes(DEEP.encode(), "record"),
        lambda path: load_checkpoint(safetensors_of(path, {"architecture": "toy", "config": DEEP}), "toy"),
        lambda path: PackReader(safetensors_of(path, {"format": PICTURES, "names": DEEP})),
    ],
)
def test_deep_nesting_is_refused(tmp_path: Path, read: Reader) -> None:
    with pytest.raises(InputError):
        read(tmp_path / "file")


def _text(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


# networks of gigabytes, of endless layers, and of numbers that are none
CONFIGS: list[tuple[str, Any]] = [
    ("analyser", {"network": {"channels": [8000] * 5}}),
    ("analyser", {"network": {"blocks": [10**9] * 4}}),
    ("analyser", {"network": {"channels": "many"}}),
    ("analyser", {"network": {"height": -32}}),
    ("analyser", {"network": [1]}),
    ("warping_gan", {"parser": {"channels": [8000, 8000, 8000, 8000]}, "generator": {}}),
    ("warping_gan", {"parser": {"height": 10**12}, "generator": {}}),
    ("warping_gan", {"parser": [], "generator": 3}),
]


@pytest.mark.parametrize(("architecture", "config"), CONFIGS)
def test_a_configuration_cannot_claim_memory_or_time(tmp_path: Path, architecture: str, config: dict[str, Any]) -> None:
    path = save_checkpoint(tmp_path / "a.safetensors", {"parser.w": torch.zeros(2)}, architecture, config)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(InputError):
        READERS["analyser" if architecture == "analyser" else "engine"](path)
    with pytest.raises(InputError):
        load_frozen((PartParser, PartParserConfig), path, architecture, CPU)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown * (1 if sys.platform == "darwin" else 1024) < 200e6


def small_pack(path: Path) -> Path:
    writer = PackWriter()
    gray = np.zeros((8, 6), np.uint8)
    writer.add(LabeledPicture(np.zeros((8, 6, 3), np.uint8), gray, gray, np.zeros((18, 3), np.float32), "one"))
    writer.write(path)
    return path


@pytest.mark.parametrize(
    "change",
    [
        {"rgb_ends": torch.tensor([10**15])},
        {"rgb_ends": torch.tensor([-5])},
        {"rgb_ends": torch.tensor([[3]])},
        {"rgb_ends": torch.tensor([1, 2])},
        {"points": torch.zeros(7, 18, 3)},
        {"rgb_bytes": torch.zeros(2, 2, dtype=torch.uint8)},
        {"matte_ends": None},
    ],
)
def test_packs_whose_tables_do_not_fit_are_refused(tmp_path: Path, change: dict[str, torch.Tensor | None]) -> None:
    from safetensors import safe_open

    path = small_pack(tmp_path / "a.pack")
    assert PackReader(path)[0].name == "one"
    with safe_open(path, framework="pt") as opened:
        metadata = opened.metadata()
        tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    tensors = {name: tensor for name, tensor in {**tensors, **change}.items() if tensor is not None}
    save_file(tensors, path, metadata=metadata)
    with pytest.raises(InputError, match="do not fit"):
        PackReader(path)


def gray_png(width: int, height: int) -> bytes:
    return bytes(cv2.imencode(".png", np.zeros((height, width), np.uint8))[1].tobytes())


def zip_of(path: Path, content: bytes, compression: int, name: str = "00000.png") -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr(name, content)
    return path


def test_archives_are_not_unpacked_and_cannot_grow(tmp_path: Path) -> None:
    mattes = READERS["mattes of a clip"]
    (tmp_path / "sound").mkdir()
    escaping = zip_of(tmp_path / "sound" / "a.zip", gray_png(6, 8), zipfile.ZIP_STORED, "../../../outside.png")
    assert len(mattes(escaping)) == 1  # type: ignore[arg-type]
    assert not list(tmp_path.rglob("outside.png"))
    (tmp_path / "bomb").mkdir()
    with pytest.raises(InputError, match="compressed"):
        mattes(zip_of(tmp_path / "bomb" / "a.zip", bytes(50_000_000), zipfile.ZIP_DEFLATED))
    (tmp_path / "large").mkdir()
    huge = bytearray(gray_png(6, 8))
    huge[16:24] = (100_000).to_bytes(4, "big") * 2
    with pytest.raises(InputError, match="beyond the limit"):
        mattes(zip_of(tmp_path / "large" / "a.zip", bytes(huge), zipfile.ZIP_STORED))


ESCAPES = ["../../escape", "/tmp/escape", "a/../../escape", "..", "a\\..\\escape", "C:escape", ""]


@pytest.mark.parametrize("clip_id", [*ESCAPES, "a/b", "a.b"])
def test_ids_of_a_data_set_cannot_lead_out_of_it(tmp_path: Path, clip_id: str) -> None:
    storage, target = LocalStorage(str(tmp_path / "set")), LocalStorage(str(tmp_path / "export"))
    write_manifest(storage, [ClipRecord(clip_id, "a", "b", 0, 0, "done")])
    before = sorted(tmp_path.rglob("*"))
    for use in (lambda: export_openpose(storage, target), lambda: write_shards(storage), lambda: verify(storage)):
        with pytest.raises(InputError, match="no id of a clip"):
            use()
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", ESCAPES)
def test_records_cannot_name_files_elsewhere(name: str) -> None:
    record = ClipRecord("a__b", "a", "b", 0, 0, "done", files={name: FileRecord("0" * 64, 1)})
    with pytest.raises(InputError, match="no name of a file"):
        ClipRecord.from_bytes(record.as_bytes(), "record")
    if name:
        record = ClipRecord("a__b", "a", "b", 0, 0, "done", video=name)
        with pytest.raises(InputError, match="no name of a file"):
            ClipRecord.from_bytes(record.as_bytes(), "record")


def test_records_of_frames_in_a_folder_are_read() -> None:
    record = ClipRecord(
        "a__b", "a", "b", 0, 0, "done", video="frames", files={"frames/00001.png": FileRecord("0" * 64, 1)}
    )
    assert ClipRecord.from_bytes(record.as_bytes(), "record") == record


def test_links_are_replaced_and_not_written_through(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_bytes(b"precious")
    picture = np.zeros((4, 4, 3), np.uint8)
    (tmp_path / "link.png").symlink_to(precious)
    with pytest.raises(OutputError, match="exists already"):
        write_image(tmp_path / "link.png", picture)
    write_image(tmp_path / "link.png", picture, overwrite=True)
    (tmp_path / "weights.safetensors").symlink_to(precious)
    save_checkpoint(tmp_path / "weights.safetensors", {"w": torch.zeros(1)}, "toy", {})
    assert precious.read_bytes() == b"precious"
    assert not (tmp_path / "link.png").is_symlink()
    assert not (tmp_path / "weights.safetensors").is_symlink()


def test_links_of_a_data_set_are_not_followed_when_it_is_cleared(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "precious").touch()
    (tmp_path / "set" / ".motionwarp").mkdir(parents=True)
    (tmp_path / "set" / ".motionwarp" / "pending").symlink_to(tmp_path / "outside")
    (tmp_path / "set" / "clips").symlink_to(tmp_path / "outside")
    storage = LocalStorage(str(tmp_path / "set"))
    storage.clear_pending()
    storage.remove("clips")
    assert (tmp_path / "outside" / "precious").exists()


def test_poses_with_numbers_that_are_none_are_refused(tmp_path: Path) -> None:
    person = [[1.0, 1.0, 1.0]] * 18
    for wrong in ("1e999", "NaN", "-Infinity", "1" * 5000, '"1"', "null", "true", "[1]", "{}"):
        text = json.dumps({"width": 90, "height": 160, "fps": 12, "frames": [person]}).replace("1.0", wrong, 1)
        with pytest.raises(InputError):
            read_track(_text(tmp_path / "poses.json", text))


def test_arrays_of_objects_are_refused(tmp_path: Path) -> None:
    from motionwarp.datasets.clip_reader import read_warps

    fired = tmp_path / "fired"
    stream = io.BytesIO()
    np.savez(stream, theta=np.array([Trap(fired)], dtype=object))
    (tmp_path / "warps.npz").write_bytes(stream.getvalue())
    with pytest.raises((InputError, ValueError)):
        read_warps(tmp_path / "warps.npz")
    assert not fired.exists()
