"""Backbones of timm (extra: ``image``): they find pictures by pictures, and read no texts."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from functools import cached_property
from typing import Any

from es_hybrid.embedders.base import EmbedderInfo, pictures_only
from es_hybrid.embedders.spec import written
from es_hybrid.embedders.visual.batches import Precision, check_weights, needed, reading
from es_hybrid.embedders.visual.model import PictureModel
from es_hybrid.errors import EmbedderError
from es_hybrid.vectors import Vectors

_DINOV2 = {
    "vits14": "vit_small_patch14_dinov2.lvd142m",
    "vitb14": "vit_base_patch14_dinov2.lvd142m",
    "vitl14": "vit_large_patch14_dinov2.lvd142m",
    "vitg14": "vit_giant_patch14_dinov2.lvd142m",
    "vits14_reg": "vit_small_patch14_reg4_dinov2.lvd142m",
    "vitb14_reg": "vit_base_patch14_reg4_dinov2.lvd142m",
    "vitl14_reg": "vit_large_patch14_reg4_dinov2.lvd142m",
    "vitg14_reg": "vit_giant_patch14_reg4_dinov2.lvd142m",
}
_SIDE = 224  # pixels; DINOv2 was tuned at 518, five times the work, and made for any multiple of 14


class TimmBackbone(PictureModel):
    """Any model of timm: what it gives before its classifier, pooled as it pools.

    Args:
        name: such as ``"resnet50.a1_in1k"``; what follows the dot says which weights.
        weights: a file of weights for this architecture; None takes timm's own, from the hub.
        size: pixels of the side that it looks at; None takes the model's.
        precision: of the weights.
        device: such as ``"cuda"``; None takes CUDA where there is one.
        batch_size: pictures that are computed together.
    """

    kind = "timm"

    def __init__(
        self,
        name: str,
        *,
        weights: str | None = None,
        size: int | None = None,
        precision: Precision = "float32",
        device: str | None = None,
        batch_size: int = 16,
    ) -> None:
        super().__init__(name, precision=precision, device=device, size=size, batch_size=batch_size)
        self._weights = weights
        self._size = size

    @property
    def architecture(self) -> str:
        """What timm calls it."""
        return self.name

    @cached_property
    def info(self) -> EmbedderInfo:
        """Read from the loaded model."""
        return EmbedderInfo(
            id=self._id,
            dims=self._dims,
            revision=self._revision,
            precision=self._precision,
            pooling="model",
            modality="image",
        )

    @property
    def _dims(self) -> int:
        # Some have a layer between pooling and classifier.
        model = self._model
        return int(getattr(model, "head_hidden_size", None) or model.num_features)

    @property
    def _id(self) -> str:
        return written(self.kind, self.name, weights=self._weights, size=self._size)

    def embed_queries(self, texts: Sequence[str]) -> Vectors:  # noqa: ARG002 - refused
        """Raises EmbedderError: it reads no texts."""
        raise pictures_only(self._id)

    def embed_documents(self, texts: Sequence[str]) -> Vectors:  # noqa: ARG002 - refused
        """Raises EmbedderError: it reads no texts."""
        raise pictures_only(self._id)

    @cached_property
    def _transform(self) -> Any:
        data = needed("timm.data", wanted_by=self._id)
        wanted = {} if self._size is None else {"input_size": (3, self._size, self._size)}
        return data.create_transform(**data.resolve_model_data_config(self._model) | wanted)

    @cached_property
    def _model(self) -> Any:
        timm = needed("timm", wanted_by=self._id)
        if not timm.is_model(self.architecture):
            raise EmbedderError(_unknown(timm, self.architecture))
        with reading(self._id, way_out="name a file with its weights (?weights=FILE)"):
            model = self._loaded(timm)
        return self._ready(model)

    def _loaded(self, timm: Any) -> Any:
        if self._weights is None:
            return timm.create_model(self.architecture, pretrained=True, **self._arguments)
        check_weights(self._weights, of=self._id)
        return self._read(self._bare(timm), self._weights)

    def _bare(self, timm: Any) -> Any:
        """The architecture, with random numbers for weights."""
        return timm.create_model(self.architecture, pretrained=False, **self._arguments)

    def _read(self, model: Any, file: str) -> Any:
        from timm.models import load_checkpoint

        classifier = model.pretrained_cfg.get("classifier") or ()
        heads = (classifier,) if isinstance(classifier, str) else tuple(classifier)
        found = load_checkpoint(model, file, strict=False, weights_only=True)
        if wrong := [*found.missing_keys, *_beside(found.unexpected_keys, heads)]:
            raise EmbedderError(
                f"{file!r} holds weights of another model than {self.architecture} "
                f"({wrong[0]!r} and {len(wrong) - 1} more do not fit): name its own"
            )
        return model

    @property
    def _arguments(self) -> dict[str, Any]:
        return {"num_classes": 0}


class DinoV2(TimmBackbone):
    """DINOv2 (Oquab et al. 2023, arXiv 2304.07193): trained on pictures alone.

    Args:
        name: ``"vits14"`` (384-d), ``"vitb14"`` (768), ``"vitl14"`` (1024), ``"vitg14"`` (1536);
            with ``_reg`` behind it, those with registers.
        weights: a file of weights, timm's or the authors'; None takes those of the hub.
        size: pixels of the side that it looks at, a multiple of 14.
        precision: of the weights.
        device: such as ``"cuda"``; None takes CUDA where there is one.
        batch_size: pictures that are computed together.
    """

    kind = "dinov2"

    def __init__(
        self,
        name: str,
        *,
        weights: str | None = None,
        size: int = _SIDE,
        precision: Precision = "float32",
        device: str | None = None,
        batch_size: int = 16,
    ) -> None:
        if name not in _DINOV2:
            raise EmbedderError(f"dinov2 has no {name!r}: choose one of {', '.join(_DINOV2)}")
        super().__init__(
            name,
            weights=weights,
            size=size,
            precision=precision,
            device=device,
            batch_size=batch_size,
        )

    @property
    def architecture(self) -> str:
        """What timm calls it."""
        return _DINOV2[self.name]

    @property
    def _arguments(self) -> dict[str, Any]:
        return {"num_classes": 0, "img_size": self._size}


def _beside(keys: Sequence[str], heads: tuple[str, ...]) -> list[str]:
    """Weights that are not of the classifier, which is not used."""
    return [key for key in keys if not key.startswith(tuple(f"{head}." for head in heads))]


def _unknown(timm: Any, name: str) -> str:
    near = get_close_matches(name, timm.list_models(), n=5, cutoff=0.4)
    return f"timm has no model {name!r}: near are {', '.join(near) or 'none'}"
