"""`motionwarp.swap` and transfers in other clothes, on a small drawn person whose points are known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_scene import SHIRT, TROUSERS, KnowingEstimator, Scene, draw, standing

import motionwarp
from motionwarp.errors import InputError, NoPersonError, OptionError, OutputError
from motionwarp.media.image import read_image, write_image
from motionwarp.media.reader import open_video
from motionwarp.parsing import labels
from motionwarp.pipeline.dressing import check_clothes, read_clothes
from motionwarp.pipeline.swap_options import SwapOptions
from motionwarp.types import ByteArray, Person, Pose, SourcePerson

pytestmark = pytest.mark.usefixtures("knowing")
YELLOW, VIOLET = (230, 200, 40), (120, 40, 150)


@pytest.fixture(scope="module")
def clothes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same figure in a yellow shirt and violet trousers."""
    rgb, parsing = draw(standing(), (90, 160), background=60)
    rgb[parsing == labels.UPPER_CLOTHES] = YELLOW
    rgb[parsing == labels.PANTS] = VIOLET
    path = tmp_path_factory.mktemp("clothes") / "clothes.png"
    write_image(path, rgb)
    return path


def near(rgb: ByteArray, x: int, y: int, color: tuple[int, int, int]) -> bool:
    return bool(np.abs(rgb[y, x].astype(int) - color).max() < 45)


@pytest.mark.parametrize(
    ("what", "shirt", "trousers"),
    [("all", YELLOW, VIOLET), ("upper", YELLOW, TROUSERS), ("lower", SHIRT, VIOLET)],
)
def test_the_person_wears_what_was_asked_for(
    what: str,
    shirt: tuple[int, int, int],
    trousers: tuple[int, int, int],
    scene: Scene,
    clothes: Path,
    tmp_path: Path,
) -> None:
    result = motionwarp.swap(scene.person, clothes, tmp_path / "out.png", what=what)
    made, before = read_image(tmp_path / "out.png").rgb, read_image(scene.person).rgb
    assert (result.width, result.height, result.frames, result.engine, result.what) == (90, 160, 1, "avatar", what)
    assert near(made, 45, 62, shirt)
    assert near(made, 37, 112, trousers)
    assert (made[:18] == before[:18]).all()
    assert near(made, 45, 30, tuple(before[30, 45].tolist()))  # type: ignore[arg-type]
    assert result.as_dict()["output"] == str(tmp_path / "out.png")


def test_a_video_is_the_dressed_person_turning(scene: Scene, clothes: Path, tmp_path: Path) -> None:
    steps: list[str] = []
    result = motionwarp.swap(
        scene.person, clothes, tmp_path / "turn.mp4", progress=lambda stage, done, total: steps.append(stage)
    )
    with open_video(tmp_path / "turn.mp4") as reader:
        frames = [frame.rgb for frame in reader]
    assert result.frames == len(frames) == 100
    assert {"clothes", "swap", "turntable"} == set(steps)
    yellow = np.abs(frames[0].astype(int) - YELLOW).max(axis=2) < 60
    assert yellow.mean() > 0.03


def test_a_transfer_in_other_clothes(scene: Scene, clothes: Path) -> None:
    own = next(iter(motionwarp.stream(scene.person, scene.dance))).rgb
    dressed = next(iter(motionwarp.stream(scene.person, scene.dance, clothes=clothes))).rgb
    assert near(own, 45, 62, SHIRT)
    assert near(dressed, 45, 62, YELLOW)
    assert np.abs(own[:15].astype(int) - dressed[:15]).mean() < 3


def test_outputs_are_checked_before_any_work(scene: Scene, clothes: Path, tmp_path: Path) -> None:
    for name, problem in (("out", "is no picture or video"), ("missing/out.png", "does not exist")):
        with pytest.raises(OutputError, match=problem):
            motionwarp.swap(scene.person, clothes, tmp_path / name)
    (tmp_path / "there.png").write_bytes(b"x")
    with pytest.raises(OutputError):
        motionwarp.swap(scene.person, clothes, tmp_path / "there.png")
    with pytest.raises(OutputError):
        motionwarp.swap(scene.person, clothes, clothes, overwrite=True)
    with pytest.raises(OptionError):
        motionwarp.swap(scene.person, clothes, tmp_path / "out.png", what="hat")
    with pytest.raises(OptionError, match="no such engine"):
        motionwarp.swap(scene.person, clothes, tmp_path / "out.png", engine="none")
    assert [path.name for path in tmp_path.iterdir()] == ["there.png"]


def test_clothes_without_a_person(scene: Scene, tmp_path: Path) -> None:
    empty = tmp_path / "empty.png"
    write_image(empty, np.full((50, 40, 3), 90, dtype=np.uint8))
    with pytest.raises(NoPersonError, match="no person was found"):
        motionwarp.swap(scene.person, empty, tmp_path / "out.png")
    assert not (tmp_path / "out.png").exists()


class _Crowd(KnowingEstimator):
    """Sees the same person twice."""

    def find_people(self, rgb: ByteArray) -> list[Person]:
        one = self.analyze_picture(rgb)
        return [one, replace(one, score=0.9)]


def test_clothes_with_two_people_ask_for_a_choice(clothes: Path) -> None:
    crowd = _Crowd([])
    with pytest.raises(NoPersonError, match="2 people are in the picture of the clothes") as raised:
        read_clothes(clothes, SwapOptions(), crowd)
    assert "clothes_person" in raised.value.remedy
    wearer, _ = read_clothes(clothes, SwapOptions(clothes_person="0"), crowd)
    assert wearer.rgb.shape == (160, 90, 3)


def wearer_of(clothes: Path) -> SourcePerson:
    return read_clothes(clothes, SwapOptions(), KnowingEstimator([]))[0]


def test_clothes_cut_at_the_waist(clothes: Path) -> None:
    wearer = wearer_of(clothes)
    points = wearer.pose.points.copy()
    points[[9, 10, 12, 13], 2] = 0
    cut = replace(wearer, pose=Pose(points))
    check_clothes(cut, "upper", clothes)
    for choice in ("lower", "all"):
        with pytest.raises(NoPersonError, match="ends above the knees"):
            check_clothes(cut, choice, clothes)  # type: ignore[arg-type]


def test_garments_that_nobody_wears(clothes: Path) -> None:
    wearer = wearer_of(clothes)
    bare = np.where(wearer.parsing == labels.UPPER_CLOTHES, labels.FACE, wearer.parsing).astype(np.uint8)
    with pytest.raises(NoPersonError, match="no upper garment") as raised:
        check_clothes(replace(wearer, parsing=bare), "upper", clothes)
    assert isinstance(raised.value, InputError)
    check_clothes(wearer, "all", clothes)
