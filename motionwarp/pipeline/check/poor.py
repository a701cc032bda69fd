"""What `check` would call poor, told by a transfer itself, from what it sees anyway."""

from __future__ import annotations

from motionwarp.body.body_track import BodyReader
from motionwarp.pipeline.cast import ScenePlan
from motionwarp.pipeline.check.alignment import alignment_issues, alignment_stats
from motionwarp.pipeline.check.cast import cast_issues
from motionwarp.pipeline.check.driving import driving_issues, driving_stats
from motionwarp.pipeline.check.issues import Issue, Verdict
from motionwarp.pipeline.check.source import source_issues, source_stats
from motionwarp.pipeline.driving import FrameSampler


def poor_issues(scene: ScenePlan, sampler: FrameSampler) -> tuple[Issue, ...]:
    """Return the issues for which `check` would call a transfer poor.

    People are not counted, which takes time, and never makes a transfer poor.

    Parameters
    ----------
    scene : ScenePlan
    sampler : FrameSampler
        Which frames of the clip were looked at.
    """
    plan, inputs = scene.main, scene.inputs[0]
    options = plan.setup.options
    reader = BodyReader.load()
    photo = source_stats(inputs.source, plan.inputs.source, None, reader)
    clip = driving_stats(plan, sampler, None, reader)
    together = alignment_stats(plan, inputs.source.scale, clip.frames)
    issues = (
        *source_issues(photo, options),
        *driving_issues(clip, photo, options),
        *alignment_issues(together, photo.framing, options),
        *cast_issues(scene, sampler, reader),
    )
    return tuple(issue for issue in issues if issue.level is Verdict.POOR)
