"""Embedding pictures: the next batch is decoded while the model computes the one before.

A picture that cannot be decoded, or that was changed since its record was made, is set aside; the
others of its batch are embedded.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from xxhash import xxh3_128_hexdigest

from es_hybrid.documents import Document
from es_hybrid.embedders import PictureEmbedder, image_vectors
from es_hybrid.errors import RecordError
from es_hybrid.indexing.embedding import Embedded, checked_vectors
from es_hybrid.pictures import file_bytes, shown, thumbnail

if TYPE_CHECKING:
    from PIL.Image import Image

# Some 2 MB a picture as models are shown them, and two batches in memory.
BATCH = 32

# Pillow decodes without holding up other threads; each may hold one picture of a camera's size.
_DECODERS = min(4, os.cpu_count() or 1)


@dataclass(slots=True)
class _Decoded:
    document: Document
    picture: Image | None = None
    thumbnail: str = ""
    fault: str = ""


def embedded_pictures(
    embedder: PictureEmbedder, documents: Sequence[Document], *, scaled: bool = True
) -> Iterator[Embedded]:
    """Embed the pictures of all documents; each comes back exactly once, with its thumbnail.

    Args:
        embedder: makes the vectors.
        documents: with pictures, no id twice, and none that came with a vector.
        scaled: whether vectors are brought to length 1.

    Raises:
        EmbedderUnavailable: a service is down, which no picture is to blame for.
    """
    see = partial(image_vectors, embedder)
    for batch in _batches(documents):
        good = [one for one in batch if one.picture is not None]
        for one in batch:
            if one.picture is None:
                yield Embedded(one.document, fault=one.fault, error=RecordError.__name__)
        if not good:
            continue
        pictures = [one.picture for one in good if one.picture is not None]
        vectors = checked_vectors(see, pictures, maker=embedder.info.id, scaled=scaled)
        for one, vector in zip(good, vectors, strict=True):
            if vector.fault is not None:
                yield Embedded(one.document, fault=vector.fault)
            else:
                yield Embedded(one.document, [vector], thumbnail=one.thumbnail)


def _batches(documents: Sequence[Document]) -> Iterator[list[_Decoded]]:
    """Decoded pictures; while one batch is out, the next is being decoded."""
    starts = range(0, len(documents), BATCH)
    with ThreadPoolExecutor(_DECODERS, thread_name_prefix="es_hybrid-decode") as pool:
        waiting: list[Future[_Decoded]] = []
        try:
            for start in (*starts, None):
                ready, waiting = waiting, []
                if start is not None:
                    some = documents[start : start + BATCH]
                    waiting = [pool.submit(_decoded, one) for one in some]
                if ready:
                    yield [one.result() for one in ready]
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _decoded(document: Document) -> _Decoded:
    if document.picture is None:
        return _Decoded(document, fault="there is no picture to embed")
    try:
        data = file_bytes(document.picture.path)
        if xxh3_128_hexdigest(data) != document.picture.hash:
            raise RecordError("the picture was changed while it was indexed: run it again")
        picture = shown(data)
        return _Decoded(document, picture, thumbnail(picture))
    except RecordError as error:
        return _Decoded(document, fault=str(error))
