"""When somebody is taken for the person who is followed, and how often people are looked for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TrackingSettings:
    """When a person is taken for the one who is followed.

    Attributes
    ----------
    longest_batch : int
        Frames read at once.
    least_score : float
        Lowest score of a person who is being followed.
    same_appearance : float
        Largest distance of appearances while the person is in sight all the time. Within a clip of one person 99 % of
        frames are below 0.4; of pairs of different people 95 % are above 0.45.
    near_appearance, far_appearance : float
        The same for somebody found again soon and near where they were lost, and for anybody else.
    near_seconds : float
        How long 'soon' is.
    reach_torsos, reach_torsos_per_second : float
        How far a body may move between two sightings, in torso lengths: at once, and with time.
    thorough_every : int
        Distance of thorough searches: of the frames in which the person is lost, every so many are searched for small
        and lying people too.
    appearance_seconds : float
        Time in which the remembered appearance follows a change of light.
    widen_seconds : float
        How often the legs or the head of somebody seen in part are looked for beyond the crop.
    recheck_seconds : float
        How long somebody who looks unlike before, alone and where expected, is followed until others are looked for.
    even_motion : float
        Torsos by which a point may be off the line on which it moved, so that the frame between is not read but lies
        on it, by up to an eighth of that beside the truth; 0 to read every frame.
    """

    longest_batch: int = 8
    least_score: float = 0.3
    same_appearance: float = 0.42
    near_appearance: float = 0.44
    far_appearance: float = 0.36
    near_seconds: float = 1.5
    reach_torsos: float = 0.8
    reach_torsos_per_second: float = 6.0
    thorough_every: int = 12
    appearance_seconds: float = 0.7
    widen_seconds: float = 0.4
    recheck_seconds: float = 0.5
    even_motion: float = 0.15
