"""Documents: what is indexed. A record becomes a Document or is rejected with its reason."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from math import isnan
from pathlib import Path
from typing import Any, TypeVar

from xxhash import xxh3_128, xxh3_128_hexdigest

from es_hybrid.errors import RecordError
from es_hybrid.field_types import FieldType, retyped
from es_hybrid.json_values import dumped, shown
from es_hybrid.objects import value_at, with_value
from es_hybrid.texts import composed, is_blank
from es_hybrid.vectors import Vectors

Record = Mapping[str, Any]
T = TypeVar("T")

DEFAULT_ID_FIELD = "_id"
DEFAULT_TEXT_FIELDS = ("title", "text")
PICTURE_TEXT_FIELDS = ("title", "caption", "tags")

# Elasticsearch's own limit: "id is too long, must be no longer than 512 bytes".
MAX_ID_BYTES = 512

_ID_BYTES = 16

_MISSING = object()

# Records that differ in their names are looked at anew each time where there are more kinds.
_MOST_SHAPES = 1000

# Fields that es_hybrid writes beside the user's own.
VECTOR_FIELD = "embedding"
PASSAGES_FIELD = "passages"
META_FIELD = "es_hybrid"
THUMBNAIL_FIELD = "thumbnail"


def reserved_fields(
    *, passages: bool, vector_field: str = VECTOR_FIELD, pictures: bool = False
) -> frozenset[str]:
    """The fields that no record may have, as es_hybrid writes them itself; full names."""
    more = ([PASSAGES_FIELD] if passages else []) + ([THUMBNAIL_FIELD] if pictures else [])
    return frozenset({META_FIELD, vector_field, *more})


# Elasticsearch's metadata fields. Inside a document it refuses them ("is a metadata field and
# cannot be added inside a document"), gives them a meaning (_doc_count), or breaks
# (_primary_term); the last five belong to modules and plugins that not every server has.
METADATA_FIELDS = frozenset(
    (
        *("_id", "_index", "_source", "_routing", "_seq_no", "_version", "_primary_term"),
        *("_field_names", "_ignored", "_ignored_source", "_nested_path", "_tier", "_doc_count"),
        *("_data_stream_timestamp",),
        *("_feature", "_size", "_inference_fields", "_ts_routing_hash", "_tsid"),
    )
)

# Put before the name of a column that is called like one of them: _source -> field_source.
_RENAMED = "field"

# Sub-field of every text field that holds the whole value, for filters.
EXACT_SUBFIELD = "exact"

# Sub-field of every text field that finds identifiers, whole and by their parts: os.fsync, fsync.
PARTS_SUBFIELD = "parts"


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that is embedded; its pixels are read when they are needed.

    Attributes:
        path: its file.
        hash: changes when its bytes do: XXH3 of them, 128 bits as 32 hex digits; "" of one that
            cannot be read.
        told: its record without what stands in the picture, so that both can be read again.
        folder: that `told` names the picture below; None where it is told of this very file.
    """

    path: Path
    hash: str
    told: Record = field(default_factory=dict)
    folder: Path | None = None


@dataclass(slots=True)
class Document:
    """One document, ready to be planned.

    An index keeps both hashes and compares them with those of later runs, hence they stay as they
    are. XXH3 has a frozen specification: https://github.com/Cyan4973/xxHash/blob/dev/doc

    Attributes:
        id: Elasticsearch `_id`, 1 to 512 bytes.
        source: the user's own fields, without the id field when that is ``_id``.
        text: what the embedder reads: the text fields, joined by a space.
        content_hash: changes when any field, the ready vector or the picture changes: XXH3 of
            `json` and, behind it, the bytes of `vector` or the hash of `picture`; 128 bits as 32
            hex digits.
        text_hash: changes when what is embedded does: XXH3 of `text` in UTF-8, or that of the
            picture; 128 bits as 32 hex digits.
        where: where it was read, for messages (``"docs.jsonl line 3"``).
        vector: float32, shape (dims,), where it came ready-made; None where an embedder makes it.
        title: what `text` begins with: the first of several text fields; "" where there is one.
        json: `source` as a JSON object, in the order of its names.
        picture: what the embedder sees instead of reading `text`; None where it reads.
    """

    id: str
    source: Mapping[str, Any]
    text: str
    content_hash: str
    text_hash: str
    where: str = ""
    vector: Vectors | None = None
    title: str = ""
    json: bytes = b""
    picture: Picture | None = None


@dataclass(frozen=True, slots=True)
class Fields:
    """Which fields of a record mean what.

    Attributes:
        text: the fields that are searched and embedded, in this order.
        id: the field that holds the id; None takes ``_id`` where a record has one and
            otherwise derives the id from the content, so that the same record keeps its id.
        columns: field -> the column of the record that it is read from, where the two differ.
        types: field -> what its values are converted to.
        reserved: fields that no record may have, full names.
        text_required: whether a record without text is refused; given vectors and pictures need
            none.
        picture_required: whether a record without a picture is refused.
    """

    text: tuple[str, ...] = DEFAULT_TEXT_FIELDS
    id: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    types: Mapping[str, FieldType] = field(default_factory=dict)
    reserved: frozenset[str] = reserved_fields(passages=False)
    text_required: bool = True
    picture_required: bool = False


class Reader:
    """Makes documents of records; what their names mean is found out once for all that are alike.

    Args:
        fields: which fields of a record mean what.

    Attributes:
        renamed: column called like a metadata field of Elasticsearch -> the field it is kept as.
        made_ids: how many documents got an id made of their content.
    """

    def __init__(self, fields: Fields) -> None:
        self.fields = fields
        self.renamed: dict[str, str] = {}
        self.made_ids = 0
        self._id_field = fields.id or DEFAULT_ID_FIELD
        self._id_is_no_field = self._id_field == DEFAULT_ID_FIELD
        self._known: dict[tuple[str, ...], dict[str, str]] = {}
        self._reserved_inside = tuple(name for name in fields.reserved if "." in name)

    def document(
        self,
        record: Record,
        *,
        where: str = "",
        vector: Vectors | None = None,
        picture: Picture | None = None,
    ) -> Document:
        """Make a Document of a record, and of its ready vector or its picture if there is one.

        Raises:
            RecordError: as the function `document` says.
        """
        if self.fields.picture_required and picture is None:
            raise _without_picture()
        record = self._retyped(record)
        names = tuple(record)
        renamed = self._known.get(names)
        if renamed is None:
            renamed = self._renamed(names)
        source = dict(record)
        for name in self._reserved_inside:
            if value_at(source, name) is not None:
                raise _written_by_us(name)
        text, title = self._texts(source)
        given = source.get(self._id_field, _MISSING)
        if self._id_is_no_field:
            source.pop(DEFAULT_ID_FIELD, None)
        if renamed:
            source = {renamed.get(name, name): value for name, value in source.items()}
        json = dumped(source)
        identifier = self._made_id(json) if given is _MISSING else self._id(given)
        embedded = xxh3_128_hexdigest(text.encode()) if picture is None else picture.hash
        return Document(
            identifier,
            source,
            text,
            _content_hash(json, vector, picture),
            embedded,
            where,
            vector,
            title,
            json,
            picture,
        )

    def _retyped(self, record: Record) -> Record:
        """The record under the names, and with the values, that its fields are to have."""
        fields = self.fields
        if not (fields.columns or fields.types):
            return record
        return retyped(by_field(record, fields.columns), fields.types.items())

    def _texts(self, source: dict[str, Any]) -> tuple[str, str]:
        """The text, and the title in it; the text fields of `source` become composed."""
        names = self.fields.text
        parts = []
        for name in names:
            value = source.get(name)
            if value is None and "." in name:
                parts.append(_text_inside(source, name))
            elif type(value) is str:
                if not value.isascii():
                    source[name] = value = composed(value)
                parts.append(value.strip())
            elif value is None:
                parts.append("")
            else:
                source[name] = value = _composed_value(value)
                parts.append(_text_of(name, value))
        text = " ".join(filter(None, parts))
        if self.fields.text_required and is_blank(text):
            raise _without_text(source, names)
        return text, parts[0] if names[1:] else ""

    def _renamed(self, names: tuple[str, ...]) -> dict[str, str]:
        """What the fields that cannot keep their names are called.

        Raises:
            RecordError: a field that es_hybrid writes itself, or two of the same name.
        """
        _refuse_reserved(names, self.fields.reserved)
        if self.fields.id is not None and self.fields.id not in names:
            raise RecordError(
                f"no id field {self.fields.id!r}: name another with --id-field, or leave it out"
            )
        found = {}
        for name in names:
            stored = stored_name(name)
            if stored == name or (name == DEFAULT_ID_FIELD and self._id_is_no_field):
                continue
            if stored in names:
                raise RecordError(
                    f"field {name!r} would be kept as {stored!r}, which the record has as well: "
                    f"rename one with --map OTHER={name}"
                )
            found[name] = stored
        if len(self._known) == _MOST_SHAPES:
            self._known.clear()
        self._known[names] = found
        self.renamed |= {name: stored for name, stored in found.items() if name in METADATA_FIELDS}
        return found

    def _made_id(self, json: bytes) -> str:
        """By BLAKE2b, as nobody shall find two contents that overwrite each other."""
        self.made_ids += 1
        return blake2b(json, digest_size=_ID_BYTES).hexdigest()

    def _id(self, value: Any) -> str:
        # Four bytes are the most that a letter takes; half a surrogate pair is no ASCII.
        if type(value) is str and value and value.isascii() and len(value) <= MAX_ID_BYTES:
            return value
        return _checked_id(value, self._id_field)


def _content_hash(json: bytes, vector: Vectors | None, picture: Picture | None) -> str:
    """Another vector or picture is another content, under the same id."""
    content = xxh3_128(json)
    if vector is not None:
        content.update(vector.data)
    if picture is not None:
        content.update(picture.hash.encode())
    return content.hexdigest()


def document(record: Record, fields: Fields, *, where: str = "") -> Document:
    """Make a Document of a record.

    A field called like one of Elasticsearch's metadata fields is kept under `stored_name`; text
    fields are kept in Unicode's composed form, in which people search.

    Raises:
        RecordError: no text, an unusable id, a reserved field, or a value that is not JSON or
            not of the field's type.

    >>> document({"_id": 7, "title": "Tea", "text": "hot"}, Fields()).text
    'Tea hot'
    """
    return Reader(fields).document(record, where=where)


def stored_name(name: str) -> str:
    """What a field is called inside a document.

    >>> [stored_name(name) for name in ("year", "_source", "_op_type")]
    ['year', 'field_source', '_op_type']
    """
    # Elasticsearch reads a dot as a path, and refuses the path below a metadata field as well.
    return _RENAMED + name if name.partition(".")[0] in METADATA_FIELDS else name


def field_names(given: Iterable[str] | None) -> tuple[str, ...] | None:
    """Names of fields that somebody gave; a string is one name, not the letters it has.

    >>> field_names("text"), field_names(["title", "text"])
    (('text',), ('title', 'text'))
    """
    if given is None:
        return None
    return (given,) if isinstance(given, str) else tuple(given)


def by_field(record: Mapping[str, T], columns: Mapping[str, str]) -> Mapping[str, T]:
    """The record with its columns under the names of the fields that are read from them.

    Raises:
        RecordError: the record has a column of that name as well.
    """
    if not columns:
        return record
    for name, column in columns.items():
        if name in record and column in record and name not in columns.values():
            raise RecordError(
                f"field {name!r} is read from {column!r}, but the record has {name!r} as well: "
                f"map that to another name with --map OTHER={name}"
            )
    taken = set(columns.values())
    kept = {name: value for name, value in record.items() if name not in taken}
    return kept | {name: record[column] for name, column in columns.items() if column in record}


def _text_inside(source: dict[str, Any], name: str) -> str:
    """The text of a field inside an object of `source`, where it becomes composed."""
    value = value_at(source, name)
    made = _composed_value(value)
    if isinstance(value, str) and made != value:
        source.update(with_value(source, name, made))
    return _text_of(name, made)


def _composed_value(value: Any) -> Any:
    """A text field in normal form C, as `texts.composed` says.

    A NaN in there is a missing text, as in a data frame.
    """
    if isinstance(value, list):  # not those inside it, of which there can be too many
        return [_composed_text(item) for item in value]
    return _composed_text(value)


def _composed_text(value: Any) -> Any:
    if isinstance(value, str):
        return composed(value)
    return None if isinstance(value, float) and isnan(value) else value


def _refuse_reserved(names: Iterable[str], reserved: Collection[str]) -> None:
    for name in names:
        if name.partition(".")[0] in reserved:  # Elasticsearch reads a dot as a path
            raise _written_by_us(name)


def _written_by_us(name: str) -> RecordError:
    vectors = f", or if it holds the vectors, --vector-field {name}"
    way_out = f"rename it with --map OTHER={name}"
    if name not in (META_FIELD, PASSAGES_FIELD, VECTOR_FIELD):  # the vectors of an adopted index
        way_out = "leave it out, as it is made of the text"
    return RecordError(
        f"field {name!r} is written by es_hybrid itself: {way_out}"
        f"{vectors if name == VECTOR_FIELD else ''}"
    )


def _without_picture() -> RecordError:
    return RecordError(
        "a record without a picture, and this index holds vectors of pictures: index its folder "
        "with --mapping images"
    )


def _without_text(record: Record, names: Sequence[str]) -> RecordError:
    found = ", ".join(sorted(map(str, record))) or "nothing"
    blank = " and ".join(name for name in names if name in record)
    why = f"nothing to read in its {blank}" if blank else f"the record has {found}"
    return RecordError(
        f"no text in {', '.join(names)} ({why}): name the fields that hold the text with "
        "--text-fields"
    )


def _text_of(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list):
        return " ".join(filter(None, (_text_of(name, item) for item in value)))
    raise RecordError(f"text field {name!r} holds {shown(value)}: give a string or a list of them")


def _checked_id(value: Any, name: str) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise RecordError(f"id {shown(value)} in field {name!r}: an id is a string or an integer")
    identifier = str(value)
    try:
        size = len(identifier.encode())
    except UnicodeEncodeError:
        raise RecordError(
            f"id {shown(value)} in field {name!r}: an id is Unicode, not half a surrogate pair"
        ) from None
    if size > MAX_ID_BYTES:
        raise RecordError(
            f"id {shown(identifier)} has {size} bytes: Elasticsearch allows {MAX_ID_BYTES}, "
            "name a field with shorter ones with --id-field"
        )
    return identifier
