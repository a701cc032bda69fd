"""Rendered people in motion: one picture of an avatar is the source, another one, in another pose and view, the truth.

Real clips hardly ever show one person from all sides with a truth for each. Avatars that nothing is trained on, moved
by takes that nothing is trained on, do: front, profile and back in turn, points and mattes exact, on plain gray.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch

from motionwarp.data.avatars.packing import load_cast
from motionwarp.data.avatars.scenes import AvatarView, Cast, Look, SceneSettings, draw_look, draw_view
from motionwarp.engines.base import RenderSettings
from motionwarp.errors import InputError
from motionwarp.evaluation.avatars import View, view_of
from motionwarp.evaluation.body.referee import WorldReferee
from motionwarp.evaluation.comparison import Comparison
from motionwarp.evaluation.frame_metrics import FrameScorer, TargetView
from motionwarp.evaluation.options import RenderedSettings
from motionwarp.evaluation.reverse_pairs import framed_on_plain
from motionwarp.evaluation.scoring import Scorer
from motionwarp.evaluation.systems import SourceView, make_systems
from motionwarp.evaluation.windows import on_plain
from motionwarp.perception.backends.builtin import BuiltinEstimator
from motionwarp.perception.base import Estimator
from motionwarp.perception.inference import CropPredictor
from motionwarp.perception.matting import parsing_in_frame
from motionwarp.types import CROP_HEIGHT, CROP_WIDTH, SourcePerson

NAME: Final = "rendered"
_STREAM: Final = 5  # of random numbers, apart from those of packs
_MIDDLES: Final[tuple[tuple[View, float], ...]] = (("front", 0.0), ("profile", 90.0), ("back", 180.0))
_SPREAD: Final = 30.0  # degrees about each
_SOURCE_SPREAD: Final = 15.0  # of sources, which face the camera as photos mostly do
_SCENE: Final = SceneSettings(height=512, width=384, drawn=0.0, cut=0.0, occluded=0.0, shadow=0.0)
_LEAST_CERTAINTY: Final = 0.8  # of the facing: who lies or bends low shows no side
_LEAST_POINTS: Final = 12


@dataclass(frozen=True, eq=False)
class RenderedPair:
    """One task.

    Attributes
    ----------
    number : int
    view : "front", "profile" or "back"
        What side of the person the target shows.
    source : SourceView
        From before.
    target : TargetView
    """

    number: int
    view: View
    source: SourceView
    target: TargetView


def evaluate_rendered(
    data_folder: Path,
    engines: Sequence[str],
    settings: RenderedSettings | None = None,
    *,
    estimator: Estimator | None = None,
    reader: CropPredictor | None = None,
    device: torch.device | None = None,
    dtype: torch.dtype = torch.float32,
    progress: Callable[[str, int, int | None], None] | None = None,
) -> Comparison:
    """Let engines move avatars into other poses and views, and compare with their renderings there.

    Parameters
    ----------
    data_folder : Path
        With `avatars`, `motion` and `ccp`.
    engines : sequence of str
        Names or files as for `make_engine`, and "copy".
    settings : RenderedSettings, optional
    estimator, reader, device, dtype, progress
        As for `evaluate_clip`.

    Returns
    -------
    Comparison
        Its frames are pairs, by view.

    Raises
    ------
    InputError
        If data are missing.
    OptionError
        If engines are named twice or unknown.
    MissingExtraError
        If a referee is asked for and not installed.
    """
    rules = settings or RenderedSettings()
    for folder in (data_folder / name for name in ("avatars", "motion", "ccp")):
        if not folder.is_dir():
            raise InputError("there is no such folder", subject=folder, remedy="Give the folder of training")
    judge = WorldReferee() if rules.referee else None  # which may be missing: told before anything runs
    where = device or torch.device("cpu")
    systems = make_systems(engines)
    seer = estimator or BuiltinEstimator.load(where, dtype)
    if reader is None:
        reader = seer.reader if isinstance(seer, BuiltinEstimator) else BuiltinEstimator.load(where, dtype).reader
    cast = load_cast(data_folder, "validation", rules.seed)
    names = [each.name for each in systems]
    with judge or nullcontext() as referee:
        scorer = Scorer(
            FrameScorer(reader, None, referee), names, range(rules.count), rules.rows, False,
            "{:04d}".format, lambda number: _MIDDLES[number % len(_MIDDLES)][0],
        )  # fmt: skip
        for pair in rendered_pairs(cast, rules, seer):
            poses = pair.target.pose.points[None]
            results = []
            for system in systems:
                system.prepare(pair.source, RenderSettings(where, dtype, CROP_WIDTH, CROP_HEIGHT))
                results.append(system.render(poses, system.plan(poses)))
            scorer.add([(pair.number, pair.target)], results, [pair.source.framed.rgb])
            if progress is not None:
                progress("avatars", pair.number + 1, rules.count)
    return scorer.comparison(NAME, {}, None)


def rendered_pairs(cast: Cast, settings: RenderedSettings, estimator: Estimator) -> Generator[RenderedPair, None, None]:
    """Yield the tasks of avatars: each a function of the seed and its number, and the views in turn.

    Parameters
    ----------
    cast : Cast
        Of the validation split.
    settings : RenderedSettings
    estimator : Estimator
        Gives the parsings of sources, as for photos; points and mattes are exact.
    """
    for number in range(settings.count):
        rng = np.random.default_rng([settings.seed, number, _STREAM])
        view, middle = _MIDDLES[number % len(_MIDDLES)]
        look = draw_look(cast, rng)
        source = _drawn(cast, rng, look, 0.0, _SOURCE_SPREAD)
        target = _drawn(cast, rng, look, middle * (1 if rng.random() < 0.5 else -1), _SPREAD)
        yield RenderedPair(
            number,
            view,
            _source_view(source, settings.background, estimator),
            framed_on_plain(target.rgb, target.matte, target.pose, settings.background),
        )


def _drawn(cast: Cast, rng: np.random.Generator, look: Look, middle: float, spread: float) -> AvatarView:
    """Draw a picture from about a side, again until it shows a whole person from there."""
    while True:
        facing = middle + float(rng.uniform(-spread, spread))
        shown = draw_view(cast, _SCENE, rng, facing=facing, cut="none", look=look)
        if _shows(shown, view_of(middle)):
            return shown


def _shows(view: AvatarView, side: View) -> bool:
    """Return whether a picture shows a whole person from a side."""
    return bool(
        view.certainty >= _LEAST_CERTAINTY
        and view_of(view.facing) == side
        and (view.pose.scores > 0).sum() >= _LEAST_POINTS
    )


def _source_view(view: AvatarView, level: int, estimator: Estimator) -> SourceView:
    picture = on_plain(view.rgb, view.matte, level)
    parsing = parsing_in_frame(picture, estimator.analyze_picture(picture, given_pose=view.pose), view.matte)
    framed = framed_on_plain(picture, view.matte, view.pose, level)
    return SourceView(SourcePerson(picture, view.matte, view.pose, parsing), framed, np.full_like(framed.rgb, level))
