"""The tab for the main job: a verdict and three frames while options are chosen, then the clip beside the driver."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from motionwarp.errors import MotionwarpError
from motionwarp.ui import markup
from motionwarp.ui.desk import (
    LOOK,
    Chosen,
    Desk,
    Inputs,
    Visitor,
    as_it_is,
    begin,
    buttons,
    driver_clips,
    follow,
    moment,
    switched,
)
from motionwarp.ui.form import BACKGROUNDS, DANCERS, FILES, PEOPLE, PLACEMENTS, SIZES, TransferForm, engine_labels
from motionwarp.ui.jobs import Job, JobState
from motionwarp.ui.work import LookWork, TransferWork

_INPUTS = 4  # fields on top of the page, before those of the tab
# what the stages take beside each other where nothing was measured yet
_USUAL_SECONDS = {"source": 2.0, "motion": 8.0, "plan": 0.2, "render": 10.0}


def build(desk: Desk, inputs: Inputs) -> None:
    """Add the tab to the page that is built."""
    import gradio as gr

    with gr.Row():
        with gr.Column(scale=2, min_width=300):
            fields = _fields()
            start, stop = buttons("Make the clip", "transfer")
            progress = gr.HTML(elem_id="mw-transfer-progress")
        with gr.Column(scale=3, min_width=300):
            verdict = gr.HTML(markup.note("Add a photo and a clip: what to expect is told here."), elem_id="mw-verdict")
            sheet = gr.Image(
                label="Three frames, each beside its result", visible=False, interactive=False, elem_id="mw-preview",
                buttons=["fullscreen"],
            )  # fmt: skip
    result = gr.HTML(elem_id="mw-transfer-result")
    with gr.Row():
        download = gr.DownloadButton("Download the clip", visible=False, elem_id="mw-transfer-download")
    given = [*inputs.fields, *fields]
    gr.on(
        [field.change for field in given],
        desk.handler(partial(_look, desk)),
        given, [verdict, sheet],
        show_progress="hidden", trigger_mode="multiple", concurrency_limit=None, api_visibility="private",
    )  # fmt: skip
    start.click(
        desk.handler(partial(_make, desk)),
        given, [progress, result, download, start, stop],
        show_progress="hidden", trigger_mode="multiple", concurrency_limit=None, api_visibility="private",
    )  # fmt: skip
    stop.click(desk.cancel("transfer"), None, None, show_progress="hidden", api_visibility="private")


def _fields() -> list[Any]:
    """Return the fields of `TransferForm`, in its order."""
    import gradio as gr

    form = TransferForm()
    background = gr.Dropdown(list(BACKGROUNDS), value=form.background, label="Background", elem_id="mw-background")
    color = gr.ColorPicker(value=form.color, label="Color", visible=False)
    file = gr.File(label="Picture or clip for the background", file_types=["image", "video"], visible=False, height=100)
    background.change(
        lambda chosen: (gr.update(visible=chosen == "color"), gr.update(visible=chosen == "file")),
        background, [color, file], show_progress="hidden", api_visibility="private",
    )  # fmt: skip
    engine = gr.Dropdown(engine_labels(), value=form.engine, label="Engine", elem_id="mw-engine")
    with gr.Accordion("More options", open=False):
        placement = gr.Dropdown(list(PLACEMENTS), value=form.placement, label="Where the person stands")
        who = "Of several people: also x,y in pixels"
        source_person = gr.Dropdown(
            list(PEOPLE), value="largest", label="Who of the photo", info=who, allow_custom_value=True
        )
        driving_person = gr.Dropdown(
            list(PEOPLE), value="largest", label="Who of the clip", info=who, allow_custom_value=True
        )
        with gr.Row():
            start = gr.Textbox(label="Begin at", placeholder="0:00", min_width=80)
            end = gr.Textbox(label="End at", placeholder="the clip's end", min_width=80)
        size = gr.Dropdown(list(SIZES), value=form.size, label="Long side in pixels", elem_id="mw-size")
        smooth = gr.Slider(0, 1, value=form.smooth, step=0.05, label="Smoothing")
        audio = gr.Checkbox(value=form.audio, label="Keep the clip's sound")
        kind = gr.Dropdown(list(FILES), value=form.file, label="File", elem_id="mw-file")
    return [
        background, color, file, engine, placement, source_person, driving_person, start, end, size, smooth,
        audio, kind, *_cast(),
    ]  # fmt: skip


def _cast() -> list[Any]:
    """Return the fields for further people, each a photo and whose place they take."""
    import gradio as gr

    fields: list[Any] = []
    with gr.Accordion("Several people in one clip", open=False), gr.Row():
        for number, (_, dancer) in enumerate(DANCERS, start=1):
            with gr.Column(min_width=140):
                photo = gr.Image(
                    label=f"Person {number + 1}", type="filepath", image_mode=None, height=160, buttons=[],
                    sources=["upload", "clipboard"], elem_id=f"mw-cast-photo-{number}",
                )  # fmt: skip
                photo.preprocess = as_it_is
                place = gr.Dropdown(
                    list(DANCERS), value=dancer, label="Dancer", info="Or x,y in the first frame",
                    allow_custom_value=True, elem_id=f"mw-cast-dancer-{number}",
                )  # fmt: skip
                fields += [photo, place]
    return fields


def _form(desk: Desk, visitor: Visitor, values: tuple[Any, ...]) -> TransferForm:
    form = TransferForm(*values[_INPUTS:])
    for file in form.files:
        desk.sessions.own(visitor.key, file)
    return form


def _look(desk: Desk, visitor: Visitor, *values: Any) -> Iterator[Any]:
    """Tell what to expect; a newer question ends the one before."""
    import gradio as gr

    tab = visitor.tab
    mine = tab.questions = tab.questions + 1
    tab.cancel(LOOK)
    chosen = Chosen(*values[:_INPUTS])
    if chosen.missing:
        yield markup.note(f"Add {chosen.missing}: what to expect is told here."), gr.update(visible=False)
        return
    yield markup.note("Looking …", "looking"), gr.skip()
    moment()
    if tab.questions != mine:
        yield gr.skip(), gr.skip()
        return
    try:
        source, driving = desk.inputs(visitor, chosen)
        folder = tab.new_folder(LOOK)
        work = LookWork(source, driving, _form(desk, visitor, values).options(), folder / "preview.png")
        job = desk.submit(visitor, LOOK, work, folder)
    except MotionwarpError as error:
        yield markup.note(markup.sentence_of(error), "bad"), gr.update(visible=False)
        return
    for _ in follow(job):
        if tab.questions != mine:
            job.cancel()
    view = job.view()
    if view.state is JobState.DONE:
        tab.expected = {
            **_USUAL_SECONDS,
            "motion": view.value.cost.looking_seconds,
            "render": view.value.cost.frame_seconds * view.value.together.output_frames,
        }
        yield markup.verdict(view.value), gr.update(value=str(view.value.preview), visible=True)
    elif view.state is JobState.FAILED:
        yield markup.failure(view), gr.update(visible=False)
    elif tab.questions == mine:
        yield markup.note("Not looked at any further: the clip is being made."), gr.skip()
    else:
        yield gr.skip(), gr.skip()


def _make(desk: Desk, visitor: Visitor, *values: Any) -> Iterator[Any]:
    """Make the clip, and show how far it is."""
    import gradio as gr

    for view in begin(desk, visitor, "transfer", partial(_submit, desk, visitor, values)):
        if isinstance(view, str):
            yield view, gr.skip(), gr.skip(), *switched(running=False)
        elif view.state is JobState.DONE:
            made = view.value
            _, driving = desk.inputs(visitor, Chosen(*values[:_INPUTS]))
            sides = driver_clips(driving, _form(desk, visitor, values).options().start or 0.0)
            sides.append(markup.Clip(made.output, "The result", sound=True))
            told = (
                f"{made.frames} frames of {made.width}x{made.height} by {made.engine} in {markup.clock(made.seconds)}."
            )
            shown = (
                markup.clips_side_by_side(sides)
                + markup.note(told)
                + markup.listed(made.warnings, _counted(made.warnings))
            )
            yield "", shown, gr.update(value=str(made.output), visible=True), *switched(running=False)
        elif view.over:
            yield markup.progress(view), "", gr.update(visible=False), *switched(running=False)
        else:
            yield markup.progress(view), gr.skip(), gr.skip(), *switched(running=True)


def _submit(desk: Desk, visitor: Visitor, values: tuple[Any, ...]) -> Job:
    source, driving = desk.inputs(visitor, Chosen(*values[:_INPUTS]))
    form = _form(desk, visitor, values)
    visitor.tab.cancel(LOOK)  # it would slow the work down
    folder = visitor.tab.new_folder("transfer")
    output = folder / f"{source.stem}_{driving.stem}{form.ending}"
    work = TransferWork(source, driving, output, form.options())
    return desk.submit(visitor, "transfer", work, folder, visitor.tab.expected or _USUAL_SECONDS)


def _counted(warnings: tuple[str, ...]) -> str:
    return "One thing to know" if len(warnings) == 1 else f"{len(warnings)} things to know"
