"""How well a lifter does on tracks made of motion that it was not trained on: joints' errors and facing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from motionwarp.body.body_motion import BodyMotion
from motionwarp.body.lifter import Lifter, normalize
from motionwarp.body.model import BodyModel
from motionwarp.body.synthetic_tracks import NO_NOISE, SyntheticTracks, TrackMaker, TrackNoise, draw_people

BODY_POINTS: Final = tuple(range(14))
"""Nose, neck, and the joints of arms and legs: what errors are measured on."""

# what points suffer: nothing; what estimators do to people who are seen whole; and edges that cut people as well
CONDITIONS: Final[dict[str, TrackNoise]] = {
    "exact": NO_NOISE,
    "noise": TrackNoise(cropped=0.0),
    "cut": TrackNoise(cropped=1.0),
}
_PEOPLE: Final = 60
_PEOPLE_SEED: Final = 1_000_003  # others than any run draws


@dataclass(frozen=True)
class LifterFigures:
    """How well a lifter does.

    Attributes
    ----------
    joint_error_mm : float
        Mean distance of the 14 points of nose, trunk and limbs from the truth, the middles of the hips aligned, on the
        true body.
    facing_within_30 : float
        Share of frames in which the hips face within 30 degrees of the truth.
    """

    joint_error_mm: float
    facing_within_30: float


def measuring_tracks(
    body: BodyModel, motions: Sequence[BodyMotion], tracks: int = 64, frames: int = 40, seed: int = 7
) -> dict[str, SyntheticTracks]:
    """Return tracks of each of `CONDITIONS` to measure a lifter on, by name.

    Parameters
    ----------
    body : BodyModel
    motions : sequence of BodyMotion
        That nothing is trained on; neither mixed nor shaken.
    tracks, frames : int
        Of each condition; the same motion, people and cameras in all of them.
    seed : int
    """
    people = draw_people(body, _PEOPLE, torch.Generator().manual_seed(_PEOPLE_SEED))
    return {
        name: TrackMaker(motions, people, noise, mixing=False).batch(
            tracks, frames, torch.Generator().manual_seed(seed)
        )
        for name, noise in CONDITIONS.items()
    }


@torch.inference_mode()
def measure_lifter(network: Lifter, tracks: SyntheticTracks, device: torch.device | str = "cpu") -> LifterFigures:
    """Measure a lifter on tracks whose truth is known.

    Parameters
    ----------
    network : Lifter
        On `device`.
    tracks : SyntheticTracks
        On the CPU.
    device : torch.device or str
    """
    turns = network(normalize(tracks.points.to(device)).points).turns.cpu()
    return figures_of(turns, tracks)


def figures_of(turns: Tensor, tracks: SyntheticTracks) -> LifterFigures:
    """Return how near turns (B, T, D, 3, 3) come to the truth of B tracks."""
    apart = joint_errors(tracks.rig.points(turns), tracks.places)
    facing, truth = (torch.atan2(each[..., 0, 0, 2], each[..., 0, 2, 2]) for each in (turns, tracks.turns))
    off = torch.remainder(facing - truth + torch.pi, 2 * torch.pi) - torch.pi
    return LifterFigures(float(apart.mean()) * 1000, float((off.abs() < math.radians(30)).float().mean()))


def joint_errors(points: Tensor, truth: Tensor) -> Tensor:
    """Return the distances (..., 14) of the body's points from the truth (..., 18, 3), the hips' middles aligned."""
    apart: Tensor = (about_hips(points) - about_hips(truth)).norm(dim=-1)
    return apart[..., BODY_POINTS]


def about_hips(points: Tensor) -> Tensor:
    """Return points (..., 18, 3) about the middle of the hips."""
    return points - (points[..., 8:9, :] + points[..., 11:12, :]) / 2
