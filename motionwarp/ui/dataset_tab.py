"""The tab for data sets: a queue of many photos with many clips."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from motionwarp.datasets.options import ClipOptions
from motionwarp.errors import MotionwarpError
from motionwarp.ui import markup
from motionwarp.ui.dataset_queue import DatasetQueue
from motionwarp.ui.desk import Desk, Visitor
from motionwarp.ui.form import SIZES, TransferForm, engine_labels
from motionwarp.ui.work import DatasetWork

_EVERY_SECONDS = 1.0
_BACKGROUNDS = [("The photo's place", "source"), ("The clip's place", "driving")]


def build(desk: Desk) -> None:
    """Add the tab to the page that is built."""
    import gradio as gr

    with gr.Row():
        people = gr.File(
            label="Photos of people", file_count="multiple", file_types=["image"], height=160, elem_id="mw-set-people"
        )
        motions = gr.File(
            label="Clips with motions", file_count="multiple", file_types=["video", ".gif"], height=160,
            elem_id="mw-set-motions",
        )  # fmt: skip
    with gr.Row():
        name = gr.Textbox(value="set-1", label="Name", elem_id="mw-set-name", min_width=120)
        pairs = gr.Textbox(
            value="all", label="Who gets which motion", info="all, or random:N", elem_id="mw-set-pairs", min_width=120
        )
        engine = gr.Dropdown(engine_labels(), value="auto", label="Engine", min_width=200)
        background = gr.Dropdown(_BACKGROUNDS, value="source", label="Background", min_width=200)
        size = gr.Dropdown(list(SIZES), value="512", label="Long side", min_width=120, elem_id="mw-set-size")
    add = gr.Button("Add to the queue", variant="primary", elem_id="mw-set-add")
    told = gr.HTML(elem_id="mw-set-told")
    table = gr.HTML(markup.queue_table([]), elem_id="mw-set-queue")
    with gr.Row():
        chosen = gr.Dropdown([], label="Of the queue", elem_id="mw-set-chosen", min_width=160)
        stop = gr.Button("Stop", elem_id="mw-set-stop", min_width=80)
        resume = gr.Button("Resume", elem_id="mw-set-resume", min_width=80)
        remove = gr.Button("Remove", variant="stop", elem_id="mw-set-remove", min_width=80)
        pack = gr.Button("Pack as .zip", elem_id="mw-set-pack", min_width=100)
        download = gr.DownloadButton("Download", visible=False, elem_id="mw-set-download", min_width=100)
    timer = gr.Timer(_EVERY_SECONDS, active=False)

    def queue(visitor: Visitor) -> DatasetQueue:
        return DatasetQueue(desk.jobs, visitor.tab.folder, visitor.tab.sets)

    def shown(visitor: Visitor, said: str = "", choose: str | None = None) -> tuple[Any, ...]:
        names = list(visitor.tab.sets)
        value = choose if choose in names else (names[-1] if names else None)
        return (
            said,
            markup.queue_table(queue(visitor).rows()),
            gr.update(choices=names, value=value),
            gr.update(active=bool(names)),
            gr.update(visible=False),
        )

    def added(
        visitor: Visitor, photos: list[str] | None, clips: list[str] | None, word: str, who: str, *look: str
    ) -> tuple[Any, ...]:
        try:
            chosen_engine, behind, long_side = look
            own = [[desk.sessions.own(visitor.key, path) for path in paths or ()] for paths in (photos, clips)]
            ClipOptions(pairs=who)
            options = TransferForm(engine=chosen_engine, background=behind, size=long_side, audio=False).options()
            none = Path()
            with visitor.tab.beginning():
                queued = queue(visitor).add(word, own[0], own[1], DatasetWork(none, none, none, who, options))
        except MotionwarpError as error:
            return shown(visitor, markup.note(markup.sentence_of(error), "bad"))
        return shown(visitor, choose=queued.name)

    def changed(change: Callable[[DatasetQueue, str], None]) -> Any:
        def handled(visitor: Visitor, word: str | None) -> tuple[Any, ...]:
            try:
                with visitor.tab.beginning():
                    change(queue(visitor), word or "")
            except MotionwarpError as error:
                return shown(visitor, markup.note(markup.sentence_of(error), "bad"), choose=word)
            return shown(visitor, choose=word)

        return desk.handler(handled)

    def packed(visitor: Visitor, word: str | None) -> tuple[Any, Any]:
        try:
            path = queue(visitor).packed(word or "")
        except MotionwarpError as error:
            return markup.note(markup.sentence_of(error), "bad"), gr.update(visible=False)
        return "", gr.update(value=str(path), label=f"Download {path.name}", visible=True)

    outputs = [told, table, chosen, timer, download]
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": None}
    add.click(desk.handler(added), [people, motions, name, pairs, engine, background, size], outputs, **quiet)
    for button, change in ((stop, DatasetQueue.stop), (resume, DatasetQueue.resume), (remove, DatasetQueue.remove)):
        button.click(changed(change), chosen, outputs, **quiet)
    pack.click(desk.handler(packed), chosen, [told, download], **quiet)
    timer.tick(desk.handler(lambda visitor: markup.queue_table(queue(visitor).rows())), None, table, **quiet)
