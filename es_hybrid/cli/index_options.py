"""What ``es-hybrid index`` is asked for: in a settings file, or on the command line, which wins."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from es_hybrid.errors import UsageError


@dataclass(frozen=True, slots=True)
class IndexOptions:
    """The options that a settings file may hold, under the same names; None where not said.

    Attributes:
        embedder: a name.
        text_fields: fields to search and embed.
        id_field: field that holds the id.
        analysis: an analysis profile.
        vector_index: a vector index type.
        similarity: ``"cosine"``, ``"max_inner_product"`` or ``"l2_norm"``.
        vector_field: column with ready vectors.
        vectors_file: .npy file with ready vectors.
        label: which model made the ready vectors.
        passages: ``"TOKENS"`` or ``"TOKENS:OVERLAP"``.
        shards: primary shards of a new index.
        replicas: copies of each shard.
        duplicates: ``"reject"`` or ``"last"``.
        delimiter: of CSV.
        encoding: of CSV and text files.
        source: what the documents say that they came from.
        max_rejected: a number, a share such as ``"5%"``, or ``"none"``.
        mapping: ``"documents"`` or ``"images"``.
        captions: file with captions of pictures.
        fields: field -> type.
        map: field -> the column that it is read from.
    """

    embedder: str | None = None
    text_fields: list[str] | None = None
    id_field: str | None = None
    analysis: str | None = None
    vector_index: str | None = None
    similarity: str | None = None
    vector_field: str | None = None
    vectors_file: str | None = None
    label: str | None = None
    passages: str | None = None
    shards: int | None = None
    replicas: int | None = None
    duplicates: str | None = None
    delimiter: str | None = None
    encoding: str | None = None
    source: str | None = None
    max_rejected: int | str | None = None
    mapping: str | None = None
    captions: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    map: Mapping[str, str] = field(default_factory=dict)

    def over(self, settings: IndexOptions) -> IndexOptions:
        """These options, and those of `settings` where nothing is said here."""
        said = {name: value for name, value in _items(self) if value is not None}
        return IndexOptions(
            **dict(_items(settings))
            | said
            | {"fields": {**settings.fields, **self.fields}, "map": {**settings.map, **self.map}}
        )

    def arguments(self) -> dict[str, Any]:
        """Those of `Indexer`: what is not said is left to it."""
        said = {name: value for name, value in _items(self) if value is not None}
        file = said.get("vectors_file")
        said |= {"columns": said.pop("map")} | ({"vectors_file": Path(file)} if file else {})
        return {name: value for name, value in said.items() if name not in _OF_FILES}


# What says how files are read, which is done before anything is indexed.
_OF_FILES = ("delimiter", "encoding", "mapping", "captions")


def _items(options: IndexOptions) -> Iterable[tuple[str, Any]]:
    return [(one.name, getattr(options, one.name)) for one in fields(options)]


_LISTS, _NUMBERS, _TABLES = {"text_fields"}, {"shards", "replicas"}, {"fields", "map"}
_LIMITS = {"max_rejected"}


def read_settings(path: Path) -> IndexOptions:
    """Read a settings file.

    Raises:
        UsageError: it is no TOML, has an unknown key, or a value of the wrong kind.
    """
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:  # TOMLDecodeError and UnicodeDecodeError
        raise UsageError(f"settings file {str(path)!r} is not TOML: {error}") from None
    known = [one.name for one in fields(IndexOptions)]
    if unknown := [name for name in found if name not in known]:
        raise UsageError(
            f"settings file {str(path)!r} has {unknown[0]!r}, which is not one of "
            f"{', '.join(known)}"
        )
    for name, value in found.items():
        if wanted := _wanted_instead(name, value):
            raise UsageError(f"settings file {str(path)!r}: {name} is {value!r}, not {wanted}")
    return IndexOptions(**found)


def _wanted_instead(name: str, value: Any) -> str | None:
    """What should stand there; None where it does."""
    if name in _TABLES:
        texts = isinstance(value, dict) and _are_texts(value.values())
        return None if texts else 'a table of texts, such as year = "number"'
    if name in _LISTS:
        texts = isinstance(value, list) and value != [] and _are_texts(value)
        return None if texts else 'a list of texts, such as ["title"]'
    if name in _NUMBERS:
        whole = isinstance(value, int) and not isinstance(value, bool)
        least = 1 if name == "shards" else 0
        return None if whole and value >= least else f"a whole number from {least}"
    if name in _LIMITS and isinstance(value, int) and not isinstance(value, bool):
        return None
    return None if isinstance(value, str) else 'a text in "quotes"'


def _are_texts(values: Iterable[Any]) -> bool:
    return all(isinstance(value, str) for value in values)


def names(text: str) -> list[str]:
    """The names of ``title,text``.

    Raises:
        UsageError: one is empty.
    """
    found = [name.strip() for name in text.split(",")]
    if not all(found):
        raise UsageError(f"--text-fields {text!r} has an empty name: write it like title,text")
    return found


def pairs(option: str, texts: Iterable[str] | None, *, mark: str, like: str) -> dict[str, str]:
    """What an option that may be given several times says about each field.

    Args:
        option: its name, for messages.
        texts: such as ``["year:number"]``.
        mark: what stands between the field and the rest.
        like: an example, for messages.

    Raises:
        UsageError: one is no pair, or says another thing about a field than the one before.

    >>> pairs("--field", ["year:number"], mark=":", like="")
    {'year': 'number'}
    """
    found: dict[str, str] = {}
    for text in texts or ():
        name, _, value = (part.strip() for part in text.partition(mark))
        if not name or not value:
            raise UsageError(f"{option} {text!r}: write it like {like}")
        if found.setdefault(name, value) != value:
            raise UsageError(f"{option} {name}{mark} is said twice: {found[name]} and {value}")
    return found
