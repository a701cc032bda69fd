"""What speaks against a photo follows from what was seen in it, and from nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from motionwarp.pipeline.check.issues import Verdict
from motionwarp.pipeline.check.source import SMALL_PERSON, TINY_PERSON, SourceStats, source_issues
from motionwarp.pipeline.options import TransferOptions
from motionwarp.pose.skeleton import POINT_NAMES
from motionwarp.pose.stance import Framing, View

GOOD = SourceStats(
    width=600, height=800, score=0.98, people=1, points_seen=POINT_NAMES, points_unsure=(), points_unseen=(),
    framing=Framing.WHOLE,
    view=View.FRONTAL, face=True, upright=True, limbs_in_front=(), matte_given=False, person_height=700.0, cut_at=(),
    notes=(), facing_degrees=3.0,
)  # fmt: skip


def verdicts(**changed: object) -> dict[str, Verdict]:
    return {doubt.code: doubt.level for doubt in source_issues(replace(GOOD, **changed), TransferOptions())}  # type: ignore[arg-type]


def test_a_photo_of_one_whole_upright_person_from_the_front_is_good() -> None:
    assert verdicts() == {}


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"people": 2}, {"source.people": Verdict.FAIR}),
        ({"framing": Framing.BUST}, {"source.framing": Verdict.POOR}),
        ({"points_unseen": ("right wrist",)}, {"source.points": Verdict.FAIR}),
        ({"points_unseen": ("right ear",)}, {}),
        ({"points_unseen": ("left ankle",), "framing": Framing.KNEES}, {}),  # nobody expects it there
        ({"cut_at": ("left",)}, {"source.cut": Verdict.FAIR}),
        ({"view": View.PROFILE}, {"source.view": Verdict.POOR}),
        ({"view": View.BACK}, {"source.view": Verdict.FAIR}),
        ({"view": View.TURNED}, {"source.view": Verdict.FAIR}),
        ({"view": View.UNKNOWN}, {"source.view": Verdict.FAIR}),
        ({"facing_degrees": None}, {"source.facing": Verdict.FAIR}),
        ({"facing_degrees": None, "view": View.UNKNOWN}, {"source.view": Verdict.FAIR}),
        ({"upright": False}, {"source.lying": Verdict.POOR}),
        ({"limbs_in_front": ("the right forearm",)}, {"source.limbs_in_front": Verdict.FAIR}),
        ({"person_height": SMALL_PERSON - 1.0}, {"source.small": Verdict.FAIR}),
        ({"person_height": TINY_PERSON - 1.0}, {"source.small": Verdict.POOR}),
        ({"notes": ("the photo is dark",)}, {"source.unsure": Verdict.FAIR}),
    ],
)
def test_each_fact_has_its_doubt(changed: Mapping[str, object], told: Mapping[str, Verdict]) -> None:
    assert verdicts(**changed) == told


def test_other_people_are_no_doubt_where_one_was_chosen() -> None:
    assert list(source_issues(replace(GOOD, people=3), TransferOptions(person="1"))) == []
