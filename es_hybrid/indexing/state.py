"""Where a run keeps its notes on this machine, one set for each cluster and name."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from elasticsearch import Elasticsearch

from es_hybrid.client import path, request
from es_hybrid.errors import StateError

_NOT_TOLD = (400, 403, 404, 405, 410)  # too few rights, or no such request, as on serverless
_SHOWN = 60  # characters of the name in a file's name


def state_folder() -> Path:
    """``$XDG_STATE_HOME/es-hybrid``, by default in ``~/.local/state``.

    https://specifications.freedesktop.org/basedir-spec/latest/: what is kept between runs, and is
    neither important nor portable enough for the user's data. A relative path is to be ignored.
    """
    named = Path(os.environ.get("XDG_STATE_HOME", ""))
    return (named if named.is_absolute() else Path.home() / ".local" / "state") / "es-hybrid"


@dataclass(frozen=True, slots=True)
class Places:
    """The files that hold the notes of all runs that write to `name`.

    Attributes:
        folder: where they lie; it is made when it is needed.
        cluster: what tells the cluster from others.
        name: the alias that is written through.
    """

    folder: Path
    cluster: str
    name: str

    @property
    def lock(self) -> Path:
        """Held as long as a run lasts."""
        return self._file("lock")

    def journal(self, files: Sequence[str]) -> Path:
        """What a run has settled that reads these files."""
        return self._file("journal.json", *(str(Path(file).resolve()) for file in files))

    def _file(self, ending: str, *more: str) -> Path:
        shown = re.sub(r"[^\w.-]+", "_", self.name, flags=re.ASCII)[:_SHOWN]
        key = "\0".join((self.cluster, self.name, *more)).encode(errors="surrogateescape")
        return self.folder / f"{shown}-{blake2b(key, digest_size=8).hexdigest()}.{ending}"


def unwritable(folder: Path, error: OSError) -> StateError:
    """What cannot be noted, and what to do about it."""
    return StateError(
        f"cannot keep the notes of this run in {str(folder)!r} ({error.strerror}): make room, or "
        "set XDG_STATE_HOME to a folder that can be written; the same command then goes on"
    )


def cluster_of(client: Elasticsearch) -> str:
    """The id of the cluster; its addresses where it does not tell."""
    told = request(
        client,
        "GET",
        path("_cluster", "state", "version"),
        params={"filter_path": "cluster_uuid"},
        ok=_NOT_TOLD,
    )
    uuid = told.get("cluster_uuid") if isinstance(told, dict) else None
    return str(uuid or sorted(node.base_url for node in client.transport.node_pool.all()))


def index_id(client: Elasticsearch, index: str) -> str | None:
    """What tells the index from an earlier one of its name; None where that is not told."""
    told = request(
        client,
        "GET",
        path(index, "_settings"),
        params={"filter_path": "*.settings.index.uuid"},
        ok=_NOT_TOLD,
    )
    try:
        return str(told[index]["settings"]["index"]["uuid"])
    except (KeyError, TypeError):
        return None
