"""The progress bar: rate and time left, on stderr, and only at a terminal."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from es_hybrid.indexing import Progress
from es_hybrid.texts import counted

_ERROR = re.compile(r"\[(\d{3} \w+)\]")  # as every refusal ends
_SHOWN = 60  # characters of what has no such end


class Bar:
    """Receives progress and remembers how many; draws it where there is a terminal.

    Args:
        drawing: of rich; None draws nothing.
        task: of the drawing.
        title: what is done.
        now: seconds since some moment.
    """

    def __init__(
        self,
        drawing: Any = None,
        task: Any = None,
        *,
        title: str = "",
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.done = 0  # documents so far
        self._drawing = drawing
        self._task = task
        self._title = title
        self._now = now
        self._since: float | None = None  # when the wait for the cluster began

    def update(self, progress: Progress) -> None:
        """Take the newest numbers."""
        self.done = progress.done
        if self._drawing is not None:
            self._drawing.update(
                self._task,
                description=self._doing(progress.waiting),
                completed=progress.position,
                total=progress.size,
                done=progress.done,
            )

    def _doing(self, waiting: str) -> str:
        """What is done, or what is waited for, and how long already."""
        if not waiting:
            self._since = None
            return self._title
        if self._since is None:
            self._since = self._now()
        told = _ERROR.search(waiting)
        why = told[1] if told else waiting[:_SHOWN]
        return f"waiting for the cluster: {why} for {self._now() - self._since:.0f} s"


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
            rate = done / task.elapsed if task.elapsed else 0
            return Text(f"{counted(done, 'document')}, {rate:,.0f}/s")

    doing = TextColumn("{task.description}", markup=False)
    columns = (doing, BarColumn(), Rate(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as drawing:
        yield Bar(drawing, drawing.add_task(title, total=None, done=0), title=title)
