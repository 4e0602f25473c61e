"""Pictures in folders named for their labels, embedded by several embedders."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np

from es_hybrid.comparison.measured import Separation, separation
from es_hybrid.embedders import PictureEmbedder, image_vectors, load_embedder
from es_hybrid.errors import EmbedderError, RecordError, SourceError, UsageError
from es_hybrid.pictures import SUFFIXES
from es_hybrid.pictures.loading import shown
from es_hybrid.vectors import Vectors, unusable

if TYPE_CHECKING:
    from PIL.Image import Image

_BATCH = 32  # pictures that are held at once
_FLOAT = 4  # bytes
_MILLION = 1_000_000

Counted = Callable[[int, int], None]


class Labelled(NamedTuple):
    """A picture's file, and the folder that it is in."""

    file: Path
    label: str


@dataclass(frozen=True, slots=True)
class Compared:
    """One embedder.

    Attributes:
        name: its spec.
        dims: of its vectors.
        megabytes: that a million of its vectors take as float32, in MB.
        per_second: pictures that it embedded in a second here, decoding included.
        separation: how well it keeps the labels apart.
    """

    name: str
    dims: int
    megabytes: float
    per_second: float
    separation: Separation


@dataclass(frozen=True, slots=True)
class Comparison:
    """Several embedders on the same pictures.

    Attributes:
        pictures: how many were compared.
        labels: label -> its pictures.
        embedders: in the order in which they were named.
        left_out: file -> why it was left out.
    """

    pictures: int
    labels: dict[str, int]
    embedders: tuple[Compared, ...]
    left_out: dict[str, str]

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def labelled(folder: Path) -> list[Labelled]:
    """The pictures in the folders of a folder, by name.

    Raises:
        SourceError: it is none, or has not two folders with pictures.
    """
    if not folder.is_dir():
        raise SourceError(f"{str(folder)!r} is no folder: name one with a folder for each label")
    found = [
        Labelled(file, inner.name)
        for inner in sorted(folder.iterdir())
        if inner.is_dir()
        for file in sorted(inner.rglob("*"))
        if file.suffix.lower() in SUFFIXES
    ]
    if len({one.label for one in found}) < 2:
        raise SourceError(
            f"{str(folder)!r} needs two folders with pictures at least: each is named for a label"
        )
    return found


def compare(
    pictures: Sequence[Labelled],
    specs: Sequence[str],
    *,
    counted: Counted = lambda _done, _all: None,
) -> Comparison:
    """Embed all pictures by each embedder, and measure how well it keeps the labels apart.

    A label with one readable picture is left out, as nothing could find it.

    Args:
        pictures: with their labels.
        specs: of embedders for pictures.
        counted: is told how many pictures are embedded, of how many.

    Raises:
        UsageError: a label is missing, or an embedder is not for pictures.
        EmbedderError: an embedder failed.
    """
    good, left_out = _readable(pictures)
    if len({one.label for one in good}) < 2:
        raise UsageError("fewer than two labels have two readable pictures: add some")
    embedders = [(spec, _for_pictures(spec)) for spec in specs]
    made = []
    for at, (spec, embedder) in enumerate(embedders):
        told = partial(_tell, counted, before=at * len(good), total=len(embedders) * len(good))
        made.append(_compared(spec, embedder, good, told))
    return Comparison(len(good), _counts(good), tuple(made), left_out)


def _tell(counted: Counted, done: int, *, before: int, total: int) -> None:
    counted(before + done, total)


def _for_pictures(spec: str) -> PictureEmbedder:
    embedder = load_embedder(spec)
    if embedder.info.modality != "image":
        raise UsageError(f"embedder {spec!r} is for texts: name some for pictures")
    return cast(PictureEmbedder, embedder)


def _readable(pictures: Sequence[Labelled]) -> tuple[list[Labelled], dict[str, str]]:
    left_out: dict[str, str] = {}
    good: list[Labelled] = []
    for one in pictures:
        try:
            shown(one.file)
        except RecordError as error:
            left_out[str(one.file)] = str(error)
        else:
            good.append(one)
    alone = {label for label, count in _counts(good).items() if count < 2}
    left_out |= {str(one.file): "alone with its label" for one in good if one.label in alone}
    return [one for one in good if one.label not in alone], left_out


def _counts(pictures: Sequence[Labelled]) -> dict[str, int]:
    labels = [one.label for one in pictures]
    return {label: labels.count(label) for label in dict.fromkeys(labels)}


def _compared(
    spec: str, embedder: PictureEmbedder, pictures: Sequence[Labelled], told: Callable[[int], None]
) -> Compared:
    dims = embedder.info.dims  # loads the model, which is not timed
    began = perf_counter()
    vectors = np.concatenate(list(_embedded(embedder, pictures, told)))
    seconds = perf_counter() - began
    if faults := unusable(vectors):
        row, why = next(iter(faults.items()))
        raise EmbedderError(f"{spec} gave {why} for {str(pictures[row].file)!r}: leave it out")
    return Compared(
        name=spec,
        dims=dims,
        megabytes=dims * _FLOAT * _MILLION / 1e6,
        per_second=round(len(pictures) / seconds, 1),
        separation=separation(vectors, [one.label for one in pictures]),
    )


def _embedded(
    embedder: PictureEmbedder, pictures: Sequence[Labelled], told: Callable[[int], None]
) -> Iterator[Vectors]:
    for start in range(0, len(pictures), _BATCH):
        batch: list[Image] = [shown(one.file) for one in pictures[start : start + _BATCH]]
        yield image_vectors(embedder, batch)
        told(start + len(batch))
