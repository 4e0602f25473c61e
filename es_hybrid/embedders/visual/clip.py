"""CLIP models of open_clip (extra: ``image``): texts and pictures in one space."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Any

from es_hybrid.embedders.base import EmbedderInfo
from es_hybrid.embedders.spec import written
from es_hybrid.embedders.visual.batches import (
    Precision,
    check_weights,
    in_batches,
    needed,
    reading,
)
from es_hybrid.embedders.visual.model import PictureModel
from es_hybrid.errors import EmbedderError
from es_hybrid.vectors import Vectors

_KIND = "open_clip"
_CONFIG = "open_clip_config.json"
_HUB = "hf-hub:"


class OpenClip(PictureModel):
    """CLIP (Radford et al. 2021, arXiv 2103.00020) and its kin, by open_clip.

    Its own preparation of pictures and its own tokenizer come with the model.

    Args:
        name: ``ARCH/PRETRAINED``: an architecture of open_clip, such as ``"ViT-B-32"``, ``"RN50"``
            or ``"xlm-roberta-base-ViT-B-32"``, and one of its tags, such as ``"openai"``, or a file
            of weights; or a folder with ``open_clip_config.json`` and weights, as open_clip saves
            a model; or ``hf-hub:OWNER/MODEL``.
        quick_gelu: whether a file's weights were trained with QuickGELU, as OpenAI's were; tags
            say it themselves.
        precision: of the weights.
        device: such as ``"cuda"``; None takes CUDA where there is one.
        batch_size: pictures or texts that are computed together.
    """

    kind = _KIND

    def __init__(
        self,
        name: str,
        *,
        quick_gelu: bool = False,
        precision: Precision = "float32",
        device: str | None = None,
        batch_size: int = 16,
    ) -> None:
        super().__init__(name, precision=precision, device=device, batch_size=batch_size)
        self._quick_gelu = quick_gelu

    @cached_property
    def info(self) -> EmbedderInfo:
        """Read from the loaded model."""
        model = self._model
        return EmbedderInfo(
            id=self._id,
            dims=self._dims,
            revision=self._revision,
            precision=self._precision,
            pooling="model",
            max_tokens=int(model.context_length),
            modality="image",
        )

    @property
    def logit_scale(self) -> float:
        """By what the model multiplies a cosine before the softmax: 100 for OpenAI's."""
        return float(self._model.logit_scale.detach().exp())

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of texts, float32, shape (len(texts), dims); longer ones are cut."""
        return in_batches(texts, self._read, size=self._batch_size)

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """As queries: captions lie where the pictures do."""
        return self.embed_queries(texts)

    def _features(self, batch: Any) -> Any:
        """Of length 1."""
        return self._model.encode_image(batch, normalize=True)

    def _read(self, texts: list[str]) -> Any:
        tokens = self._tokenizer(texts).to(self._device)
        return self._model.encode_text(tokens, normalize=True)

    @property
    def _id(self) -> str:
        return written(_KIND, self.name, quick_gelu="true" if self._quick_gelu else None)

    @cached_property
    def _dims(self) -> int:
        return int(self.embed_queries(["a"]).shape[-1])

    @cached_property
    def _source(self) -> tuple[str, str | None]:
        """What open_clip calls the model, and the tag or file of its weights.

        Raises:
            EmbedderError: it has no such model or tag, or there is no such folder.
        """
        if self.name.startswith(_HUB):
            return self.name, None
        if Path(self.name).is_dir() or self.name.startswith((".", "/", "~")):
            return _folder(self.name), None
        arch, _, pretrained = self.name.partition("/")
        open_clip = needed("open_clip", wanted_by=self._id)
        if arch not in open_clip.list_models():
            raise EmbedderError(_unknown(open_clip, arch))
        _check_pretrained(open_clip, arch, pretrained)
        return arch, pretrained

    @cached_property
    def _model(self) -> Any:
        name, pretrained = self._source
        open_clip = needed("open_clip", wanted_by=self._id)
        with reading(self._id, way_out="name a file or a folder with its weights"):
            model = self._loaded(open_clip, name, pretrained)
        return self._ready(model)

    def _loaded(self, open_clip: Any, name: str, pretrained: str | None) -> Any:
        tag = open_clip.get_pretrained_cfg(name, pretrained) if pretrained else {}
        return open_clip.create_model(
            name,
            pretrained=pretrained,
            force_quick_gelu=self._quick_gelu or bool(tag.get("quick_gelu")),
            require_pretrained=True,
            weights_only=True,
        )

    @cached_property
    def _transform(self) -> Any:
        from open_clip.transform import PreprocessCfg, image_transform_v2

        wanted = PreprocessCfg(**self._model.visual.preprocess_cfg)
        return image_transform_v2(wanted, is_train=False)

    @cached_property
    def _tokenizer(self) -> Any:
        name, _ = self._source
        with reading(f"the tokenizer of {self._id}", way_out="name a folder that has it"):
            return needed("open_clip", wanted_by=self._id).get_tokenizer(name)


def _folder(name: str) -> str:
    folder = Path(name).expanduser()
    if not (folder / _CONFIG).is_file():
        raise EmbedderError(
            f"{name!r} is no folder with an open_clip model (it has no {_CONFIG}): name the folder "
            "that one was saved in"
        )
    files = [file.suffix for file in folder.iterdir()]
    if ".safetensors" not in files and ".bin" not in files and ".pth" not in files:
        raise EmbedderError(f"the folder {name!r} has no weights: put its .safetensors there")
    return f"local-dir:{folder}"


def _unknown(open_clip: Any, arch: str) -> str:
    known = open_clip.list_models()
    near = get_close_matches(arch, known, n=5, cutoff=0.4) or known[:5]
    return f"open_clip has no architecture {arch!r}: near are {', '.join(near)}"


def _check_pretrained(open_clip: Any, arch: str, pretrained: str) -> None:
    tags = open_clip.list_pretrained_tags_by_model(arch)
    if pretrained in tags:
        return
    if "/" in pretrained or Path(pretrained).suffix:
        check_weights(pretrained, of=f"{_KIND}:{arch}")
        return
    known = f"one of {', '.join(tags)}, or " if tags else ""
    said = f"has no weights {pretrained!r}" if pretrained else "needs weights"
    raise EmbedderError(
        f"open_clip's {arch} {said}: write {_KIND}:{arch}/WEIGHTS with {known}a file of weights"
    )
