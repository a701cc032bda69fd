"""A person in another one's clothes, before they are moved: what `swap` and a transfer's `clothes` share."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from motionwarp.engines.registry import make_swapper
from motionwarp.engines.swapping import DressedPicture
from motionwarp.errors import MediaError, NoPersonError
from motionwarp.media.image import Picture, is_picture
from motionwarp.parsing import labels
from motionwarp.parsing.garments import GARMENT_CLASSES, GarmentChoice, divided_at_waist
from motionwarp.perception.base import Estimator
from motionwarp.pipeline.options import StrPath, TransferOptions
from motionwarp.pipeline.source import PreparedSource, SourcePicture, prepare_source, read_source
from motionwarp.pipeline.swap_options import SwapOptions
from motionwarp.pose import skeleton
from motionwarp.puppet.joints import LEAST_SCORE
from motionwarp.types import SourcePerson

_LEAST_SHARE: Final = 0.02  # of the person's pixels, under which they do not wear such clothes
_OTHER_PERSON: Final = 0.5  # probability from which on a second person of CLOTHES is one


def dressed(
    person: SourcePerson, wearer: SourcePerson, options: SwapOptions, subject: StrPath
) -> tuple[DressedPicture, str]:
    """Return a person in another one's clothes, and the engine's name; errors name `subject`."""
    swapper = make_swapper(options.engine)
    try:
        return swapper.dress(person, wearer, options.what), swapper.name
    except NoPersonError as error:
        raise NoPersonError(error.problem, subject=error.subject or str(subject), remedy=error.remedy) from error


def looking_options(options: SwapOptions) -> TransferOptions:
    """Return how people are looked for in both photos."""
    return TransferOptions(
        device=options.device,
        precision=options.precision,
        pose_estimator=options.pose_estimator,
        person=options.person,
        seed=options.seed,
    )


def read_clothes(path: Path, options: SwapOptions, estimator: Estimator) -> tuple[SourcePerson, list[str]]:
    """Return who wears the clothes, and what a user should know of how they were seen.

    Raises
    ------
    NoPersonError
        If nobody is there, or several and none was chosen, or they do not wear, or the picture does not show, such
        clothes.
    """
    looking = replace(looking_options(options), person=options.clothes_person or "largest")
    picture = read_source(path, looking)
    if options.clothes_person is None:
        people = [each for each in estimator.find_people(picture.picture.rgb) if each.score >= _OTHER_PERSON]
        if len(people) > 1:
            raise NoPersonError(
                f"{len(people)} people are in the picture of the clothes",
                subject=path,
                remedy="Say whose clothes are meant by `clothes_person`: largest, a number from 0 by size, or x,y",
            )
    prepared = prepare_source(picture, looking, estimator)
    check_clothes(prepared.person, options.what, path)
    return prepared.person, [f"{path.name}: {note}" for note in prepared.notes]


def read_people(folder: Path, looking: TransferOptions, estimator: Estimator) -> dict[str, SourcePerson]:
    """Return the people of a folder's pictures, by the pictures' names.

    Raises
    ------
    MediaError
        If there is no such folder, or no picture in it.
    NoPersonError
        If a picture shows nobody.
    """
    files = sorted(path for path in folder.iterdir() if is_picture(path)) if folder.is_dir() else []
    if not files:
        raise MediaError("holds no pictures", subject=folder, remedy="Give a folder with pictures of people")
    return {path.stem: prepare_source(read_source(path, looking), looking, estimator).person for path in files}


def check_clothes(wearer: SourcePerson, choice: GarmentChoice, path: StrPath) -> None:
    """Refuse who does not wear, or whose picture does not show, the clothes that are asked for.

    Raises
    ------
    NoPersonError
    """
    points, parsing = wearer.pose.points, divided_at_waist(wearer.parsing, wearer.pose.points)
    person = int(np.count_nonzero(parsing != labels.BACKGROUND))
    kinds: tuple[GarmentChoice, ...] = ("upper", "lower") if choice == "all" else (choice,)
    for kind in kinds:
        worn = int(np.count_nonzero(np.isin(parsing, GARMENT_CLASSES[kind])))
        knees = points[[skeleton.RIGHT_KNEE, skeleton.LEFT_KNEE], 2].max()
        if kind == "lower" and knees < LEAST_SCORE:
            raise NoPersonError(
                "the picture of the clothes ends above the knees, so that it does not show a lower garment",
                subject=path,
                remedy="Give a picture that shows the legs, or take the upper garment alone with `what=upper`",
            )
        if worn < _LEAST_SHARE * max(person, 1):
            raise NoPersonError(
                f"no {kind} garment is seen on the person",
                subject=path,
                remedy="Give a picture that shows one, or other clothes by `what`",
            )


def seen_again(
    prepared: PreparedSource, made: DressedPicture, path: Path, options: TransferOptions, estimator: Estimator
) -> PreparedSource:
    """Return the dressed person with the matte and the parsing of the new clothes; the points are as before."""
    picture = SourcePicture(path, Picture(made.rgb, None), 1.0, prepared.person.pose)
    again = prepare_source(picture, replace(options, matte=None, clothes=None, also=()), estimator)
    return replace(again, notes=prepared.notes, score=prepared.score)


def prepare_dressed(
    prepared: PreparedSource, path: Path, options: TransferOptions, estimator: Estimator
) -> PreparedSource:
    """Return a transfer's source in the clothes of the photo that its options name.

    Parameters
    ----------
    prepared : PreparedSource
    path : Path
        Of the source, for errors.
    options : TransferOptions
        With `clothes`.
    estimator : Estimator

    Raises
    ------
    InputError
        One of its kinds, if one of the pictures does not do.
    """
    if options.clothes is None:
        return prepared
    asked = SwapOptions(
        device=options.device, precision=options.precision, pose_estimator=options.pose_estimator, seed=options.seed
    )
    wearer, notes = read_clothes(Path(options.clothes), asked, estimator)
    made, _ = dressed(prepared.person, wearer, asked, path)
    again = seen_again(prepared, made, path, options, estimator)
    return replace(again, notes=(*again.notes, *notes))
