"""The progress bar: rate and time left, on stderr, and only at a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from es_hybrid.indexing import Progress


class Bar:
    """Receives progress and remembers the last; draws it where there is a terminal."""

    def __init__(self, drawing: Any = None, task: Any = None) -> None:
        self.last: Progress | None = None
        self._drawing = drawing
        self._task = task

    def update(self, progress: Progress) -> None:
        """Take the newest numbers."""
        self.last = progress
        if self._drawing is not None:
            self._drawing.update(
                self._task,
                completed=progress.position,
                total=progress.size,
                done=progress.done,
            )


@contextmanager
def progress_bar(title: str, *, shown: bool) -> Iterator[Bar]:
    """A bar that goes by the bytes of the source and counts documents beside them."""
    if not shown:
        yield Bar()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Any) -> Text:
            done = task.fields.get("done", 0)
            return Text(f"{done:,} documents, {done / task.elapsed if task.elapsed else 0:,.0f}/s")

    columns = (TextColumn("{task.description}"), BarColumn(), Rate(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as drawing:
        yield Bar(drawing, drawing.add_task(title, total=None, done=0))
