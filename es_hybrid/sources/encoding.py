"""Encodings of text: the one that was named, or UTF-8, or what the first bytes say."""

from __future__ import annotations

import codecs

from es_hybrid.errors import UsageError

# Surrogates stand for bytes that the encoding does not have, so that one bad line spoils no other.
LENIENT = "surrogateescape"

_BOMS = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


def check_encoding(name: str) -> str:
    """`name`, if it is an encoding of text.

    Raises:
        UsageError: it is not.
    """
    try:
        "".encode(name)
    except (LookupError, ValueError):
        raise UsageError(
            f"unknown encoding {name!r}: name one such as utf-8, cp949, euc-kr or latin-1"
        ) from None
    return name


def guessed(start: bytes) -> str:
    """The encoding that the first bytes of a file name, else UTF-8; a BOM is no text.

    >>> guessed("가".encode("utf-16")), guessed("가".encode())
    ('utf-16', 'utf-8-sig')
    """
    return _BOMS.get(start[:2], "utf-8-sig")


def fault(text: str, encoding: str) -> str | None:
    """Why text that was decoded leniently is no text of this encoding; None if it is."""
    if text.isascii():
        return None
    try:
        text.encode()
    except UnicodeEncodeError as error:
        byte = ord(text[error.start]) - 0xDC00
        name = encoding.removesuffix("-sig")
        return f"byte 0x{byte:02x} is not {name}: name the encoding, such as --encoding cp949"
    return None
