"""Poses and dances: key poses with variations, and smooth periodic motion around them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
import numpy.typing as npt

from motionwarp.data.synthetic.body import BodyPose, DoubleArray

Angles = tuple[float, ...]
_NAMES: Final = tuple(field.name for field in fields(BodyPose))
_SIZES: Final = tuple(len(getattr(BodyPose(), name)) for name in _NAMES)


def _around(rng: np.random.Generator, *angles: float, spread: float = 8.0) -> Angles:
    return tuple(float(angle + rng.normal(0, spread)) for angle in angles)


def _hanging(rng: np.random.Generator) -> Angles:
    return (
        float(rng.uniform(4, 22)),
        float(rng.normal(2, 10)),
        float(rng.normal(10, 15)),
        float(abs(rng.normal(14, 12))),
    )


def _raised(rng: np.random.Generator) -> Angles:
    return (
        float(rng.uniform(70, 170)),
        float(rng.normal(0, 15)),
        float(rng.uniform(-80, 10)),
        float(rng.uniform(0, 110)),
    )


def _free_arm(rng: np.random.Generator) -> Angles:
    return (
        float(rng.uniform(0, 150)), float(rng.uniform(-30, 60)), float(rng.uniform(-70, 60)), float(rng.uniform(0, 130))
    )  # fmt: skip


def _forward_arm(rng: np.random.Generator) -> Angles:
    return (float(rng.normal(8, 10)), float(rng.uniform(30, 110)), float(rng.normal(0, 25)), float(rng.uniform(0, 100)))


def _on_hip(rng: np.random.Generator) -> Angles:
    return _around(rng, 42, -22, 62, 92, spread=5)


def _crossed(rng: np.random.Generator, forward: float) -> Angles:
    return _around(rng, 6, forward, 68, 98, spread=5)


def _arm(rng: np.random.Generator) -> Angles:
    kinds: tuple[Callable[[np.random.Generator], Angles], ...] = (_hanging, _raised, _free_arm, _forward_arm, _on_hip)
    return kinds[int(rng.choice(len(kinds), p=(0.36, 0.18, 0.22, 0.14, 0.1)))](rng)


def _standing_leg(rng: np.random.Generator) -> Angles:
    return (float(rng.uniform(0, 12)), float(rng.normal(0, 5)), float(rng.normal(-8, 10)), float(abs(rng.normal(4, 5))))


def _stand(rng: np.random.Generator) -> BodyPose:
    return BodyPose(right_arm=_arm(rng), left_arm=_arm(rng), right_leg=_standing_leg(rng), left_leg=_standing_leg(rng))


def _walk(rng: np.random.Generator) -> BodyPose:
    step, swing = rng.uniform(12, 32), rng.uniform(10, 35)
    front = (2.0, step, -5.0, float(rng.uniform(2, 20)))
    back = (2.0, -0.8 * step, -5.0, float(rng.uniform(8, 50)))
    legs = (front, back) if rng.random() < 0.5 else (back, front)
    sign = 1 if legs[0] is back else -1
    arms = [(8.0, float(side * swing), 5.0, float(rng.uniform(10, 40))) for side in (sign, -sign)]
    lean = (float(rng.normal(5, 4)), 0.0, float(rng.normal(0, 6)))
    return BodyPose(spine=lean, right_arm=arms[0], left_arm=arms[1], right_leg=legs[0], left_leg=legs[1])


def _fold_arms(rng: np.random.Generator) -> BodyPose:
    stand = _stand(rng)
    arms = _crossed(rng, 22), _crossed(rng, 34)
    return _replaced(stand, right_arm=arms[0], left_arm=arms[1])


def _hands_on_hips(rng: np.random.Generator) -> BodyPose:
    return _replaced(_stand(rng), right_arm=_on_hip(rng), left_arm=_on_hip(rng))


def _arms_up(rng: np.random.Generator) -> BodyPose:
    return _replaced(_stand(rng), right_arm=_raised(rng), left_arm=_raised(rng))


def _squat(rng: np.random.Generator) -> BodyPose:
    bend = float(rng.uniform(20, 115))
    spread = float(rng.uniform(3, 35))
    legs = []
    for _ in range(2):
        own = bend + float(rng.normal(0, 5))
        legs.append((spread, own, -spread * 0.7, float(np.clip(own * 1.12, 0, 135))))
    spine = (float(rng.uniform(5, 40)), 0.0, 0.0)
    # who squats mostly holds the arms out in front to keep the balance
    arms = (_balancing(rng), _balancing(rng)) if rng.random() < 0.5 else (_arm(rng), _arm(rng))
    return BodyPose(
        (0.0, bend * 0.12, 0.0), spine, right_arm=arms[0], left_arm=arms[1], right_leg=legs[0], left_leg=legs[1]
    )


def _balancing(rng: np.random.Generator) -> Angles:
    return (float(rng.normal(5, 8)), float(rng.uniform(45, 105)), float(rng.normal(15, 25)), float(rng.uniform(0, 110)))


def _lifted_leg(rng: np.random.Generator) -> BodyPose:
    forward = rng.random() < 0.65
    lifted = (
        float(rng.uniform(0, 45)),
        float(rng.uniform(40, 115) if forward else rng.uniform(-28, -5)),
        float(rng.normal(0, 15)),
        float(rng.uniform(20, 130) if forward else rng.uniform(30, 120)),
    )
    legs = (lifted, _standing_leg(rng)) if rng.random() < 0.5 else (_standing_leg(rng), lifted)
    return BodyPose(right_arm=_arm(rng), left_arm=_arm(rng), right_leg=legs[0], left_leg=legs[1])


def _tucked_leg(rng: np.random.Generator) -> BodyPose:
    """Draw somebody on one leg, the other shin folded away behind: from the front, the foot hangs at the knee."""
    tucked = (
        float(rng.uniform(0, 14)),
        float(rng.uniform(-18, 30)),
        float(rng.normal(-4, 10)),
        float(rng.uniform(55, 130)),
    )
    legs = (tucked, _standing_leg(rng)) if rng.random() < 0.5 else (_standing_leg(rng), tucked)
    return BodyPose(right_arm=_arm(rng), left_arm=_arm(rng), right_leg=legs[0], left_leg=legs[1])


def _raised_knee(rng: np.random.Generator) -> BodyPose:
    """Draw somebody on one leg, the other knee held up in front: from there the thigh is all but gone."""
    forward = float(rng.uniform(25, 100))
    # the shin hangs, or is drawn back under the thigh
    knee = float(np.clip(forward + rng.uniform(-20, 55), 0, 140))
    raised = (float(rng.normal(2, 8)), forward, float(rng.normal(0, 10)), knee)
    legs = (raised, _standing_leg(rng)) if rng.random() < 0.5 else (_standing_leg(rng), raised)
    return BodyPose(right_arm=_arm(rng), left_arm=_arm(rng), right_leg=legs[0], left_leg=legs[1])


def _kick(rng: np.random.Generator) -> BodyPose:
    sideways = rng.random() < 0.5
    kicking = _around(rng, 65, 10, 0, 8) if sideways else _around(rng, 5, 80, 0, 12)
    legs = (kicking, _standing_leg(rng)) if rng.random() < 0.5 else (_standing_leg(rng), kicking)
    lean = float(rng.uniform(0, 25)) * (1 if legs[0] is kicking else -1)
    return BodyPose(
        (0.0, -5.0, 0.0), (0.0, lean, 0.0), (0.0, 0.0, 0.0), _free_arm(rng), _free_arm(rng), legs[0], legs[1]
    )


def _sit(rng: np.random.Generator) -> BodyPose:
    legs = [
        (float(rng.uniform(0, 20)), float(rng.uniform(75, 95)), float(rng.normal(-4, 8)), float(rng.uniform(60, 105)))
        for _ in range(2)
    ]
    spine = (float(rng.uniform(-10, 25)), float(rng.normal(0, 6)), 0.0)
    return BodyPose(spine=spine, right_arm=_forward_arm(rng), left_arm=_arm(rng), right_leg=legs[0], left_leg=legs[1])


def _bend(rng: np.random.Generator) -> BodyPose:
    root = float(rng.uniform(5, 35))
    leg = (6.0, root, -5.0, float(rng.uniform(0, 25)))
    spine = (float(rng.uniform(20, 60)), float(rng.normal(0, 12)), float(rng.normal(0, 10)))
    return BodyPose(
        (0.0, root, 0.0), spine, right_arm=_arm(rng), left_arm=_forward_arm(rng), right_leg=leg, left_leg=leg
    )


def _lie(rng: np.random.Generator) -> BodyPose:
    side = float(rng.choice([-1, 1]) * rng.uniform(60, 95))
    return _replaced(_lifted_leg(rng), root=(0.0, float(rng.normal(0, 15)), side))


def _lunge(rng: np.random.Generator) -> BodyPose:
    depth = float(rng.uniform(30, 80))
    front, back = (12.0, depth, -8.0, depth), (12.0, -20.0, -8.0, float(rng.uniform(5, 60)))
    legs = (front, back) if rng.random() < 0.5 else (back, front)
    return BodyPose(right_arm=_arm(rng), left_arm=_arm(rng), right_leg=legs[0], left_leg=legs[1])


def _wide_stance(rng: np.random.Generator) -> BodyPose:
    wide = float(rng.uniform(14, 42))
    legs = [(wide, float(rng.normal(5, 5)), -15.0, float(rng.uniform(0, 45))) for _ in range(2)]
    return BodyPose(right_arm=_free_arm(rng), left_arm=_free_arm(rng), right_leg=legs[0], left_leg=legs[1])


_KINDS: Final[tuple[tuple[Callable[[np.random.Generator], BodyPose], float], ...]] = (
    (_stand, 0.18), (_walk, 0.10), (_arms_up, 0.09), (_hands_on_hips, 0.04), (_fold_arms, 0.06), (_squat, 0.14),
    (_lifted_leg, 0.09),
    (_tucked_leg, 0.03), (_raised_knee, 0.09), (_kick, 0.05), (_sit, 0.06), (_bend, 0.04), (_lie, 0.02), (_lunge, 0.04),
    (_wide_stance, 0.03),
)  # fmt: skip


def sample_yaw(rng: np.random.Generator) -> float:
    """Draw how far a body is turned from the camera in degrees.

    Any way, in six cases of ten within 60 degrees of the front.
    """
    if rng.random() < 0.6:
        return float(np.clip(rng.normal(0, 30), -60, 60))
    return float(rng.uniform(-180, 180))


def sample_pose(rng: np.random.Generator, yaw: float | None = None) -> BodyPose:
    """Draw a pose of daily life, sport or dance, turned any way.

    Parameters
    ----------
    rng : numpy.random.Generator
    yaw : float, optional
        Degrees that the body is turned from the camera, instead of one drawn by `sample_yaw`.
    """
    kinds = [kind for kind, _ in _KINDS]
    shares = np.array([share for _, share in _KINDS])
    pose = kinds[int(rng.choice(len(kinds), p=shares / shares.sum()))](rng)
    angles = as_angles(pose) + rng.normal(0, 3.0, sum(_SIZES))
    pose = from_angles(angles)
    root = (sample_yaw(rng) if yaw is None else yaw, pose.root[1], pose.root[2])
    spine = (pose.spine[0], pose.spine[1] + float(rng.normal(0, 4)), pose.spine[2] + float(rng.normal(0, 8)))
    head = (float(rng.normal(2, 10)), float(rng.normal(0, 7)), float(rng.normal(0, 20)))
    return _replaced(pose, root=root, spine=spine, head=head).limited()


@dataclass(frozen=True, eq=False)
class Choreography:
    """A dance: every angle swings about a key pose in a few harmonics of the same beat.

    Attributes
    ----------
    middle : float64 (A,)
        All angles of the key pose in degrees, as `as_angles` orders them.
    cosines, sines : float64 (K, A)
        Weights of the K harmonics in degrees.
    period_seconds : float
        After which the dance begins again.
    """

    middle: DoubleArray
    cosines: DoubleArray
    sines: DoubleArray
    period_seconds: float

    def at(self, seconds: float) -> BodyPose:
        """Return the pose at a time."""
        phases = 2 * np.pi * seconds / self.period_seconds * np.arange(1, len(self.cosines) + 1)
        return from_angles(self.middle + np.cos(phases) @ self.cosines + np.sin(phases) @ self.sines).limited()


def sample_choreography(rng: np.random.Generator, keys: int = 5) -> Choreography:
    """Draw a dance that passes by a few random key poses, smoothed.

    Parameters
    ----------
    rng : numpy.random.Generator
    keys : int
        Key poses in one period, at least 3.
    """
    if keys < 3:
        raise ValueError(f"a choreography needs 3 key poses at least, got {keys}")
    poses = np.stack([as_angles(_dance_key(rng)) for _ in range(keys)])
    spectrum = np.fft.rfft(poses, axis=0) / keys
    harmonics = spectrum[1 : (keys + 1) // 2]
    # the higher a harmonic, the faster it moves: damped, so that limbs do not jerk
    damping = 1 / np.arange(1, len(harmonics) + 1)[:, None] ** 0.5
    return Choreography(
        spectrum[0].real,
        2 * damping * harmonics.real,
        -2 * damping * harmonics.imag,
        float(rng.uniform(0.7, 1.1) * keys),
    )


def _dance_key(rng: np.random.Generator) -> BodyPose:
    kinds: tuple[Callable[[np.random.Generator], BodyPose], ...] = (_stand, _arms_up, _lifted_leg, _wide_stance, _squat)
    pose = kinds[int(rng.choice(len(kinds), p=(0.25, 0.25, 0.15, 0.25, 0.1)))](rng)
    turn = (float(rng.normal(0, 20)), pose.root[1], float(rng.normal(0, 4)))
    spine = (pose.spine[0], float(rng.normal(0, 10)), float(rng.normal(0, 15)))
    head = (float(rng.normal(0, 8)), float(rng.normal(0, 10)), float(rng.normal(0, 20)))
    return _replaced(pose, root=turn, spine=spine, head=head)


def as_angles(pose: BodyPose) -> DoubleArray:
    """Return all angles of a pose in one row, float64 (25,)."""
    return np.concatenate([np.asarray(getattr(pose, name), dtype=np.float64) for name in _NAMES])


def from_angles(angles: npt.ArrayLike) -> BodyPose:
    """Return the pose of a row of angles as `as_angles` makes it."""
    parts = np.split(np.asarray(angles, dtype=np.float64), np.cumsum(_SIZES)[:-1])
    return BodyPose(*(tuple(float(a) for a in part) for part in parts))


def _replaced(
    pose: BodyPose,
    *,
    root: Angles | None = None,
    spine: Angles | None = None,
    head: Angles | None = None,
    right_arm: Angles | None = None,
    left_arm: Angles | None = None,
) -> BodyPose:
    return BodyPose(
        root or pose.root, spine or pose.spine, head or pose.head, right_arm or pose.right_arm,
        left_arm or pose.left_arm,
        pose.right_leg, pose.left_leg,
    )  # fmt: skip
