"""The encoder of a sentence-transformers model on ONNX Runtime (extra: ``onnx``).

A graph that the model ships as ``onnx/model.onnx`` is used as it is; otherwise the encoder is
exported once and kept in ``$XDG_CACHE_HOME/es-hybrid/onnx``. In 8 bits the products of matrices are
quantised while they run, weights channel by channel; prompts, pooling and whatever follows stay
what they are in sentence-transformers.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from es_hybrid.embedders.base import library
from es_hybrid.embedders.torch_models import weights_hash
from es_hybrid.errors import EmbedderError

_KIND = "backend=onnx"
_INPUTS = ("input_ids", "attention_mask", "token_type_ids")
_HIDDEN = ("last_hidden_state", "token_embeddings")  # as exporters call the token vectors
_EXAMPLE = ("one", "a longer text of several words")  # its sizes are not kept in the graph


def run_on_onnx(model: Any, *, int8: bool) -> None:
    """Put a session of ONNX Runtime where a sentence-transformers model has its encoder.

    Raises:
        EmbedderError: the encoder cannot be exported, or a package is missing.
    """
    onnxruntime = library("onnxruntime", extra="onnx", wanted_by=_KIND)
    transformer = model[0]
    encoder = transformer.auto_model
    example = model.tokenizer(list(_EXAMPLE), padding=True, return_tensors="pt")
    inputs = {name: example[name] for name in _INPUTS if name in example}
    graph = _graph(encoder, inputs, shipped=_shipped(encoder), int8=int8)
    session = onnxruntime.InferenceSession(str(graph), providers=["CPUExecutionProvider"])
    # sentence-transformers 6 renamed it; the older name reads the newer one there.
    place = "model" if "model" in dict(transformer.named_children()) else "auto_model"
    setattr(transformer, place, _module(session, encoder))


def _shipped(encoder: Any) -> Path | None:
    """The graph beside the weights, where they lie in a folder."""
    graph = Path(encoder.config._name_or_path) / "onnx" / "model.onnx"
    return graph if graph.is_file() else None


def _graph(encoder: Any, inputs: Mapping[str, Any], *, shipped: Path | None, int8: bool) -> Path:
    """The file with the graph, which is made if it is not there yet."""
    made_by = f"torch-{version('torch')}-transformers-{version('transformers')}"
    stem = f"{weights_hash(encoder)[:16]}-{made_by}"
    whole = shipped or _kept(f"{stem}.onnx", lambda file: _export(encoder, inputs, file))
    if not int8:
        return whole
    origin = f"{stem}-shipped" if shipped else stem
    made_with = f"int8-onnxruntime-{version('onnxruntime')}"
    return _kept(f"{origin}-{made_with}.onnx", lambda file: _quantise(whole, file))


def _kept(name: str, make: Callable[[Path], None]) -> Path:
    """The file of this name in the cache; it appears there whole or not at all."""
    folder = cache_folder()
    file = folder / name
    if not file.exists():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with TemporaryDirectory(dir=folder) as scratch:
                make(Path(scratch) / name)
                (Path(scratch) / name).replace(file)
        except OSError as error:
            raise EmbedderError(
                f"the ONNX graph cannot be kept in {str(folder)!r} ({error.strerror or error}): "
                "make room, or set XDG_CACHE_HOME to a folder that can be written"
            ) from error
    return file


def cache_folder() -> Path:
    """``$XDG_CACHE_HOME/es-hybrid/onnx``, by default in ``~/.cache``.

    https://specifications.freedesktop.org/basedir-spec/latest/
    """
    named = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (named if named.is_absolute() else Path.home() / ".cache") / "es-hybrid" / "onnx"


def _token_vectors(encoder: Any, names: Sequence[str]) -> Any:
    """The encoder as a module that takes these inputs in turn; its only output: token vectors."""
    import torch

    class TokenVectors(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder = encoder

        def forward(self, *values: Any) -> Any:
            given = dict(zip(names, values, strict=True))
            return self.encoder(**given, return_dict=True).last_hidden_state

    return TokenVectors().eval()


def _export(encoder: Any, inputs: Mapping[str, Any], file: Path) -> None:
    import torch

    library("onnxscript", extra="onnx", wanted_by=_KIND)
    sizes = {0: torch.export.Dim("texts"), 1: torch.export.Dim("tokens")}
    try:
        with _silent():
            torch.onnx.export(
                _token_vectors(encoder, list(inputs)),
                tuple(inputs.values()),
                str(file),
                input_names=list(inputs),
                output_names=[_HIDDEN[0]],
                dynamic_shapes=(tuple(dict(sizes) for _ in inputs),),
                dynamo=True,
                external_data=False,
                verbose=False,
            )
    except OSError:
        raise
    except Exception as error:  # an exporter may raise anything; what can be done must be said
        raise EmbedderError(
            f"this model cannot be exported to ONNX ({type(error).__name__}: "
            f"{str(error).splitlines()[0] if str(error) else 'no reason given'}): use backend=torch"
        ) from error


def _quantise(whole: Path, file: Path) -> None:
    """Weights in 8 bits a channel, activations in 8 bits as they come."""
    library("onnx", extra="onnx", wanted_by="precision=int8")
    tools = library("onnxruntime.quantization", extra="onnx", wanted_by="precision=int8")
    with _silent():
        tools.quantize_dynamic(
            str(whole), str(file), weight_type=tools.QuantType.QInt8, per_channel=True
        )


@contextmanager
def _silent() -> Iterator[None]:
    """Exporters warn of what they do themselves."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)


def _module(session: Any, encoder: Any) -> Any:
    """A session as sentence-transformers calls an encoder."""
    import torch

    inputs = [one.name for one in session.get_inputs()]
    outputs = [one.name for one in session.get_outputs()]
    hidden = next((name for name in _HIDDEN if name in outputs), outputs[0])

    class Session(torch.nn.Module):
        """Computes outside of torch."""

        def __init__(self) -> None:
            super().__init__()
            self.config = encoder.config
            self.device = torch.device("cpu")
            self.dtype = torch.float32

        def forward(self, **given: Any) -> Any:
            feed = {name: given[name].numpy() for name in inputs}
            return {"last_hidden_state": torch.from_numpy(session.run([hidden], feed)[0])}

    return Session()
