from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motionwarp.datasets.augmentation import draw
from motionwarp.datasets.config import DatasetConfig
from motionwarp.datasets.items import Item
from motionwarp.datasets.options import Augmentation
from motionwarp.datasets.plan import balanced_cells, clip_seed, make_plan, pair_up
from motionwarp.errors import InputError, OptionError
from motionwarp.pipeline.options import TransferOptions

OPTIONS = TransferOptions(audio=False)


def people(count: int) -> tuple[Item, ...]:
    return tuple(Item("source", f"p{index}", f"/in/p{index}.png") for index in range(count))


def motions(count: int) -> tuple[Item, ...]:
    return tuple(Item("driving", f"m{index}", f"/in/m{index}.mp4") for index in range(count))


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 12), st.integers(1, 12), st.data())
def test_random_pairs_are_different_and_balanced(rows: int, columns: int, data: st.DataObject) -> None:
    count = data.draw(st.integers(1, rows * columns))
    cells = balanced_cells(rows, columns, count, data.draw(st.integers(0, 5)))
    assert len(set(cells)) == count
    for axis, size in ((0, rows), (1, columns)):
        used = Counter(cell[axis] for cell in cells)
        assert max(used.values()) - min(used.get(index, 0) for index in range(size)) <= 1


def test_every_pair_is_as_likely_as_any_other() -> None:
    hits = np.zeros((3, 4))
    for seed in range(600):
        for cell in balanced_cells(3, 4, 2, seed):
            hits[cell] += 1
    # 100 expected of each; the standard deviation is about 9
    assert hits.min() > 60
    assert hits.max() < 140


def test_all_pairs_are_the_cross_product() -> None:
    plan = make_plan(people(2), motions(3), DatasetConfig(OPTIONS))
    assert [clip.id for clip in plan.clips] == [f"p{p}__m{m}" for p in range(2) for m in range(3)]


def test_pairs_of_a_table_are_kept_in_order_and_unused_inputs_left_out(tmp_path: Path) -> None:
    table = tmp_path / "pairs.csv"
    table.write_text("source,driving\np1,m0\np0,/in/m2.mp4\n")
    plan = make_plan(people(3), motions(3), DatasetConfig(OPTIONS, pairs=str(table)))
    assert [clip.id for clip in plan.clips] == ["p1__m0", "p0__m2"]
    assert [item.id for item in plan.sources] == ["p0", "p1"]
    table.write_text("source,driving\np1,m9\n")
    with pytest.raises(InputError, match="line 2: there is no driving 'm9'"):
        pair_up(people(3), motions(3), str(table), 0)
    table.write_text("source,driving\np1,m0\np1,m0\n")
    with pytest.raises(InputError, match="line 3: this pair comes twice"):
        pair_up(people(3), motions(3), str(table), 0)


@pytest.mark.parametrize("how", ["random:0", "random:10", "random:-1", "some", ""])
def test_impossible_choices_of_pairs_are_refused(how: str) -> None:
    with pytest.raises(OptionError):
        pair_up(people(3), motions(3), how, 0)


def test_a_clips_seed_does_not_depend_on_the_other_clips() -> None:
    few = make_plan(people(1), motions(1), DatasetConfig(OPTIONS)).clips[0]
    many = {clip.id: clip for clip in make_plan(people(4), motions(4), DatasetConfig(OPTIONS)).clips}
    assert few.seed == many[few.id].seed == clip_seed(0, "p0__m0")
    assert len({clip.seed for clip in many.values()}) == 16
    assert clip_seed(1, "p0__m0") != few.seed
    assert [clip.id for clip in make_plan(people(1), motions(1), DatasetConfig(OPTIONS, variants=11)).clips][
        -1
    ] == "p0__m0__10"


def test_draws_stay_in_their_ranges_and_do_not_disturb_each_other() -> None:
    wide = Augmentation("mixed", (0.5, 2.0), 0.1, 0.5, (0.8, 1.25), ("/a.png", "/b.png"))
    drawn = [draw(wide, seed) for seed in range(300)]
    scales = np.array([one.transform.scale for one in drawn])
    assert scales.min() >= 0.5
    assert scales.max() <= 2.0
    assert abs(np.median(scales) - 1.0) < 0.15  # even in logarithms
    assert max(abs(one.transform.shift_x) for one in drawn) <= 0.1
    for flags in zip(
        *((one.mirrored, one.placement == "source", one.background == "/a.png") for one in drawn), strict=True
    ):
        assert 110 < sum(flags) < 190
    still = Augmentation("mixed", mirror=0.5)
    assert [draw(still, seed).mirrored for seed in range(300)] == [one.mirrored for one in drawn]
    assert draw(Augmentation(), 3).transform.is_identity


@pytest.mark.parametrize(
    "values",
    [
        {"scale": (2.0, 1.0)},
        {"scale": (0.0, 1.0)},
        {"shift": 2.0},
        {"mirror": -0.1},
        {"speed": (0.01, 1.0)},
        {"placement": "left"},
    ],
)
def test_impossible_augmentations_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(OptionError):
        Augmentation(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change",
    [
        {"options": TransferOptions()},
        {"options": TransferOptions(audio=False, start=1.0)},
        {"options": TransferOptions(audio=False, placement="driving")},
        {"options": TransferOptions(audio=False, background="transparent")},
        {"options": TransferOptions(audio=False, background="driving"), "augmentation": Augmentation(mirror=0.5)},
        {
            "options": TransferOptions(audio=False, background="#000000"),
            "augmentation": Augmentation(backgrounds=("/a.png",)),
        },
        {"container": "avi"},
        {"variants": 0},
        {"threads": 0},
    ],
)
def test_configurations_that_make_no_sense_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(OptionError):
        DatasetConfig(**{"options": OPTIONS, **change})  # type: ignore[arg-type]
