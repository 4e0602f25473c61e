"""From pictures with captions to the file of a map."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from es_hybrid.alignment.captions import Captioned
from es_hybrid.alignment.fitting import Alignment, align, owners_of
from es_hybrid.embedders import (
    Embedder,
    PictureEmbedder,
    image_vectors,
    load_embedder,
    query_vectors,
)
from es_hybrid.embedders.visual.aligned import (
    AlignedMap,
    image_probes,
    text_probes,
    write_map,
)
from es_hybrid.errors import RecordError, UsageError
from es_hybrid.pictures.loading import shown
from es_hybrid.vectors import Vectors

if TYPE_CHECKING:
    from PIL.Image import Image

_BATCH = 32  # pictures that are held at once

Counted = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Made:
    """A map that was written.

    Attributes:
        file: of the map; its facts are in FILE.json.
        alignment: how it was chosen, and what it finds.
        captions: how many it was fitted and measured on.
        left_out: pictures that cannot be read, with the reason of each.
    """

    file: Path
    alignment: Alignment
    captions: int
    left_out: dict[str, str]

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "file": str(self.file),
            **_facts(self.alignment, captions=self.captions),
            "left_out": self.left_out,
        }


def make(
    pictures: Sequence[Captioned],
    out: Path,
    *,
    text: str,
    image: str,
    counted: Counted = lambda _done, _all: None,
) -> Made:
    """Embed both sides, fit the map, and write it.

    Args:
        pictures: with their captions.
        out: the file to write; ``.json`` comes beside it.
        text: spec of the text embedder.
        image: spec of the picture embedder.
        counted: is told how many pictures are embedded, of how many.

    Raises:
        UsageError: the embedders are not of both kinds, or there are too few pictures.
        EmbedderError: one of them failed.
    """
    texts, sights = load_embedder(text), load_embedder(image)
    _check_kinds(texts, sights)
    seen = cast(PictureEmbedder, sights)
    left_out: dict[str, str] = {}
    kept, features = _seen(pictures, seen, left_out, counted)
    said = [caption for one in kept for caption in one.captions]
    captions = query_vectors(texts, said)
    found = align(features, captions, owners_of([one.captions for one in kept]))
    facts = _facts(found, captions=len(said))
    for name, spec, embedder in (("text", text, texts), ("image", image, sights)):
        info = embedder.info
        facts[name] = {"spec": spec, "id": info.id, "revision": info.revision, "dims": info.dims}
    chosen = found.fitted
    write_map(
        AlignedMap(
            weights=chosen.weights,
            bias=chosen.bias,
            query_centre=chosen.query_centre,
            text_probes=text_probes(texts),
            image_probes=image_probes(seen),
            facts=facts,
        ),
        out,
    )
    return Made(out, found, len(said), left_out)


def _facts(found: Alignment, *, captions: int) -> dict[str, Any]:
    return {
        "lambda": found.fitted.strength,
        "centred": found.fitted.centred,
        "pairs": found.pairs,
        "held_out": found.held_out,
        "captions": captions,
        "recall": {f"R@{k}": round(value, 4) for k, value in found.recall.items()},
        "recall_of_random_splits": {f"R@{k}": round(value, 4) for k, value in found.mean.items()},
    }


def _check_kinds(text: Embedder, image: Embedder) -> None:
    if text.info.modality != "text":
        raise UsageError(f"--text {text.info.id} is for pictures: name one for texts")
    if image.info.modality != "image":
        raise UsageError(f"--image {image.info.id} is for texts: name one for pictures")


def _seen(
    pictures: Sequence[Captioned],
    embedder: PictureEmbedder,
    left_out: dict[str, str],
    counted: Counted,
) -> tuple[list[Captioned], Vectors]:
    """The pictures that can be read, and their features."""
    kept: list[Captioned] = []
    parts: list[Vectors] = []
    for start in range(0, len(pictures), _BATCH):
        batch = list(_read(pictures[start : start + _BATCH], left_out))
        if batch:
            kept += [one for one, _ in batch]
            parts.append(image_vectors(embedder, [picture for _, picture in batch]))
        counted(min(start + _BATCH, len(pictures)), len(pictures))
    return kept, np.concatenate(parts) if parts else np.zeros((0, 1), np.float32)


def _read(
    pictures: Sequence[Captioned], left_out: dict[str, str]
) -> Iterator[tuple[Captioned, Image]]:
    for one in pictures:
        try:
            yield one, shown(one.file)
        except RecordError as error:
            left_out[one.file.name] = str(error)
