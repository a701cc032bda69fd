"""Two small people and two short motions, made of the project's examples, with their poses given."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from motionwarp.datasets.config import DatasetConfig
from motionwarp.datasets.generate import RunSummary, generate
from motionwarp.datasets.items import Item, read_items
from motionwarp.datasets.options import ExecutorChoice, RunSettings
from motionwarp.media.image import read_image, write_image
from motionwarp.media.reader import open_video
from motionwarp.media.writer import open_writer
from motionwarp.pipeline.options import TransferOptions

SIZE = (72, 128)
FRAMES = 5
INLINE = RunSettings(ExecutorChoice("inline"))
CONFIG = DatasetConfig(TransferOptions(audio=False, device="cpu", precision="fp32", size=96))


@dataclass(frozen=True)
class Inputs:
    """Tables of two people and two motions.

    Attributes
    ----------
    folder : Path
        With everything in it.
    sources, drivings : Path
        CSV files.
    """

    folder: Path
    sources: Path
    drivings: Path

    def items(self) -> tuple[tuple[Item, ...], tuple[Item, ...]]:
        return read_items("source", str(self.sources)), read_items("driving", str(self.drivings))


def small(rgb: Any) -> Any:
    return cv2.resize(rgb, SIZE, interpolation=cv2.INTER_AREA)


def scaled(points: Any, width: int, height: int) -> Any:
    factor = np.array([SIZE[0] / width, SIZE[1] / height, 1.0])
    return (np.asarray(points) * factor).tolist()


def write_inputs(folder: Path, examples: Path) -> Inputs:
    picture = read_image(examples / "person.jpg")
    pose = json.loads((examples / "person.keypoints18.json").read_text())
    points = pose["frames"][0] if "frames" in pose else next(iter(pose.values()))
    write_image(folder / "ann.png", small(picture.rgb))
    # another person by another shirt: the colors' channels are exchanged
    write_image(folder / "bea.png", small(picture.rgb[..., [1, 2, 0]].copy()))
    one = {"width": SIZE[0], "height": SIZE[1], "fps": 25, "frames": [scaled(points, picture.width, picture.height)]}
    (folder / "person.json").write_text(json.dumps(one))
    dance = json.loads((examples / "dance.keypoints18.json").read_text())
    with open_video(examples / "dance.mp4") as reader:
        width, height = reader.info.width, reader.info.height
        frames = [small(frame.rgb) for frame, _ in zip(reader, range(4 * FRAMES), strict=False)]
    for name, chosen in (("step", range(0, FRAMES)), ("turn", range(2 * FRAMES, 4 * FRAMES, 2))):
        with open_writer(folder / f"{name}.mp4", width=SIZE[0], height=SIZE[1], frame_rate=Fraction(10)) as writer:
            for index, number in enumerate(chosen):
                writer.write(frames[number], index / 10)
        poses = [scaled(dance["frames"][number], width, height) for number in chosen]
        track = {"width": SIZE[0], "height": SIZE[1], "fps": 10, "frames": poses}
        (folder / f"{name}.json").write_text(json.dumps(track))
    (folder / "sources.csv").write_text(
        "path,poses,licence\nann.png,person.json,CC0-1.0\nbea.png,person.json,CC0-1.0\n"
    )
    (folder / "drivings.csv").write_text("path,poses,licence\nstep.mp4,step.json,MIT\nturn.mp4,turn.json,MIT\n")
    return Inputs(folder, folder / "sources.csv", folder / "drivings.csv")


@pytest.fixture(scope="session")
def inputs(tmp_path_factory: pytest.TempPathFactory, repository_root: Path) -> Inputs:
    return write_inputs(tmp_path_factory.mktemp("inputs"), repository_root / "examples")


@pytest.fixture(scope="session")
def finished(inputs: Inputs, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of all four pairs, made in one go; not to be changed."""
    output = tmp_path_factory.mktemp("sets") / "finished"
    make(inputs, output)
    return output


def make(
    inputs: Inputs, output: Path | str, config: DatasetConfig = CONFIG, settings: RunSettings = INLINE
) -> RunSummary:
    return generate(*inputs.items(), config, str(output), settings)


def tree(folder: Path) -> dict[str, str]:
    """The sha256 of every file of a data set by name; nothing may be left of what was half written."""
    files = [file for file in folder.rglob("*") if file.is_file()]
    return {file.relative_to(folder).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
