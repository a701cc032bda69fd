"""Making a person's avatar of their photo, or of several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

from motionwarp.avatar.arms_beyond import wrists_beyond
from motionwarp.avatar.assembly import make_avatar
from motionwarp.avatar.avatar import usable_joints
from motionwarp.avatar.completion import Completer
from motionwarp.avatar.fusion import PhotoView, fused
from motionwarp.avatar.person import AvatarPerson
from motionwarp.engines.avatar.posing import SourceBody
from motionwarp.types import SourcePerson


def with_avatar(
    person: SourcePerson, others: Sequence[SourcePerson] = (), completer: Completer | None = None
) -> AvatarPerson:
    """Return a person with the avatar that is made of them.

    Parameters
    ----------
    person : SourcePerson
        In the photo that the avatar is at rest.
    others : sequence of SourcePerson
        The same person in further photos, from other sides: their bodies are of one shape, fitted to all photos.
    completer : Completer or None
        Repaints what rules make of the person's back.

    Raises
    ------
    NoPersonError
        If a photo's points show neither shoulders nor a neck with hips.
    """
    photos = []
    for photo in (person, *others):
        torso = float(usable_joints(photo.pose.points).torso[0])
        photos.append(wrists_beyond(photo, torso))
    body, *bodies = SourceBody.of_photos([photo.pose.points for photo in photos])
    avatar = make_avatar(photos[0], body.surface, body.rest, completer=completer)
    views = [PhotoView(other, its.rest) for other, its in zip(others, bodies, strict=True)]
    height, width = person.matte.shape
    plain = {field.name: getattr(person, field.name) for field in fields(SourcePerson)}
    textured = fused(avatar, views)
    return AvatarPerson(**plain, avatar=textured, photo_size=(width, height), photos=1 + len(others))
