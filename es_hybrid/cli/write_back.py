"""What ``anomalies`` and ``clusters`` share: what they find can go into the documents."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from es_hybrid.cli.output import interruptible, say

if TYPE_CHECKING:
    from es_hybrid.indexing import Progress

DryRun = Annotated[
    bool, typer.Option("--dry-run", help="With --write-back: check all, write nothing.")
]
Forget = Annotated[
    bool, typer.Option("--forget", help="New documents are left alone from now on; nothing else.")
]


def forget_field(client: Any, name: str, field: str) -> None:
    """Leave new documents alone from now on, and say so."""
    from es_hybrid.write_back import detach

    detach(client, name, field)
    say(
        f"new documents of {name} get no {field} any more; what was written stays. "
        "es-hybrid models prune deletes models that no index uses"
    )


@contextmanager
def writing(command: str, name: str, *, wanted: bool) -> Iterator[Callable[[Progress], None]]:
    """What to tell progress to, while `command` looks at an index and writes into it.

    Args:
        command: as it is typed; with ``--write-back`` it needs more rights.
        name: of the index, or an alias of it.
        wanted: whether ``--write-back`` was given; only then is there a bar.

    Raises:
        AccessDenied: the credentials have too few rights; it says which key has them.
        Interrupted: Ctrl-C; it says whether anything was written.
    """
    from es_hybrid.cli.progress import progress_bar
    from es_hybrid.existing.rights import needed
    from es_hybrid.fitted import MODELS_INDEX

    job, on = (f"{command} --write-back", (name, MODELS_INDEX)) if wanted else (command, (name,))
    shown = wanted and sys.stderr.isatty()
    with (
        needed(job, *on),
        progress_bar("writing", shown=shown) as bar,
        interruptible(lambda: _interrupted(bar.done)),
    ):
        yield bar.update


def _interrupted(done: int) -> str:
    return (
        f"interrupted after {done:,} documents were written to: run the same command again"
        if done
        else "interrupted: nothing was written to any document"
    )
