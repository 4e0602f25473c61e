"""From a file to upright RGB, by Pillow (extra: ``image``), or the reason why not.

Only formats of photos and drawings are tried, and none that is unpacked by other programs.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from es_hybrid.errors import EsHybridError, RecordError

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff")

MAX_BYTES = 100 * 1024 * 1024
MAX_PIXELS = 89_000_000  # 270 MB as RGB; a little more and Pillow itself warns of a bomb

# What Pillow's many readers stumble over in damaged files.
_STUMBLES = (OSError, SyntaxError, ValueError, EOFError, struct.error, IndexError, KeyError)

_SIXTEEN_BITS = ("I", "I;16", "I;16L", "I;16B", "I;16N")


@contextmanager
def opened(source: Path | bytes) -> Iterator[Image]:
    """A picture whose pixels are not read yet: its first frame, however many it has.

    Args:
        source: a file, or what stood in one.

    Raises:
        RecordError: it is empty, too large, of another format, or damaged.
        EsHybridError: Pillow is not installed.
    """
    pillow = imaging()
    data = file_bytes(source)
    if not data:
        raise RecordError("an empty file (0 bytes), no picture")
    try:
        with pillow.open(BytesIO(data), formats=FORMATS) as picture:
            _check_size(*picture.size)
            yield picture
    except (pillow.DecompressionBombError, pillow.DecompressionBombWarning):
        raise RecordError(_too_many()) from None
    except _STUMBLES as error:
        raise RecordError(_damaged(error, data)) from None


def decoded(source: Path | bytes) -> Image:
    """The picture as RGB of 8 bits, upright as its EXIF says, what is transparent in white.

    Raises:
        RecordError: as `opened`; or its pixels end early.
        EsHybridError: Pillow is not installed.
    """
    with opened(source) as picture:
        picture.load()
        return rgb(picture)


def rgb(picture: Image) -> Image:
    """A picture of any mode as `decoded` gives it."""
    from PIL import ImageOps

    upright = ImageOps.exif_transpose(picture)
    if upright.mode in _SIXTEEN_BITS or upright.mode == "F":
        return _eight_bits(upright).convert("RGB")
    if upright.has_transparency_data:
        return _on_white(upright.convert("RGBA"))
    return upright.convert("RGB")


def _on_white(picture: Image) -> Image:
    white = imaging().new("RGBA", picture.size, "white")
    white.alpha_composite(picture)
    flat: Image = white.convert("RGB")
    return flat


def _eight_bits(picture: Image) -> Image:
    """Pillow would cut such values at 255, and show a white sheet."""
    values = np.asarray(picture, np.float64)
    most = 65535.0 if picture.mode != "F" or values.max(initial=0) > 1 else 1.0
    levels = np.clip(values * (255 / most), 0, 255).astype(np.uint8)
    grey: Image = imaging().fromarray(levels)
    return grey


def file_bytes(source: Path | bytes) -> bytes:
    """What stands in a file that is to be a picture.

    Raises:
        RecordError: it cannot be read, is none, or holds more than `MAX_BYTES`.
    """
    if isinstance(source, bytes):
        return source
    try:
        if not source.is_file():
            raise RecordError("no file, but a folder, a pipe or a device")
        size = source.stat().st_size
        if size > MAX_BYTES:
            raise RecordError(f"{size:,} bytes, and {MAX_BYTES:,} are the most for a picture")
        return source.read_bytes()
    except OSError as error:
        raise RecordError(f"cannot be read: {error.strerror}") from None


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise RecordError(f"{width:,} x {height:,} pixels: {_too_many()}")
    if not width * height:
        raise RecordError(f"{width} x {height} pixels: there is nothing to see")


def _too_many() -> str:
    return f"more than {MAX_PIXELS:,} pixels would be unpacked; make it smaller"


def _damaged(error: BaseException, data: bytes) -> str:
    from PIL import UnidentifiedImageError

    if isinstance(error, UnidentifiedImageError):
        known = ", ".join(FORMATS)
        return f"no picture of {known}, or one cut off at once (it begins with {data[:8]!r})"
    return f"a damaged picture ({str(error)[:200] or type(error).__name__})"


def imaging() -> Any:
    """The module ``PIL.Image``.

    Raises:
        EsHybridError: Pillow is not installed.
    """
    try:
        import PIL.Image
    except ImportError:
        raise EsHybridError("pictures need Pillow: pip install 'es_hybrid[image]'") from None
    return PIL.Image
