"""The points of a folder of pictures in the published form, for protocols and training lists of one's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from motionwarp.analysis.base import Estimator
from motionwarp.data.people_files import media_files
from motionwarp.data.protocols import write_annotations
from motionwarp.errors import InputError, NoPersonError
from motionwarp.media.atomic import check_target
from motionwarp.media.image import read_image
from motionwarp.types import Pose

Progress = Callable[[str, int, int | None], None]


@dataclass(frozen=True)
class AnnotatedFolder:
    """What became of a folder's pictures, by their names below it.

    Attributes
    ----------
    poses : dict of str to Pose
        In pixels of each picture, sorted by name.
    without_person : sequence of str
        In which nobody was seen; they have no row.
    unreadable : dict of str to str
        What is wrong with the files that cannot be read.
    """

    poses: dict[str, Pose]
    without_person: Sequence[str]
    unreadable: dict[str, str]


def annotate_folder(
    folder: Path, output: Path, estimator: Estimator, *, least_score: float, overwrite: bool, progress: Progress
) -> AnnotatedFolder:
    """Write the points of all pictures below a folder as `name:keypoints_y:keypoints_x`; see `write_annotations`.

    Parameters
    ----------
    folder : Path
    output : Path
    estimator : Estimator
    least_score : float
        In [0, 1]: points of a lower score are written as missing, since the form has no scores.
    overwrite : bool
    progress : callable
        Told of every picture.

    Raises
    ------
    InputError
        If the folder holds no picture that shows somebody; nothing is written then.
    OutputError
        If the output is there already without `overwrite`, or cannot be written.
    """
    photos, _ = media_files(folder)
    check_target(output, overwrite=overwrite, inputs=photos)
    poses: dict[str, Pose] = {}
    without_person: list[str] = []
    unreadable: dict[str, str] = {}
    for done, path in enumerate(photos, start=1):
        name = path.relative_to(folder).as_posix()
        try:
            points = estimator.analyse_picture(read_image(path).rgb).pose.points.copy()
        except NoPersonError:
            without_person.append(name)
        except InputError as error:
            unreadable[name] = str(error)
        else:
            points[points[:, 2] < least_score] = 0
            poses[name] = Pose(points)
        progress("look", done, len(photos))
    if not poses:
        raise InputError("holds no picture that shows somebody", subject=folder, remedy="Give a folder of pictures of people.")
    write_annotations(output, poses)
    return AnnotatedFolder(poses, without_person, unreadable)
