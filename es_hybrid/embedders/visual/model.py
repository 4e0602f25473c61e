"""What models of pictures on torch share: their options, and the way a picture goes into them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from es_hybrid.embedders.base import check_above_zero
from es_hybrid.embedders.torch_models import device_of, dtype, hashed
from es_hybrid.embedders.visual.batches import Precision, in_batches
from es_hybrid.vectors import Vectors

if TYPE_CHECKING:
    from PIL.Image import Image


class PictureModel:
    """A model that is loaded when it is first used.

    What is made of it says how: ``_model`` loads it and ends with `_ready`, ``_transform`` makes a
    tensor of a picture, and `_features` vectors of a batch of them.

    Args:
        name: which model.
        precision: of the weights.
        device: such as ``"cuda"``; None takes CUDA where there is one.
        batch_size: pictures that are computed together.
        more: further options that have to be above 0.
    """

    kind: ClassVar[str]
    _model: Any
    _transform: Any

    def __init__(
        self,
        name: str,
        *,
        precision: Precision,
        device: str | None,
        batch_size: int,
        **more: float | None,
    ) -> None:
        check_above_zero(self.kind, **more, batch_size=batch_size)
        self.name = name
        self._precision: Precision = precision
        self._wanted_device = device
        self._batch_size = batch_size
        self._revision = ""

    def embed_images(self, pictures: Sequence[Image]) -> Vectors:
        """Vectors of RGB pictures, float32, shape (len(pictures), dims)."""
        return in_batches(pictures, self._seen, size=self._batch_size)

    def _seen(self, pictures: list[Image]) -> Any:
        import torch

        batch = torch.stack([self._transform(picture) for picture in pictures])
        return self._features(batch.to(self._device, dtype(self._precision)))

    def _features(self, batch: Any) -> Any:
        """Vectors, shape (pictures, dims), of a tensor of pictures."""
        return self._model(batch)

    def _ready(self, model: Any) -> Any:
        """A loaded model, where it computes; its revision is of the weights as they were read."""
        self._revision = hashed(model)
        return model.eval().to(self._device, dtype(self._precision))

    @cached_property
    def _device(self) -> str:
        return device_of(self._wanted_device)
