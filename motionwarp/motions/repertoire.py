"""The motions that the project made itself, pose by pose; `examples/make_motions.py` writes them as files."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from motionwarp.body.body_motion import BodyMotion
from motionwarp.body.model import BodyModel
from motionwarp.motions.choreography import Arm, Foot, Key, Pose, choreographed

__all__ = ["REPERTOIRE", "Number"]


@dataclass(frozen=True)
class Number:
    """A motion of the repertoire.

    Attributes
    ----------
    title : str
        What it shows, in some words.
    poses : callable
        Makes the poses with their times.
    cycles : int
        As for `choreographed`.
    """

    title: str
    poses: Callable[[], list[Key]]
    cycles: int = 0

    def performed(self, body: BodyModel) -> BodyMotion:
        """Return the motion."""
        return choreographed(body, self.poses(), cycles=self.cycles)


STAND: Final = Pose()
_ON_HIP: Final = Arm(raised=48, out=104, fore_raised=62, fore_out=-58, twist=60, flex=-20)
_GUARD: Final = Arm(raised=26, out=30, fore_raised=140, fore_out=-22, twist=30)


def _at(seconds: float, pose: Pose) -> Key:
    return Key(seconds, pose)


def _both(pose: Pose, arm: Arm) -> Pose:
    return replace(pose, left_arm=arm, right_arm=arm)


def _spaced(seconds: float, *poses: Pose) -> list[Key]:
    return [Key(index * seconds, pose) for index, pose in enumerate(poses)]


def _feet(pose: Pose, foot: Foot) -> Pose:
    return replace(pose, left_foot=foot, right_foot=foot)


def _wave() -> list[Key]:
    up = Arm(raised=88, out=78, fore_raised=160, fore_out=52)
    out = replace(up, fore_raised=140, fore_out=88)
    inward = replace(up, fore_raised=166, fore_out=-50)
    ready = replace(STAND, right_arm=up, tilt=-4, bend=2)
    left, right = replace(ready, right_arm=out, tilt=-6), replace(ready, right_arm=inward, tilt=-2)
    swings = [left, right, left, right, left, right]
    return [
        _at(0.0, STAND),
        _at(0.6, ready),
        *(_at(0.85 + 0.27 * index, pose) for index, pose in enumerate(swings)),
        _at(2.5, ready),
        _at(3.2, STAND),
    ]


def _nod() -> list[Key]:
    down, up = replace(STAND, nod=26, lean=3), replace(STAND, nod=-8)
    return [_at(0, STAND), _at(0.3, up), _at(0.6, down), _at(0.9, up), _at(1.2, down), _at(1.5, up), _at(2.0, STAND)]


def _shake_head() -> list[Key]:
    left, right = replace(STAND, look=38, twist=4), replace(STAND, look=-38, twist=-4)
    times = [0.35, 0.75, 1.15, 1.55]
    return [_at(0, STAND), *map(_at, times, [left, right, left, right]), _at(2.0, STAND)]


def _shrug() -> list[Key]:
    arm = Arm(raised=24, out=80, fore_raised=78, fore_out=62, twist=-95, flex=-25)
    up = replace(_both(STAND, arm), shrug=17, tilt=11, nod=-4)
    return [_at(0, STAND), _at(0.55, up), _at(1.3, replace(up, tilt=13)), _at(1.9, STAND), _at(2.1, STAND)]


def _bow() -> list[Key]:
    arm = Arm(raised=40, out=18, fore_raised=50, fore_out=6)
    deep = replace(_both(STAND, arm), tip=42, lean=30, nod=14, ahead=-0.1, up=-0.015)
    return [_at(0, STAND), _at(1.0, deep), _at(1.6, deep), _at(2.6, STAND), _at(2.8, STAND)]


def _clap() -> list[Key]:
    apart = Arm(raised=36, out=44, fore_raised=112, fore_out=18, twist=10)
    together = Arm(raised=38, out=16, fore_raised=118, fore_out=-37, twist=10)
    open_hands, closed = _both(STAND, apart), _both(replace(STAND, nod=4), together)
    keys = [_at(0, STAND), _at(0.5, open_hands)]
    for clap in range(6):
        keys += [_at(0.68 + 0.32 * clap, closed), _at(0.84 + 0.32 * clap, open_hands)]
    return [*keys, _at(3.1, STAND)]


def _cheer() -> list[Key]:
    up = Arm(raised=150, out=78, fore_raised=168, fore_out=60, twist=-20)
    lower = Arm(raised=100, out=74, fore_raised=160, fore_out=20, twist=-20)
    crouch = replace(_both(STAND, Arm(raised=30, out=30, fore_raised=95, fore_out=5)), up=-0.14, lean=16, tip=10)
    high = replace(_both(STAND, up), nod=-14, lean=-4, up=0.0)
    pump = replace(_both(STAND, lower), nod=-6, up=-0.05)
    feet = Foot(height=0.16, pitch=38)
    leap = replace(_feet(high, feet), up=0.2)
    return [
        _at(0, STAND), _at(0.4, crouch), _at(0.7, leap), _at(0.95, replace(high, up=-0.06)), _at(1.25, pump),
        _at(1.5, high), _at(1.8, pump), _at(2.05, high), _at(2.6, STAND), _at(2.8, STAND),
    ]  # fmt: skip


def _point() -> list[Key]:
    arm = Arm(raised=86, out=52, fore_raised=90, fore_out=56, twist=40)
    ready = Arm(raised=40, out=60, fore_raised=120, fore_out=20, twist=40)
    pointing = replace(STAND, right_arm=arm, twist=-16, look=-24, left=-0.04, facing=-6)
    return [
        _at(0, STAND), _at(0.4, replace(STAND, right_arm=ready, look=-10)), _at(0.75, pointing),
        _at(1.7, replace(pointing, twist=-18)), _at(2.5, STAND), _at(2.6, STAND),
    ]  # fmt: skip


def _point_up() -> list[Key]:
    arm = Arm(raised=152, out=60, fore_raised=172, fore_out=60, twist=20)
    up = replace(STAND, right_arm=arm, nod=-24, bend=5, look=-8)
    return [_at(0, STAND), _at(0.8, up), _at(1.7, up), _at(2.5, STAND), _at(2.6, STAND)]


def _salute() -> list[Key]:
    arm = Arm(raised=80, out=62, fore_raised=133, fore_out=-92, twist=-10)
    straight = _both(STAND, Arm(raised=4, out=80, fore_raised=6, fore_out=70))
    saluting = replace(straight, right_arm=arm, nod=-3)
    return [
        _at(0, STAND),
        _at(0.4, straight),
        _at(0.85, saluting),
        _at(1.8, saluting),
        _at(2.4, straight),
        _at(2.7, STAND),
    ]


def _step(phase_left: float, *, length: float, height: float) -> Foot:
    """Return where a foot is in a stride, 0..1: on the ground from ahead to behind, then through the air."""
    stand = 0.6
    if phase_left < stand:
        share = phase_left / stand
        heel = max(0.0, share - 0.72) / 0.28
        roll = max(0.0, 0.12 - share) / 0.12
        return Foot(
            ahead=length * (0.5 - share) - 0.02, height=0.1 * heel + 0.012 * roll, pitch=34 * heel - 16 * roll, turn=5
        )
    share = (phase_left - stand) / (1 - stand)
    ease = share * share * (3 - 2 * share)
    lift = 4 * share * (1 - share)
    return Foot(
        ahead=length * (ease - 0.5) - 0.02,
        height=0.1 * (1 - share) ** 2 + height * lift + 0.012 * share,
        pitch=34 * (1 - share) ** 1.5 - 16 * share,
        turn=5,
    )


def _strides(period: float, length: float, height: float, swing: float, *, moves: float = 1.0) -> list[Key]:
    """Return one stride of walking in eight poses; `moves` of 0 walks on a treadmill."""
    keys = []
    for index in range(9):
        share = index / 8
        going = moves * share * length / 0.6
        left, right = (_step((share + shift) % 1, length=length, height=height) for shift in (0.0, 0.5))
        # arms go against the legs, hips and shoulders against each other
        angle = 2 * math.pi * (share + 0.02)
        wave, double = math.cos(angle), math.cos(2 * angle)
        pose = Pose(
            up=-0.012 - 0.01 * double,
            ahead=0.0,
            left=0.018 * math.sin(angle),
            facing=-7 * wave * length,
            twist=12 * wave * length,
            lean=4 + 3 * length,
            left_arm=_swung(-swing * wave),
            right_arm=_swung(swing * wave),
            left_foot=left,
            right_foot=right,
        )
        keys.append(Key(share * period, pose.moved(going)))
    return keys


def _swung(degrees: float, bent: float = 16.0) -> Arm:
    """Return an arm that hangs and is swung ahead (positive) or back."""
    ahead = max(degrees, 0) / 30
    upper = abs(degrees) + 4
    out = 22.0 if degrees >= 0 else 155.0
    fore = degrees + bent + 18 * ahead
    return Arm(upper, out, abs(fore) + 3, 8.0 if fore >= 0 else 160.0)


def _walk() -> list[Key]:
    return _strides(1.1, 0.62, 0.08, 24)


def _run() -> list[Key]:
    keys = []
    bent_ahead = Arm(raised=36, out=24, fore_raised=118, fore_out=-16)
    bent_back = Arm(raised=46, out=158, fore_raised=58, fore_out=28)
    for index in range(5):
        share = index / 4
        is_contact = index % 2 == 0
        if is_contact:
            # the left foot lands while the right knee is behind
            pose = Pose(
                up=-0.09, lean=9, tip=5, facing=6, twist=-14, left_arm=bent_back, right_arm=bent_ahead,
                left_foot=Foot(ahead=0.1, pitch=4, turn=3), right_foot=Foot(ahead=-0.3, height=0.46, pitch=74, turn=3),
            )  # fmt: skip
        else:
            # in the air: the left foot pushes off behind, the right knee is high
            pose = Pose(
                up=0.0, lean=9, tip=5, facing=-6, twist=14, left_arm=bent_ahead, right_arm=bent_back,
                left_foot=Foot(ahead=-0.34, height=0.16, pitch=60, turn=3),
                right_foot=Foot(ahead=0.26, height=0.42, pitch=6, turn=3),
            )  # fmt: skip
        if index in (2, 3):
            pose = pose.mirrored()
        keys.append(Key(share * 0.72, pose))
    return keys


def _march() -> list[Key]:
    up_arm, down_arm = (
        Arm(raised=30, out=10, fore_raised=92, fore_out=4),
        Arm(raised=26, out=165, fore_raised=40, fore_out=100),
    )
    high = replace(
        STAND, up=-0.01, left=-0.05, left_foot=Foot(ahead=0.34, height=0.42, pitch=22, turn=2), left_arm=down_arm,
        right_arm=up_arm, lean=-2, roll=0.0,
    )  # fmt: skip
    change = replace(_both(STAND, Arm(raised=8, out=70, fore_raised=50, fore_out=20)), up=-0.015)
    return _spaced(0.26, change, high, change.mirrored(), high.mirrored(), change)


def _jumping_jacks() -> list[Key]:
    down = replace(_both(STAND, Arm(raised=10, out=82, fore_raised=12, fore_out=70)), up=-0.05)
    half = replace(
        _feet(
            _both(STAND, Arm(raised=95, out=84, fore_raised=100, fore_out=80)), Foot(out=0.17, height=0.09, pitch=26)
        ),
        up=0.1,
    )
    wide = replace(
        _feet(_both(STAND, Arm(raised=158, out=84, fore_raised=172, fore_out=70)), Foot(out=0.34, turn=14)), up=-0.1
    )
    return [_at(0, down), _at(0.22, half), _at(0.42, wide), _at(0.64, half), _at(0.84, down)]


def _squat() -> list[Key]:
    wide = _feet(STAND, Foot(out=0.1, turn=18))
    arms = Arm(raised=118, out=12, fore_raised=120, fore_out=4, twist=60)
    low = replace(_both(wide, arms), up=-0.46, ahead=-0.2, tip=26, lean=12, nod=-26)
    return _spaced(0.9, wide, low, wide)


def _lunge() -> list[Key]:
    arms = _ON_HIP
    stand = _both(STAND, arms)
    low = replace(
        stand, up=-0.33, ahead=0.3, lean=-2,
        left_foot=Foot(ahead=0.68, turn=4), right_foot=Foot(ahead=-0.28, height=0.13, pitch=52, turn=4),
    )  # fmt: skip
    lift = replace(stand, ahead=0.06, left_foot=Foot(ahead=0.3, height=0.16, pitch=8, turn=4))
    there = [_at(0, stand), _at(0.4, lift), _at(0.95, low), _at(1.5, lift)]
    back = [_at(1.9 + key.seconds, key.pose.mirrored()) for key in there]
    return [*there, *back, _at(3.8, stand)]


def _twist() -> list[Key]:
    arm = Arm(raised=32, out=64, fore_raised=88, fore_out=14)
    base = replace(_feet(_both(STAND, arm), Foot(out=0.06, height=0.035, pitch=14, turn=8)), up=-0.06)
    left = replace(base, facing=30, twist=-46, left=0.03, up=-0.09, left_foot=Foot(0.06, 0.0, 0.035, 14, 40),
        right_foot=Foot(0.06, 0.0, 0.035, 14, -26),
        left_arm=replace(arm, raised=44, fore_out=34), right_arm=replace(arm, raised=20, fore_out=-14))  # fmt: skip
    return _spaced(0.32, left, left.mirrored(), left)


def _stretch() -> list[Key]:
    up = Arm(raised=166, out=84, fore_raised=176, fore_out=-60)
    wide = _feet(STAND, Foot(out=0.06))
    high = replace(_both(wide, up), up=0.0, nod=-6)
    left = replace(high, bend=30, left=-0.05, tilt=8)
    return [
        _at(0, STAND), _at(0.9, high), _at(1.7, left), _at(2.2, left), _at(3.1, left.mirrored()),
        _at(3.6, left.mirrored()), _at(4.4, high), _at(5.2, STAND),
    ]  # fmt: skip


def _kick() -> list[Key]:
    guard = replace(
        _both(STAND, _GUARD), up=-0.05, facing=-14, twist=4,
        left_foot=Foot(ahead=0.16, out=0.02, turn=4), right_foot=Foot(ahead=-0.14, out=0.05, turn=28),
    )  # fmt: skip
    chamber = replace(
        guard, up=-0.02, ahead=0.1, left=0.08, facing=8, lean=-8,
        right_foot=Foot(out=-0.03, ahead=0.36, height=0.62, pitch=52, turn=4),
    )  # fmt: skip
    out = replace(
        chamber, up=0.0, ahead=0.16, tip=-16, lean=-10, facing=14,
        right_foot=Foot(out=-0.06, ahead=1.02, height=0.84, pitch=-14, turn=0),
        right_arm=replace(_GUARD, raised=36, out=120, fore_raised=60, fore_out=100),
    )  # fmt: skip
    return [
        _at(0, STAND), _at(0.45, guard), _at(0.75, guard), _at(1.0, chamber), _at(1.18, out), _at(1.3, out),
        _at(1.5, chamber), _at(1.85, guard), _at(2.2, guard), _at(2.7, STAND),
    ]  # fmt: skip


def _punch() -> list[Key]:
    guard = replace(
        _both(STAND, _GUARD), up=-0.05, facing=-18,
        left_foot=Foot(ahead=0.16, turn=4), right_foot=Foot(ahead=-0.14, out=0.06, turn=30),
    )  # fmt: skip
    jab_arm = Arm(raised=86, out=34, fore_raised=90, fore_out=30, twist=80)
    cross_arm = Arm(raised=86, out=42, fore_raised=90, fore_out=38, twist=80)
    jab = replace(guard, left_arm=jab_arm, twist=-14, ahead=0.05, lean=4)
    cross = replace(
        guard, right_arm=cross_arm, facing=14, twist=30, ahead=0.08, lean=8,
        right_foot=Foot(ahead=-0.14, out=0.06, height=0.05, pitch=22, turn=0),
    )  # fmt: skip
    return [
        _at(0, STAND), _at(0.4, guard), _at(0.65, guard), _at(0.8, jab), _at(1.0, guard), _at(1.15, cross),
        _at(1.4, guard), _at(1.55, jab), _at(1.75, guard), _at(1.9, cross), _at(2.15, guard), _at(2.7, STAND),
    ]  # fmt: skip


def _dance() -> list[Key]:
    """Two steps to each side with snapping hands."""
    low = Arm(raised=30, out=50, fore_raised=84, fore_out=10)
    snap = Arm(raised=44, out=70, fore_raised=128, fore_out=50)
    middle = replace(_both(STAND, low), up=-0.06)
    open_left = replace(
        middle, left=0.14, up=-0.03, facing=10, bend=-6, tilt=6,
        left_foot=Foot(out=0.3, turn=14), right_foot=Foot(turn=6), left_arm=replace(low, raised=40, out=80),
        right_arm=replace(low, raised=36),
    )  # fmt: skip
    close_left = replace(
        middle, left=0.26, up=-0.07, twist=-12, facing=8, tilt=-6, left_arm=snap, right_arm=snap,
        left_foot=Foot(out=0.3, turn=10), right_foot=Foot(out=-0.24, height=0.035, pitch=16, turn=8),
    )  # fmt: skip
    back = replace(
        middle, left=0.1, up=-0.03, facing=-10, bend=6, tilt=-6,
        left_foot=Foot(out=0.3, turn=6), right_foot=Foot(out=0.0, turn=14), right_arm=replace(low, raised=40, out=80),
        left_arm=replace(low, raised=36),
    )  # fmt: skip
    close = replace(
        middle, up=-0.07, left=0.0, twist=12, facing=-8, tilt=6, left_arm=snap, right_arm=snap,
        left_foot=Foot(out=0.03, height=0.035, pitch=16, turn=8),
    )  # fmt: skip
    return _spaced(0.42, close, open_left, close_left, back, close)


def _groove() -> list[Key]:
    """Bouncing in the knees, arms rolling to and fro."""
    feet = Foot(out=0.1, turn=14)
    ahead, back = (
        Arm(raised=40, out=30, fore_raised=108, fore_out=0),
        Arm(raised=22, out=110, fore_raised=70, fore_out=30),
    )
    low = replace(
        _feet(STAND, feet), up=-0.13, left=0.06, roll=5, bend=-9, twist=10, nod=8, left_arm=ahead, right_arm=back
    )
    high = replace(_feet(_both(STAND, Arm(raised=34, out=60, fore_raised=95, fore_out=14)), feet), up=-0.03, nod=-3)
    return _spaced(0.24, high, low, high, low.mirrored(), high)


def _turn_around() -> list[Key]:
    """Four quarter turns in little steps."""
    keys: list[Key] = [_at(0, STAND)]
    for quarter in range(1, 5):
        facing, before = 90.0 * quarter, 90.0 * (quarter - 1)
        base = 0.3 + 0.62 * (quarter - 1)
        lift = _turned_feet(before, facing, share=0.5, height=0.07)
        there = _turned_feet(before, facing, share=1.0, height=0.0)
        keys += [
            _at(base, replace(lift, facing=before + 30, look=24, up=-0.02)),
            _at(base + 0.2, replace(there, facing=before + 55, look=14, up=-0.025)),
            _at(base + 0.42, replace(_turned_feet(facing, facing, 1.0, 0.0), facing=facing - 6, look=4, up=-0.012)),
        ]
    return [*keys, _at(2.95, replace(_turned_feet(360, 360, 1.0, 0.0), facing=360)), _at(3.2, replace(
        _turned_feet(360, 360, 1.0, 0.0), facing=360))]  # fmt: skip


def _turned_feet(before: float, after: float, share: float, height: float) -> Pose:
    """Return a stance whose left foot is on its way from one facing to another, the right one still in the first."""
    width = 0.12  # of each foot from the middle
    mean = before + (after - before) * share

    def foot(angle: float, side: float) -> tuple[float, float]:
        radians = math.radians(angle)
        return side * width * math.cos(radians) - side * width, -side * width * math.sin(radians)

    left_x, left_z = foot(mean, 1.0)
    right_x, right_z = foot(before if share < 1 or before == after else before + (after - before) * 0.5, -1.0)
    lifted = 0.0 if share < 1 or before == after else 0.06
    right_turn = -(before if share < 1 or before == after else before + (after - before) * 0.5)
    return replace(
        STAND,
        left_foot=Foot(out=left_x, ahead=left_z, height=height, pitch=8 if height else 0, turn=mean),
        right_foot=Foot(out=-right_x, ahead=right_z, height=lifted, pitch=8 if lifted else 0, turn=right_turn),
    )


def _sit_down() -> list[Key]:
    hands = Arm(raised=18, out=30, fore_raised=74, fore_out=-6, twist=60)
    lean = replace(
        _both(STAND, Arm(raised=26, out=30, fore_raised=60, fore_out=5)), up=-0.3, ahead=-0.24, tip=36, lean=18, nod=-22
    )
    seat = replace(_both(STAND, hands), up=-0.52, ahead=-0.5, tip=-2, lean=8, nod=-2)
    return [
        _at(0, STAND),
        _at(0.8, lean),
        _at(1.35, seat),
        _at(2.6, replace(seat, lean=4)),
        _at(3.2, lean),
        _at(4.0, STAND),
    ]


def _jump() -> list[Key]:
    crouch = replace(
        _both(STAND, Arm(raised=40, out=160, fore_raised=30, fore_out=140)),
        up=-0.28,
        ahead=-0.08,
        tip=22,
        lean=20,
        nod=-16,
    )
    push = replace(
        _feet(_both(STAND, Arm(raised=120, out=30, fore_raised=140, fore_out=20)), Foot(height=0.1, pitch=36)), up=0.1
    )
    top = replace(
        _feet(
            _both(STAND, Arm(raised=150, out=50, fore_raised=165, fore_out=30)),
            Foot(height=0.44, ahead=-0.05, pitch=44),
        ),
        up=0.36,
    )
    land = replace(
        _both(STAND, Arm(raised=60, out=50, fore_raised=70, fore_out=20)),
        up=-0.22,
        ahead=-0.06,
        tip=16,
        lean=14,
        nod=-10,
    )
    return [
        _at(0, STAND), _at(0.5, crouch), _at(0.72, push), _at(0.95, top), _at(1.2, push), _at(1.42, land),
        _at(2.0, STAND), _at(2.2, STAND),
    ]  # fmt: skip


def _idle() -> list[Key]:
    breath = replace(STAND, lean=-2, shrug=2, nod=-1, left=0.012)
    shift = replace(STAND, left=0.03, roll=-2, bend=-2, look=6, tilt=2)
    other = replace(STAND, left=-0.02, roll=1.5, bend=1.5, look=-5, shrug=1.5)
    return _spaced(1.0, STAND, breath, shift, breath, other, STAND)


def _hands_on_hips() -> list[Key]:
    held = replace(_both(STAND, _ON_HIP), left=0.03, roll=-3, bend=-3)
    other = replace(held, left=-0.03, roll=3, bend=3, look=-16, tilt=-4)
    return [_at(0, STAND), _at(0.8, held), _at(1.7, replace(held, look=14)), _at(2.6, other), _at(3.6, STAND)]


def _think() -> list[Key]:
    chin = Arm(raised=35, out=0, fore_raised=154, fore_out=-109, twist=-20, flex=8)
    across = Arm(raised=22, out=22, fore_raised=82, fore_out=-62, twist=10)
    thinking = replace(STAND, right_arm=chin, left_arm=across, nod=6, tilt=7, look=-8)
    return [
        _at(0, STAND), _at(0.9, thinking), _at(1.7, replace(thinking, look=12, nod=-8)),
        _at(2.4, thinking), _at(3.2, STAND),
    ]  # fmt: skip


def _come_here() -> list[Key]:
    out = Arm(raised=62, out=16, fore_raised=84, fore_out=8, twist=-70)
    beckon = Arm(raised=48, out=18, fore_raised=148, fore_out=-4, twist=-70, flex=30)
    far, near = replace(STAND, right_arm=out, lean=3), replace(STAND, right_arm=beckon, lean=0, nod=4, tilt=-4)
    return [
        _at(0, STAND), _at(0.5, far), _at(0.85, near), _at(1.2, far), _at(1.55, near), _at(1.9, far), _at(2.25, near),
        _at(2.9, STAND),
    ]  # fmt: skip


def _flap() -> list[Key]:
    up = Arm(raised=112, out=86, fore_raised=92, fore_out=82, twist=10)
    down = Arm(raised=28, out=86, fore_raised=44, fore_out=80, twist=10)
    high = replace(_both(STAND, up), up=-0.09, lean=4)
    low = replace(_feet(_both(STAND, down), Foot(height=0.05, pitch=20)), up=0.03, lean=0)
    return _spaced(0.3, high, low, high)


def _side_kick_steps() -> list[Key]:
    """Weight to one leg, the other swings out to its side; arms open and close."""
    closed = replace(_both(STAND, Arm(raised=34, out=14, fore_raised=96, fore_out=-24)), up=-0.06)
    out = replace(
        _both(STAND, Arm(raised=84, out=80, fore_raised=92, fore_out=84)), left=-0.1, up=-0.01, bend=-6, roll=6,
        left_foot=Foot(out=0.44, height=0.3, pitch=24, turn=16),
    )  # fmt: skip
    return _spaced(0.38, closed, out, closed, out.mirrored(), closed)


def _warm_up() -> list[Key]:
    """Big circles of both arms."""
    low, side = Arm(raised=14, out=40, fore_raised=16, fore_out=40), Arm(raised=92, out=90, fore_raised=96, fore_out=88)
    high, ahead = (
        Arm(raised=164, out=40, fore_raised=172, fore_out=30),
        Arm(raised=90, out=20, fore_raised=94, fore_out=16),
    )
    poses = [
        _both(replace(STAND, up=up), arm) for up, arm in ((-0.05, low), (-0.01, ahead), (0.0, high), (-0.02, side))
    ]
    return _spaced(0.36, *poses, poses[0])


def _high_five() -> list[Key]:
    wind = Arm(raised=70, out=96, fore_raised=150, fore_out=90)
    slap = Arm(raised=122, out=18, fore_raised=136, fore_out=10)
    back = replace(STAND, right_arm=wind, twist=-18, up=-0.03, facing=-6)
    hit = replace(STAND, right_arm=slap, twist=16, ahead=0.06, lean=4, up=-0.02, right_foot=Foot(height=0.03, pitch=12))
    smile = replace(STAND, right_arm=replace(slap, raised=100, fore_raised=140), nod=4)
    return [_at(0, STAND), _at(0.5, back), _at(0.72, hit), _at(0.95, smile), _at(1.8, STAND), _at(1.9, STAND)]


REPERTOIRE: Final[dict[str, Number]] = {
    "bow": Number("A deep bow.", _bow),
    "cheer": Number("A leap of joy, both fists in the air.", _cheer),
    "clap": Number("Clapping hands before the chest.", _clap),
    "come-here": Number("Beckoning with the right hand.", _come_here),
    "dance": Number("Steps to both sides with snapping hands.", _dance, 3),
    "flap": Number("Flapping both arms like wings.", _flap, 4),
    "groove": Number("Bouncing in the knees to a beat.", _groove, 4),
    "hands-on-hips": Number("Hands on the hips, weight from one leg to the other.", _hands_on_hips),
    "high-five": Number("A high five with the right hand.", _high_five),
    "idle": Number("Standing, breathing, shifting the weight.", _idle, 1),
    "jump": Number("A high jump on the spot.", _jump),
    "jumping-jacks": Number("Jumping jacks.", _jumping_jacks, 4),
    "kick": Number("A front kick out of a guard, as in karate.", _kick),
    "lunge": Number("A lunge with each leg, hands on the hips.", _lunge),
    "march": Number("Marching on the spot, knees high.", _march, 4),
    "nod": Number("Nodding: yes.", _nod),
    "point": Number("Pointing to the side with the right hand.", _point),
    "point-up": Number("Pointing up with the right hand.", _point_up),
    "punch": Number("Jab and cross, as a boxer.", _punch),
    "run": Number("Running on the spot.", _run, 5),
    "salute": Number("A salute.", _salute),
    "shake-head": Number("Shaking the head: no.", _shake_head),
    "shrug": Number("A shrug with open hands.", _shrug),
    "side-steps": Number("Swinging one leg out, then the other, arms opening.", _side_kick_steps, 3),
    "sit-down": Number("Sitting down on a seat, and getting up again.", _sit_down),
    "squat": Number("Squats, arms ahead.", _squat, 2),
    "stretch": Number("Stretching upwards and to both sides.", _stretch),
    "think": Number("A hand at the chin.", _think),
    "turn-around": Number("A full turn in small steps.", _turn_around),
    "twist": Number("Twisting hips and shoulders against each other.", _twist, 5),
    "walk": Number("Walking ahead.", _walk, 3),
    "warm-up": Number("Circles of both arms.", _warm_up, 3),
    "wave": Number("Waving with the right hand.", _wave),
}
"""All of them by name."""
