"""Tracks of 18 points made from motion capture: bodies of all shapes, cameras all round, and an estimator's mistakes.

What the lifter learns from. Clips are mixed (one's arms with another's legs), mirrored, sped up and shaken, since there
are only some minutes of them; people are seen by a camera in perspective, stand, and now and then lie. The face points'
scores fall as the face turns away, which is how a view from behind is told from one from the front.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from motionwarp.body.body_motion import BodyMotion
from motionwarp.body.layout import DRIVEN_BONES
from motionwarp.body.lifter import PROPORTIONS
from motionwarp.body.model import BodyModel
from motionwarp.body.rig import DRIVEN_MIRROR, PointRig, local_turns, world_turns
from motionwarp.body.rotations import matrix_from_vector
from motionwarp.body.shape_prior import sample_coefficients
from motionwarp.pose import skeleton as sk

_ARMS: Final = tuple(
    index
    for index, bone in enumerate(DRIVEN_BONES)
    if bone.split(".")[0] in ("clavicle", "upperarm01", "lowerarm01", "wrist")
)
_HEAD: Final = DRIVEN_BONES.index("head")
_SPANS: Final = {
    "shoulder_width": (sk.LEFT_SHOULDER, sk.RIGHT_SHOULDER), "hip_width": (sk.LEFT_HIP, sk.RIGHT_HIP),
    "upper_arm": (sk.LEFT_SHOULDER, sk.LEFT_ELBOW), "forearm": (sk.LEFT_ELBOW, sk.LEFT_WRIST),
    "thigh": (sk.LEFT_HIP, sk.LEFT_KNEE), "shin": (sk.LEFT_KNEE, sk.LEFT_ANKLE), "neck_to_nose": (sk.NECK, sk.NOSE),
}  # fmt: skip
# where a face point's skin looks at rest, and from which cosine with the view on it is seen
_FACE: Final = {
    sk.NOSE: ((0.0, 0.0, -1.0), -0.05), sk.RIGHT_EYE: ((-0.35, 0.0, -0.94), 0.0),
    sk.LEFT_EYE: ((0.35, 0.0, -0.94), 0.0),
    sk.RIGHT_EAR: ((-0.98, 0.0, 0.2), -0.1), sk.LEFT_EAR: ((0.98, 0.0, 0.2), -0.1),
}  # fmt: skip
_EARS_FROM_THE_FRONT: Final = -0.4
_SWAPS: Final = (  # what an estimator exchanges: arms, legs, everything
    (2, 3, 4, 5, 6, 7), (8, 9, 10, 11, 12, 13), tuple(index for index in range(18) if sk.MIRROR[index] != index),
)  # fmt: skip
# how much worse than others some points are found
_UNSTEADY: Final = {
    sk.RIGHT_WRIST: 1.6,
    sk.LEFT_WRIST: 1.6,
    sk.RIGHT_ELBOW: 1.2,
    sk.LEFT_ELBOW: 1.2,
    sk.RIGHT_ANKLE: 1.3,
    sk.LEFT_ANKLE: 1.3,
}


@dataclass(frozen=True)
class TrackNoise:
    """An estimator's mistakes; every number a probability for a track, or a share of the stature.

    Attributes
    ----------
    jitter : float
        Standard deviation of the largest noise, as a share of the stature; a track's own is drawn below it.
    missing : float
        Of a run of frames in which a point is not found.
    swapped : float
        Of a run of frames in which left and right are exchanged.
    cropped : float
        Of a frame edge that cuts the person.
    faceless : float
        Of a person whose face is not found at all.
    overconfident : float
        Of an estimator that is as sure of what it cannot see as of what it can.
    telling : float
        Of an estimator whose scores tell how far off its points are, some of them far; the others' scores tell little.
    invented : float
        Of a point beyond the frame's edge that is put near the edge, with a low score, in place of being absent.
    """

    jitter: float = 0.012
    missing: float = 0.5
    swapped: float = 0.2
    cropped: float = 0.3
    faceless: float = 0.04
    overconfident: float = 0.3
    telling: float = 0.0
    invented: float = 0.0


NO_NOISE: Final = TrackNoise(0, 0, 0, 0, 0, 0)


@dataclass(frozen=True, eq=False)
class SyntheticTracks:
    """A batch of B tracks of T frames, and the truth.

    Attributes
    ----------
    points : float tensor (B, T, 18, 3)
        In pixels, with scores, as an estimator would find them.
    turns : float tensor (B, T, D, 3, 3)
        Of the driven bones against the camera.
    places : float tensor (B, T, 18, 3)
        The points in space, meters, the root at the origin.
    exact : float tensor (B, T, 18, 2)
        The points in the picture.
    pixels_per_stature : float tensor (B, T)
        At the root's depth.
    stature : float tensor (B,)
        Meters.
    log_proportions : float tensor (B, 8)
    rig : PointRig
        Of (B, 1) people.
    """

    points: Tensor
    turns: Tensor
    places: Tensor
    exact: Tensor
    pixels_per_stature: Tensor
    stature: Tensor
    log_proportions: Tensor
    rig: PointRig


@dataclass(frozen=True, eq=False)
class People:
    """Bodies to draw from.

    Attributes
    ----------
    rig : PointRig
        Of N people.
    stature : float tensor (N,)
        Torso, thigh and shin together, in meters.
    log_proportions : float tensor (N, 8)
    """

    rig: PointRig
    stature: Tensor
    log_proportions: Tensor


def draw_people(body: BodyModel, count: int, random: torch.Generator) -> People:
    """Return people of all sexes, ages and proportions; most are grown up."""
    return people_of(PointRig.of(body, body.shape_of(sample_coefficients(body, count, random))))


def people_of(rig: PointRig) -> People:
    """Return people by their rigs (N, ...)."""
    points = rig.points(
        torch.eye(3, device=rig.offsets.device).expand(*rig.offsets.shape[:-2], len(DRIVEN_BONES), 3, 3)
    )
    lengths = {name: (points[..., a, :] - points[..., b, :]).norm(dim=-1) for name, (a, b) in _SPANS.items()}
    hips = (points[..., sk.LEFT_HIP, :] + points[..., sk.RIGHT_HIP, :]) / 2
    lengths["torso"] = (points[..., sk.NECK, :] - hips).norm(dim=-1)
    stature = lengths["torso"] + lengths["thigh"] + lengths["shin"]
    shares = torch.stack([lengths[name] / stature for name in PROPORTIONS], dim=-1)
    return People(rig, stature, shares.log())


class TrackMaker:
    """Makes batches of tracks.

    Parameters
    ----------
    motions : sequence of BodyMotion
    people : People
    noise : TrackNoise, optional
    mixing : bool
        Whether motions are mixed and shaken; else they stay as they were captured.
    weights : sequence of float, optional
        Of each motion, how much more often it is drawn than its length alone says.
    steep : float
        Share of cameras that look down or up steeply.
    """

    def __init__(
        self,
        motions: Sequence[BodyMotion],
        people: People,
        noise: TrackNoise | None = None,
        *,
        mixing: bool = True,
        weights: Sequence[float] | None = None,
        steep: float = 0.15,
    ) -> None:
        if not motions:
            raise ValueError("tracks are made from motions, and there is none")
        self._local = [local_turns(torch.from_numpy(motion.turns)) for motion in motions]
        self._root = [torch.from_numpy(motion.root) for motion in motions]
        self._people = people
        self._noise = TrackNoise() if noise is None else noise
        self._mixing, self._steep = mixing, steep
        # long clips more often, but not by their length alone: most of it is walking
        odds = [len(motion) ** 0.5 for motion in motions]
        self._odds = torch.tensor(odds if weights is None else [a * b for a, b in zip(odds, weights, strict=True)])

    def batch(self, count: int, frames: int, random: torch.Generator) -> SyntheticTracks:
        """Return `count` tracks of `frames` frames."""
        local, root = self._motion(count, frames, random)
        if self._mixing:
            local, root = self._mixed(local, root, count, frames, random)
        turns = world_turns(local)
        index = torch.randint(len(self._people.stature), (count,), generator=random)
        rig = self._people.rig.indexed(index)
        stature = self._people.stature[index]
        return self._seen(turns, root, rig, stature, self._people.log_proportions[index], random)

    def _motion(self, count: int, frames: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
        """Pieces of clips, played forward or backward at half to twice their speed, (B, T, D, 3, 3) and (B, T, 3)."""
        chosen = torch.multinomial(self._odds, count, replacement=True, generator=random).tolist()
        local, root = [], []
        for clip in chosen:
            length = len(self._local[clip])
            speed = 0.5 + 1.3 * float(torch.rand((), generator=random)) if self._mixing else 1.0
            span = min(speed * (frames - 1), length - 1)
            start = float(torch.rand((), generator=random)) * (length - 1 - span)
            at = torch.linspace(start, start + span, frames).round().long()
            if self._mixing and torch.rand((), generator=random) < 0.3:
                at = at.flip(0)
            local.append(self._local[clip][at])
            root.append(self._root[clip][at])
        return torch.stack(local), torch.stack(root)

    def _mixed(
        self, local: Tensor, root: Tensor, count: int, frames: int, random: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Exchange arms among tracks, mirror half of them, and shake bones slowly."""
        other = torch.randperm(count, generator=random)
        exchanged = (torch.rand(count, generator=random) < 0.5)[:, None, None, None, None]
        arms = torch.zeros(len(DRIVEN_BONES), dtype=torch.bool)
        arms[list(_ARMS)] = True
        local = torch.where(exchanged & arms[:, None, None], local[other], local)
        flip = torch.tensor([-1.0, 1.0, 1.0])
        is_mirrored = torch.rand(count, generator=random) < 0.5
        mirrored = (flip[:, None] * local * flip)[:, :, list(DRIVEN_MIRROR)]
        local = torch.where(is_mirrored[:, None, None, None, None], mirrored, local)
        root = torch.where(is_mirrored[:, None, None], root * flip, root)
        size = torch.rand(count, 1, 1, 1, generator=random) * 0.3
        vectors = size * (slow_noise(count, frames, 3 * len(DRIVEN_BONES), random)).unflatten(
            -1, (len(DRIVEN_BONES), 3)
        )
        loose = torch.tensor(
            [0.3 if bone == "root" or bone.startswith(("spine", "clavicle")) else 1.0 for bone in DRIVEN_BONES]
        )
        return local @ matrix_from_vector(vectors * loose[:, None]), root

    def _seen(
        self, turns: Tensor, root: Tensor, rig: PointRig, stature: Tensor, proportions: Tensor, random: torch.Generator
    ) -> SyntheticTracks:
        """Look at people with a camera each, and make an estimator's mistakes."""
        count = len(root)
        view = self._cameras(count, random)  # (B, 3, 3)
        turns = view[:, None, None] @ turns
        # a person walks about where the camera looks: what is left of the way is half of it
        way = (root - root.mean(dim=1, keepdim=True)) * 0.5 * stature[:, None, None]
        way = (view[:, None] @ way.unsqueeze(-1)).squeeze(-1)
        places = rig.points(turns)  # (B, T, 18, 3)
        distance = stature * (2.2 + 8 * torch.rand(count, generator=random) ** 1.5)
        depth = distance[:, None] + way[..., 2]  # (B, T)
        focal = 400.0 * distance / stature  # 400 pixels for a stature
        exact = (
            focal[:, None, None, None]
            * (places[..., :2] + way[..., None, :2])
            / (places[..., 2:] + depth[..., None, None])
        )
        pixels = focal[:, None] * stature[:, None] / depth
        points = spoiled(exact, places, turns[:, :, _HEAD], self._noise, random)
        return SyntheticTracks(points, turns, places, exact, pixels, stature, proportions, rig)

    def _cameras(self, count: int, random: torch.Generator) -> Tensor:
        """Return rotations (B, 3, 3) from the world to cameras all round, mostly level."""
        yaw = torch.rand(count, generator=random) * 2 * torch.pi
        steep = torch.rand(count, generator=random) < self._steep
        pitch = torch.randn(count, generator=random) * torch.where(steep, 0.45, 0.12) + 0.06
        roll = torch.randn(count, generator=random) * 0.05
        lying = torch.rand(count, generator=random) < (0.04 if self._mixing else 0.0)
        roll = torch.where(lying, (torch.rand(count, generator=random) * 2 - 1) * torch.pi, roll)
        zero = torch.zeros(count)
        about_y = matrix_from_vector(torch.stack([zero, yaw, zero], dim=1))
        about_x = matrix_from_vector(torch.stack([pitch, zero, zero], dim=1))
        about_z = matrix_from_vector(torch.stack([zero, zero, roll], dim=1))
        return about_z @ about_x @ about_y


def slow_noise(count: int, frames: int, channels: int, random: torch.Generator) -> Tensor:
    """Return noise (B, T, C) of variance about 1 that changes over some ten frames."""
    knots = torch.randn(count, channels, frames // 10 + 3, generator=random)
    return torch.nn.functional.interpolate(knots, frames, mode="linear", align_corners=True).transpose(1, 2) * 1.2


def spoiled(exact: Tensor, places: Tensor, head: Tensor, noise: TrackNoise, random: torch.Generator) -> Tensor:
    """Return points with scores (B, T, 18, 3) as an estimator would find them.

    Parameters
    ----------
    exact : float tensor (B, T, 18, 2)
        Pixels; a stature is about 400 of them.
    places : float tensor (B, T, 18, 3)
        In space.
    head : float tensor (B, T, 3, 3)
        How the head is turned against the camera.
    noise : TrackNoise
    random : torch.Generator
    """
    count, frames = exact.shape[:2]

    def chance(probability: float, *shape: int) -> Tensor:
        return torch.rand(*shape, generator=random) < probability

    def drawn(low: float, high: float, *shape: int) -> Tensor:
        return torch.rand(*shape, generator=random) * (high - low) + low

    visible = _face_visibility(head) * (~_is_behind_torso(exact, places))  # (B, T, 18), 0 or 1
    if noise == NO_NOISE:
        return torch.cat([exact, _exact_scores(visible).unsqueeze(-1)], dim=-1)
    is_sure = chance(noise.overconfident, count, 1, 1)
    unsteady = torch.tensor([_UNSTEADY.get(index, 1.0) for index in range(18)])
    strength = 400 * noise.jitter * drawn(0.1, 1, count, 1, 1) * unsteady * torch.where(visible > 0, 1.0, 2.5)
    wobble = 0.6 * torch.randn(count, frames, 18, 2, generator=random)
    wobble = wobble + 0.8 * slow_noise(count, frames, 36, random).unflatten(-1, (18, 2))
    wobble = wobble + 0.6 * torch.randn(count, 1, 18, 2, generator=random)  # of this estimator on this person
    scores = torch.where((visible > 0) | is_sure, drawn(0.55, 1, count, frames, 18), drawn(0, 0.6, count, frames, 18))
    scores = scores.lerp(scores.mean(dim=1, keepdim=True), 0.6)
    if noise.telling:
        tells = chance(noise.telling, count, 1, 1)
        doubt = _doubt(visible, random)
        strength = torch.where(tells, _strength_of(doubt, random), strength)
        scores = torch.where(tells, 1 - doubt, scores)
    found = exact + strength.unsqueeze(-1) * wobble
    visible = torch.where(is_sure, 1.0, visible)
    is_hidden_face = (visible == 0) & torch.tensor([index in _FACE for index in range(18)])
    scores = torch.where(is_hidden_face, scores * 0.45, scores)
    gone = is_hidden_face & chance(0.6, count, 1, 18)
    gone |= chance(noise.faceless, count, 1, 1) & torch.tensor([index in _FACE for index in range(18)])
    gone |= _runs(noise.missing * 0.12, count, frames, 18, random)
    found, scores = _swapped(found, scores, noise.swapped, random)
    cut, bottom = _cut_off(found, noise.cropped, random)
    if noise.invented:
        invented = cut & (found[..., 1] > bottom[:, None, None]) & chance(noise.invented, count, 1, 18)
        edge = bottom[:, None, None] - drawn(0, 16, count, frames, 18)
        found = torch.where(invented.unsqueeze(-1), torch.stack([found[..., 0], edge], dim=-1), found)
        scores = torch.where(invented, drawn(0.05, 0.45, count, 1, 18).expand_as(scores), scores)
        cut = cut & ~invented
    gone |= cut
    scores = torch.where(gone, 0.0, scores)
    found = torch.where(gone.unsqueeze(-1), 0.0, found)
    return torch.cat([found, scores.unsqueeze(-1)], dim=-1)


def _doubt(visible: Tensor, random: torch.Generator) -> Tensor:
    """Return by how much scores that tell errors are below 1, (B, T, 18): for most points a little, for some much.

    As the analyzer's on pictures of avatars: half of them 0.05 or less, a quarter 0.2 or more.
    """
    count, frames = visible.shape[:2]
    hard = 0.4 + 1.6 * torch.rand(count, 1, 1, generator=random)  # of this person, for this estimator
    lot = (torch.rand(count, 1, 18, generator=random) + 0.2 * slow_noise(count, frames, 18, random)).clamp(0, 1)
    doubt = 0.015 + 0.6 * lot ** (4 / hard)
    return torch.where(visible > 0, doubt, 0.1 + 1.3 * doubt).clamp(0, 0.95)


def _strength_of(doubt: Tensor, random: torch.Generator) -> Tensor:
    """Return how far off points are of whose scores so much is missing, pixels, (B, T, 18); some are far astray."""
    count = len(doubt)
    astray = torch.rand(count, 1, 18, generator=random) < 0.5 * doubt.mean(dim=1, keepdim=True)
    return 2.2 * (1 + 20 * doubt) * torch.where(astray, 5.0, 1.0)


def exact_scores(exact: Tensor, places: Tensor, head: Tensor) -> Tensor:
    """Return the scores (B, T, 18) of points that are known: 1 in sight, 0.3 behind the trunk, 0 on a hidden face.

    Parameters are those of `spoiled`. Both ears are in sight from the front, as people and estimators see them; the
    lifter is trained on stricter ones.
    """
    return _exact_scores(_face_visibility(head, _EARS_FROM_THE_FRONT) * (~_is_behind_torso(exact, places)))


def _exact_scores(visible: Tensor) -> Tensor:
    return torch.where(visible > 0, 1.0, torch.tensor([0.3 if index not in _FACE else 0.0 for index in range(18)]))


def _face_visibility(head: Tensor, ears: float | None = None) -> Tensor:
    """Return 1 where a point's skin looks toward the camera, else 0, (B, T, 18); `ears` is another bound for ears."""
    visible = torch.ones(*head.shape[:2], 18)
    for point, (normal, bound) in _FACE.items():
        least = ears if ears is not None and point in (sk.RIGHT_EAR, sk.LEFT_EAR) else bound
        toward = -(head @ torch.tensor(normal))[..., 2]
        visible[..., point] = (toward > least).float()
    return visible


def _is_behind_torso(exact: Tensor, places: Tensor) -> Tensor:
    """Return whether elbows and wrists lie behind the trunk, (B, T, 18)."""
    top, bottom = exact[..., sk.NECK, :], (exact[..., sk.LEFT_HIP, :] + exact[..., sk.RIGHT_HIP, :]) / 2
    axis = bottom - top
    length = axis.norm(dim=-1, keepdim=True).clamp(min=1)
    along = ((exact - top.unsqueeze(-2)) * (axis / length).unsqueeze(-2)).sum(dim=-1) / length
    nearest = top.unsqueeze(-2) + along.clamp(0, 1).unsqueeze(-1) * axis.unsqueeze(-2)
    depth = places[..., sk.NECK, 2:] * (1 - along.clamp(0, 1)) + places[..., [sk.LEFT_HIP, sk.RIGHT_HIP], 2].mean(
        dim=-1, keepdim=True
    ) * along.clamp(0, 1)
    behind = ((exact - nearest).norm(dim=-1) < 0.28 * length) & (places[..., 2] > depth + 0.03)
    arms = torch.zeros(18, dtype=torch.bool)
    arms[[sk.RIGHT_ELBOW, sk.RIGHT_WRIST, sk.LEFT_ELBOW, sk.LEFT_WRIST]] = True
    hidden: Tensor = behind & arms
    return hidden


def _runs(probability: float, count: int, frames: int, channels: int, random: torch.Generator) -> Tensor:
    """Return in which runs of frames something happens, (B, T, C)."""
    happens = torch.rand(count, 1, channels, generator=random) < probability
    length = 1 + torch.rand(count, 1, channels, generator=random) ** 2 * frames
    start = torch.rand(count, 1, channels, generator=random) * (frames + length) - length
    at = torch.arange(frames).view(1, -1, 1)
    return happens & (at >= start) & (at <= start + length)


def _swapped(found: Tensor, scores: Tensor, probability: float, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """Exchange left and right in runs of frames, and lower the scores of some of those."""
    count, frames = scores.shape[:2]
    for group in _SWAPS:
        order = torch.arange(18)
        order[list(group)] = torch.tensor([sk.MIRROR[index] for index in group])
        run = _runs(probability / 3, count, frames, 1, random) & (torch.rand(count, frames, 1, generator=random) < 0.9)
        found = torch.where(run.unsqueeze(-1), found[:, :, order], found)
        scores = torch.where(run, scores[:, :, order] * 0.8, scores)
    return found, scores


def _cut_off(found: Tensor, probability: float, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return what lies outside of the picture for people who are cut by its edges, (B, T, 18), and its bottom (B,).

    The bottom is infinitely low for those whom it does not cut.
    """
    count = len(found)
    low, high = found.amin(dim=(1, 2)), found.amax(dim=(1, 2))
    span = high - low
    cut_below = torch.rand(count, generator=random) < probability
    cut_side = torch.rand(count, generator=random) < probability * 0.4
    bottom = low[:, 1] + span[:, 1] * (0.35 + 0.6 * torch.rand(count, generator=random))
    is_left = torch.rand(count, generator=random) < 0.5
    share = 0.05 + 0.35 * torch.rand(count, generator=random)
    left, right = low[:, 0] + span[:, 0] * share, high[:, 0] - span[:, 0] * share
    x, y = found[..., 0], found[..., 1]
    outside = cut_below[:, None, None] & (y > bottom[:, None, None])
    beside = torch.where(is_left[:, None, None], x < left[:, None, None], x > right[:, None, None])
    return outside | (cut_side[:, None, None] & beside), bottom.where(cut_below, torch.inf)
