"""Pictures in the space of a text embedder, by a linear map that was fitted on captions.

No CLIP: both models stay as they are, and a matrix leads from the features of one to the vectors
of the other. With a multilingual text embedder queries may come in any of its languages.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from es_hybrid.embedders.base import (
    Embedder,
    EmbedderInfo,
    PictureEmbedder,
    document_vectors,
    image_vectors,
    query_vectors,
)
from es_hybrid.embedders.visual.batches import needed
from es_hybrid.errors import EmbedderError, UsageError
from es_hybrid.pictures import probe_pictures
from es_hybrid.vectors import Vectors, unit

if TYPE_CHECKING:
    from PIL.Image import Image

_KIND = "aligned"
_FORMAT = "es_hybrid aligned 1"
# What the parts are proven by, as a contract proves an embedder: the same weights agree to 0.98.
_PROBE_TEXTS = ("A ship crossed the stormy sea at night.", "서울의 봄에는 벚꽃이 핀다.")
_SAME = 0.97
_ARRAYS = ("weights", "bias", "query_centre", "text_probes", "image_probes")

Load = Callable[[str], Embedder]


@dataclass(frozen=True, slots=True)
class AlignedMap:
    """A linear map from picture features to the space of a text embedder.

    Attributes:
        weights: float32, shape (features, dims).
        bias: float32, shape (dims,).
        query_centre: float32, shape (dims,): taken off a query's unit vector.
        text_probes: float32: unit vectors of probe texts, by the text embedder.
        image_probes: float32: unit vectors of `probe_pictures`, by the picture embedder.
        facts: what the file beside it says: specs, revisions, and how well it finds.
    """

    weights: Vectors
    bias: Vectors
    query_centre: Vectors
    text_probes: Vectors
    image_probes: Vectors
    facts: dict[str, Any]

    def pictures(self, features: Vectors) -> Vectors:
        """Unit features, shape (n, features), as vectors of shape (n, dims)."""
        mapped: Vectors = features @ self.weights + self.bias
        return mapped

    def queries(self, vectors: Vectors) -> Vectors:
        """Unit vectors of texts without what all texts have in common."""
        centred: Vectors = vectors - self.query_centre
        return centred


class Aligned:
    """Texts and pictures in one space, by two embedders and a map that ``es-hybrid align`` made.

    Args:
        name: the map's file; or ``TEXT+IMAGE``, specs of both embedders, which are checked.
        map: the map's file, where `name` says the embedders.
    """

    def __init__(self, name: str, *, map: str | None = None) -> None:  # noqa: A002 - as specs say
        text, plus, image = name.rpartition("+")
        if map is not None and not (text and plus and image):
            raise UsageError(f"aligned:{name}?map={map}: name both, as aligned:TEXT+IMAGE?map=FILE")
        self.file = Path(map or name)
        self._wanted = (text, image) if map is not None else None
        self._load: Load | None = None

    def compose(self, load: Load) -> None:
        """Take what loads the two embedders."""
        self._load = load

    @cached_property
    def info(self) -> EmbedderInfo:
        """The map's hash is the revision; the dimensions are the text embedder's."""
        text = self._parts[0].info
        return EmbedderInfo(
            id=f"{_KIND}:{self.file}",
            dims=len(self._map.bias),
            revision=f"sha256:{_hash(self._map)[:12]}",
            precision="float32",
            pooling="model",
            query_prefix=text.query_prefix,
            document_prefix=text.query_prefix,
            max_tokens=text.max_tokens,
            modality="image",
        )

    def embed_images(self, pictures: Sequence[Image]) -> Vectors:
        """Mapped features of RGB pictures, float32, shape (len(pictures), dims)."""
        features = unit(image_vectors(self._parts[1], pictures)).vectors
        return self._map.pictures(features)

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Centred vectors of texts, float32, shape (len(texts), dims)."""
        return self._map.queries(unit(query_vectors(self._parts[0], texts)).vectors)

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """As queries: captions lie where the pictures do."""
        return self.embed_queries(texts)

    @cached_property
    def _map(self) -> AlignedMap:
        return read_map(self.file)

    @cached_property
    def _parts(self) -> tuple[Embedder, PictureEmbedder]:
        if self._load is None:
            raise EmbedderError("load it by es_hybrid.embedders.load_embedder, or give compose()")
        facts = self._map.facts
        specs = facts["text"]["spec"], facts["image"]["spec"]
        if self._wanted not in (None, specs):
            raise EmbedderError(
                f"the map {str(self.file)!r} was fitted for {specs[0]}+{specs[1]}, not for "
                f"{'+'.join(self._wanted or ())}: name those, or fit one with es-hybrid align"
            )
        text, image = self._load(specs[0]), cast(PictureEmbedder, self._load(specs[1]))
        _check_same(text.info.id, text_probes(text), self._map.text_probes)
        _check_same(image.info.id, image_probes(image), self._map.image_probes)
        return text, image


def text_probes(embedder: Embedder) -> Vectors:
    """Unit vectors that prove a text embedder, float32, shape (2, dims)."""
    return unit(document_vectors(embedder, _PROBE_TEXTS)).vectors


def image_probes(embedder: PictureEmbedder) -> Vectors:
    """Unit vectors that prove a picture embedder, float32, shape (3, features)."""
    return unit(image_vectors(embedder, probe_pictures())).vectors


def write_map(made: AlignedMap, file: Path) -> None:
    """Write the numbers as safetensors, and what they are as JSON beside it.

    Raises:
        EmbedderError: safetensors is not installed.
    """
    package = needed("safetensors.numpy", wanted_by="an aligned map")
    arrays = {name: np.ascontiguousarray(getattr(made, name), np.float32) for name in _ARRAYS}
    file.write_bytes(package.save(arrays))
    facts = json.dumps({"format": _FORMAT} | made.facts, ensure_ascii=False, indent=2)
    beside(file).write_text(facts + "\n", "utf-8")


def read_map(file: Path) -> AlignedMap:
    """Read a map and check that its parts fit together.

    Raises:
        EmbedderError: one of both files is missing, damaged, or of another format.
    """
    package = needed("safetensors.numpy", wanted_by=f"{_KIND}:{file}")
    try:
        facts = json.loads(beside(file).read_text("utf-8"))
        made = AlignedMap(**package.load(file.read_bytes()), facts=facts)
        _check_map(made)
    except Exception as error:  # the library raises its own kinds, which have no public name
        raise EmbedderError(
            f"{str(file)!r} is no map of es-hybrid align with its .json beside it "
            f"({str(error)[:200]}): make one, or check the path"
        ) from error
    return made


def beside(file: Path) -> Path:
    """The file with the facts.

    >>> beside(Path("photos.map")).name
    'photos.map.json'
    """
    return file.with_name(f"{file.name}.json")


def _check_map(made: AlignedMap) -> None:
    if made.facts.get("format") != _FORMAT:
        raise ValueError(f"format {made.facts.get('format')!r}, not {_FORMAT!r}")
    for part in ("text", "image"):
        if not isinstance(made.facts[part]["spec"], str):
            raise TypeError(f"{part} has no spec")
    features, dims = made.weights.shape
    shapes: dict[str, tuple[int, ...]] = {"bias": (dims,), "query_centre": (dims,)}
    shapes |= {"image_probes": (len(probe_pictures()), features)}
    shapes |= {"text_probes": (len(_PROBE_TEXTS), dims)}
    for name, shape in shapes.items():
        if getattr(made, name).shape != shape:
            raise ValueError(f"{name} of shape {getattr(made, name).shape}, not {shape}")
    if not all(np.isfinite(getattr(made, name)).all() for name in _ARRAYS):
        raise ValueError("numbers that are not finite")


def _check_same(name: str, ours: Vectors, theirs: Vectors) -> None:
    same = ours.shape == theirs.shape
    if not same or float(np.einsum("ij,ij->i", ours, unit(theirs).vectors).min()) < _SAME:
        raise EmbedderError(
            f"{name} is another model than the one that the map was fitted with: fit it anew with "
            "es-hybrid align"
        )


def _hash(made: AlignedMap) -> str:
    total = sha256()
    for name, values in asdict(made).items():
        if name in ("weights", "bias", "query_centre"):
            total.update(values.tobytes())
    return total.hexdigest()
