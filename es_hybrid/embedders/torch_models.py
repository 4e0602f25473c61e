"""What embedders on torch share: how weights are read, and which version they are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from logging import ERROR, getLogger
from pickle import UnpicklingError
from typing import Any, Literal

from es_hybrid.errors import EmbedderError

Weights = Literal["safetensors", "bin"]

_HEAD = "pooler."  # above the token vectors; random where a model was saved without it
_LOUD = ("transformers", "sentence_transformers")
_REVISION = 12  # hexadecimal digits of a hash, as version control shows them


def weight_arguments(weights: Weights) -> dict[str, Any]:
    """Arguments of ``from_pretrained``: no file is read that could run code when it is loaded."""
    return {"use_safetensors": True} if weights == "safetensors" else {"weights_only": True}


def dtype(precision: str) -> Any:
    """Torch's own name of a precision such as ``"float32"``."""
    import torch

    return getattr(torch, precision)


def device_of(wanted: str | None) -> str:
    """The device that is wanted; None takes CUDA where there is one."""
    import torch

    return wanted or ("cuda" if torch.cuda.is_available() else "cpu")


@contextmanager
def loading(name: str, *, library: str) -> Iterator[None]:
    """While a model is loaded: its faults in our words, no progress bar among others' lines.

    Raises:
        EmbedderError: it is not there, or its weights may not be read.
    """
    try:
        with _quiet():
            yield
    except UnpicklingError as error:
        raise EmbedderError(
            f"the weights of {name!r} hold more than weights ({_blocked(error)}), which could run "
            "code: save the model as safetensors where it is trusted"
        ) from error
    except (OSError, ValueError) as error:
        why = str(error).splitlines()[0]
        raise EmbedderError(
            f"{name!r} is neither a folder with a {library} model nor a name the hub gives: {why}"
            f"{_PICKLED if 'safetensors' in why else ''}"
        ) from error


_PICKLED = (
    "; save the model as safetensors, or let .bin files be read as mere weights with ?weights=bin"
)


def _blocked(error: UnpicklingError) -> str:
    lines = [line for line in str(error).splitlines() if "GLOBAL" in line]
    return lines[0].strip() if lines else "it cannot be read with weights_only"


@contextmanager
def _quiet() -> Iterator[None]:
    """No progress bar, and no word of weights that the pooling here does not use."""
    from transformers.utils import logging as untyped

    bars: Any = untyped
    loggers = [getLogger(name) for name in _LOUD]
    levels, shown = [one.level for one in loggers], bars.is_progress_bar_enabled()
    for one in loggers:
        one.setLevel(ERROR)
    bars.disable_progress_bar()
    try:
        yield
    finally:
        for one, level in zip(loggers, levels, strict=True):
            one.setLevel(level)
        if shown:
            bars.enable_progress_bar()


def revision(model: Any) -> str:
    """The commit of the hub that the weights came from, else a hash of them."""
    inner = getattr(model, "auto_model", model)
    commit = getattr(getattr(inner, "config", None), "_commit_hash", None)
    return str(commit) if commit else hashed(inner)


def hashed(model: Any) -> str:
    """A hash of a model's weights that is short enough to be shown."""
    return f"sha256:{weights_hash(model)[:_REVISION]}"


def weights_hash(model: Any) -> str:
    """SHA-256 of the names and numbers of all parameters that token vectors depend on."""
    total = sha256()
    for name, values in sorted(model.state_dict().items()):
        if name.startswith(_HEAD):
            continue
        total.update(name.encode())
        total.update(values.detach().cpu().contiguous().float().numpy().tobytes())
    return total.hexdigest()
