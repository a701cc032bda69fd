"""The source, prepared once: the person to be moved, and the picture without them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from motionwarp.avatar.files import load_avatar
from motionwarp.avatar.person import StoredAvatar
from motionwarp.errors import MotionwarpError, NoPersonError, OptionError
from motionwarp.inpainting.clean_plate import clean_plate
from motionwarp.media.image import Picture, is_picture, read_image
from motionwarp.media.reader import read_frame_at
from motionwarp.perception.base import Estimator
from motionwarp.perception.exposure import ReadingQuality
from motionwarp.perception.matte_holes import with_whole_trunk
from motionwarp.perception.matting import covered_in_frame, matte_in_frame, parsing_in_frame
from motionwarp.perception.selection import LARGEST, PersonChoice
from motionwarp.pipeline.given_matte import given_matte, held_against
from motionwarp.pipeline.layout import resized
from motionwarp.pipeline.options import InputOptions, TransferOptions
from motionwarp.pose.formats.pose_file import read_pose
from motionwarp.pose.head_size import LARGE_HEAD, head_size
from motionwarp.types import ByteArray, Facing, FloatArray, Person, Pose, SourcePerson

# pixels beyond this cost time and are never seen: outputs are 1920 long unless asked otherwise
LONGEST_SIDE: Final = 2560
AVATAR_ENDING: Final = ".safetensors"


@dataclass(frozen=True, eq=False)
class PreparedSource:
    """The source person and what is behind them.

    Attributes
    ----------
    person : SourcePerson
        At the picture's resolution, its long side at most `LONGEST_SIDE`.
    notes : tuple of str
        What a user should know of how the person was seen.
    score : float
        Probability that this is a person, in [0, 1]; 1 where the pose was given.
    matte_given : bool
        Whether the matte is a file's or the picture's own, not one that was seen.
    seed : int
        Seed of the plate.
    given_plate : uint8 (H, W, 3) or None
        The plate, where it has been made before or otherwise.
    covered : float32 (H, W) or None
        What is taken out of the picture for the plate, as from `covered_in_frame`; None for the matte alone.
    photos : int
        How many photos the person is known from; with an avatar their textures are from all of them.
    facing : Facing or None
        Which way the person faces, where whoever saw them can tell.
    """

    person: SourcePerson
    notes: tuple[str, ...] = ()
    score: float = 1.0
    matte_given: bool = False
    seed: int = 0
    given_plate: ByteArray | None = None
    covered: FloatArray | None = None
    photos: int = 1
    facing: Facing | None = None

    @classmethod
    def of_avatar(cls, stored: StoredAvatar) -> PreparedSource:
        """Return the source of an avatar that was made before."""
        return cls(
            stored.person,
            stored.notes,
            stored.score,
            stored.matte_given,
            given_plate=stored.plate,
            photos=stored.photos,
        )

    @cached_property
    def plate(self) -> ByteArray:
        """The picture with the person removed and the hole filled, uint8 (H, W, 3).

        Made when it is first asked for, which takes about a second of a core.
        """
        if self.given_plate is not None:
            return self.given_plate
        return clean_plate(self.person.rgb, self.person.matte if self.covered is None else self.covered, seed=self.seed)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture."""
        height, width = self.person.rgb.shape[:2]
        return width, height


@dataclass(frozen=True, eq=False)
class SourcePicture:
    """The source as it is in its file, before anybody is looked for in it.

    Attributes
    ----------
    path : Path
    picture : Picture
        Its long side is at most `LONGEST_SIDE`.
    scale : float
        By how much it was reduced: 1 if not.
    given_pose : Pose or None
        From a file, in pixels of the picture as it is in its own file; taken in place of what an estimator sees.
    avatar : StoredAvatar or None
        Where the file is an avatar's, which has been looked at before.
    """

    path: Path
    picture: Picture
    scale: float
    given_pose: Pose | None = None
    avatar: StoredAvatar | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture."""
        return self.picture.width, self.picture.height


def read_source(path: Path, options: InputOptions) -> SourcePicture:
    """Read the source picture, or a video's frame, no larger than needed, and its pose if a file has it; or an avatar.

    Raises
    ------
    MediaError
        If there is no picture or video.
    WeightsError
        If a file that is named like an avatar is none.
    PoseFileError
        If the file of poses is damaged or does not have this picture.
    OptionError
        If an option tells what an avatar has in it already.
    """
    if is_avatar(path):
        _refuse_for_avatar(path, options)
        stored = load_avatar(path)
        return SourcePicture(path, Picture(stored.person.rgb), 1.0, avatar=stored)
    if path.is_file() and is_picture(path):
        picture = read_image(path)
    else:
        frame = read_frame_at(path, options.source_time)
        picture = Picture(frame.rgb, frame.alpha)
    scale = min(1.0, LONGEST_SIDE / max(picture.width, picture.height))
    if scale < 1.0:
        width, height = max(round(picture.width * scale), 1), max(round(picture.height * scale), 1)
        alpha = None if picture.alpha is None else resized(picture.alpha, width, height)
        picture = Picture(resized(picture.rgb, width, height), alpha)
    pose = None if options.source_poses is None else read_pose(options.source_poses, name=path.name)
    return SourcePicture(path, picture, scale, pose)


def _with_others(person: SourcePerson, options: TransferOptions, estimator: Estimator) -> SourcePerson:
    """Return the person with the avatar that is made of all photos; without further ones, as they are."""
    if not options.also:
        return person
    from motionwarp.engines.avatar.making import with_avatar

    alone = replace(options, also=(), source_poses=None, matte=None, source_time=0.0)
    others = []
    for path in map(Path, options.also):
        other = read_source(path, alone)
        if other.avatar is not None:
            raise OptionError(
                "is an avatar, where a photo is needed", values={"also": str(path)}, remedy="Give the photo itself"
            )
        others.append(prepare_source(other, alone, estimator).person)
    return with_avatar(person, others)


def is_avatar(path: Path) -> bool:
    """Return whether a source's name is one of an avatar's file."""
    return path.suffix.lower() == AVATAR_ENDING


def _refuse_for_avatar(path: Path, options: InputOptions) -> None:
    given = {
        "source_poses": options.source_poses,
        "matte": options.matte,
        "source_time": options.source_time or None,
        "also": ", ".join(map(str, options.also)) or None,
    }
    for name, value in given.items():
        if value is not None:
            raise OptionError(
                f"says what the avatar {path.name} has in it already",
                values={name: str(value)},
                remedy="Leave it out, or give the photo in place of its avatar",
            )


def prepare_source(source: SourcePicture, options: TransferOptions, estimator: Estimator) -> PreparedSource:
    """Find the person of the source with everything that engines need.

    Parameters
    ----------
    source : SourcePicture
    options : TransferOptions
        A matte given by a file is taken before an alpha channel, and that before what the estimator sees.
    estimator : Estimator

    Raises
    ------
    NoPersonError
        If there is nobody, or not the one who was chosen.
    MediaError
        If the given matte does not fit the picture or the person.
    """
    if source.avatar is not None:
        return PreparedSource.of_avatar(source.avatar)
    picture, scale, given = source.picture, source.scale, source.given_pose
    choice = PersonChoice.parse(options.person_in_source)
    pose = None if given is None else given.transformed([[scale, 0, scale / 2 - 0.5], [0, scale, scale / 2 - 0.5]])
    try:
        seen = _seen(picture.rgb, choice, pose, estimator, asked=options.source_person is not None)
    except MotionwarpError as error:
        raise type(error)(error.problem, subject=source.path, remedy=error.remedy) from error
    given_alpha = given_matte(picture, options.matte)
    own_matte, matte_notes = (None, ()) if given_alpha is None else held_against(given_alpha, seen.pose.points)
    if own_matte is None:
        # here alone: of a photo's person nothing lacks, of a result that is measured something may
        matte = with_whole_trunk(picture.rgb, matte_in_frame(picture.rgb, seen), seen.pose)
    else:
        matte = own_matte
    covered = covered_in_frame(seen, matte) if own_matte is None else None
    parsing = parsing_in_frame(picture.rgb, seen, matte)
    person = SourcePerson(picture.rgb, matte, seen.pose, parsing)
    quality = ReadingQuality()
    if given is None:
        quality.add(picture.rgb, seen)
    notes = (*quality.notes("the source person"), *_figure_notes(seen.pose, options.engine), *matte_notes)
    person = _with_others(person, options, estimator)
    photos = 1 + len(options.also)
    return PreparedSource(
        person, notes, seen.score, own_matte is not None, options.seed, covered=covered, photos=photos,
        facing=seen.facing,
    )  # fmt: skip


def _seen(rgb: ByteArray, choice: PersonChoice, given: Pose | None, estimator: Estimator, *, asked: bool) -> Person:
    try:
        return estimator.analyze_picture(rgb, choice, given_pose=given)
    except NoPersonError:
        # the choice is among several: where there is one person only, it was meant for the other input
        if asked or choice == LARGEST or len(estimator.find_people(rgb)) != 1:
            raise
    return estimator.analyze_picture(rgb, LARGEST)


def _figure_notes(pose: Pose, engine: str) -> list[str]:
    """Return what a user should know of drawn figures and mascots."""
    size = head_size(pose.points)
    if size is None or size < LARGE_HEAD:
        return []
    told = (
        "raised hands lie over its hair, and it turns nowhere"
        if engine == "layered"
        else "its face is squeezed; `engine=layered` moves such figures best"
    )
    return [f"the source's head is {size:.1f} times as large for the body as an adult's, as of a drawn figure: {told}"]


def fitted_to(person: SourcePerson, long_side: int) -> SourcePerson:
    """Return the source person reduced to what an output of this long side can show."""
    height, width = person.rgb.shape[:2]
    scale = long_side / max(width, height)
    if scale >= 1:
        return person
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    across, down = size[0] / width, size[1] / height
    return replace(
        person,
        rgb=resized(person.rgb, *size),
        matte=np.asarray(cv2.resize(person.matte, size, interpolation=cv2.INTER_AREA), dtype=np.float32),
        pose=person.pose.transformed([[across, 0, across / 2 - 0.5], [0, down, down / 2 - 0.5]]),
        parsing=np.asarray(cv2.resize(person.parsing, size, interpolation=cv2.INTER_NEAREST), dtype=np.uint8),
    )
