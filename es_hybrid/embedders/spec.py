"""Specs such as ``sentence-transformers:NAME?dims=256``, read alike for every embedder.

The options of an embedder are the keyword-only arguments of what makes it, and their annotations
say what may stand there, so that they are written down once.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints
from urllib.parse import parse_qsl, quote, urlencode

from es_hybrid.errors import UsageError

_TRUTH = {"true": True, "1": True, "false": False, "0": False}
_WANTED = {int: "a whole number", float: "a number", bool: "true or false"}


@dataclass(frozen=True, slots=True)
class Spec:
    """What was asked for.

    Attributes:
        kind: which embedder, such as ``"hf"``.
        name: which model of it; empty where nothing was said.
        options: option -> its text, decoded.
    """

    kind: str
    name: str = ""
    options: Mapping[str, str] = field(default_factory=dict)


def parsed(text: str) -> Spec:
    """Take a spec apart; options are written as in the query string of a URL.

    Raises:
        UsageError: nothing stands behind the colon, the options cannot be read, or one comes
            twice. Their values, which may be secrets that do not belong there, are not quoted.

    >>> parsed("hf:model?layer=-2&query_prefix=query:%20")
    Spec(kind='hf', name='model', options={'layer': '-2', 'query_prefix': 'query: '})
    """
    head, mark, query = text.partition("?")
    kind, colon, name = head.partition(":")
    if kind and colon and not name:
        raise UsageError(f"embedder {head!r} names no model: write {kind}:NAME")
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=True) if mark else []
    except ValueError:
        raise UsageError(
            f"the options of embedder {head!r} cannot be read: write ?name=value&name=value"
        ) from None
    options = dict(pairs)
    if len(options) < len(pairs):
        raise UsageError(f"embedder {head!r} has an option twice: give each once")
    return Spec(kind, name, options)


def written(kind: str, name: str, **options: Any) -> str:
    """The spec that loads this embedder again; options that are None are left out.

    >>> written("hf", "a/b", pooling="cls", layer=None, query_prefix="query: ")
    'hf:a/b?pooling=cls&query_prefix=query:%20'
    """
    said = {option: value for option, value in options.items() if value is not None}
    query = urlencode(said, quote_via=quote, safe=":/")
    return f"{kind}:{name}?{query}" if query else f"{kind}:{name}"


def made(maker: Callable[..., Any], spec: Spec) -> Any:
    """What `maker` makes of a spec.

    Args:
        maker: a class or function whose first argument is the name, if it takes one, and whose
            keyword-only arguments are the options: texts, numbers, truth values, choices.
        spec: taken apart.

    Raises:
        UsageError: a name is missing or not wanted, or an option is unknown or not usable.
    """
    takes, needs = _name(maker)
    if spec.name and not takes:
        raise UsageError(f"embedder {spec.kind!r} has no models to name: leave :{spec.name} out")
    if needs and not spec.name:
        raise UsageError(f"embedder {spec.kind!r} needs a name behind it: {spec.kind}:NAME")
    hints = options_of(maker)
    options = {option: _value(spec, option, text, hints) for option, text in spec.options.items()}
    return maker(*([spec.name] if spec.name else []), **options)


def options_of(maker: Callable[..., Any]) -> dict[str, Any]:
    """Option -> its annotation."""
    hints = get_type_hints(maker.__init__ if inspect.isclass(maker) else maker)
    return {
        name: hints.get(name, str)
        for name, one in inspect.signature(maker).parameters.items()
        if one.kind is inspect.Parameter.KEYWORD_ONLY
    }


def _name(maker: Callable[..., Any]) -> tuple[bool, bool]:
    """Whether it takes a name, and whether it needs one."""
    places = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    first = [one for one in inspect.signature(maker).parameters.values() if one.kind in places]
    return bool(first), any(one.default is inspect.Parameter.empty for one in first)


def _value(spec: Spec, option: str, text: str, hints: Mapping[str, Any]) -> Any:
    if option not in hints:
        known = f"it knows {', '.join(hints)}" if hints else "it has none"
        raise UsageError(f"embedder {spec.kind!r} has no option {option!r}: {known}")
    try:
        return _read(text, hints[option])
    except ValueError as error:
        raise UsageError(f"option {option}={text!r} of {spec.kind!r} is not {error}") from None


def _read(text: str, hint: Any) -> Any:
    """Raises ValueError, whose text says what is wanted."""
    if get_origin(hint) in (Union, UnionType):
        (hint,) = [one for one in get_args(hint) if one is not NoneType]
    if get_origin(hint) is Literal:
        return _choice(text, get_args(hint))
    if hint is bool:
        return _choice(text.lower(), _TRUTH, wanted=_WANTED[bool], values=_TRUTH)
    try:
        return hint(text)
    except ValueError:
        raise ValueError(_WANTED.get(hint, "usable")) from None


def _choice(
    text: str, known: Any, *, wanted: str = "", values: Mapping[str, Any] | None = None
) -> Any:
    if text not in known:
        raise ValueError(wanted or f"one of {', '.join(known)}")
    return values[text] if values else text
