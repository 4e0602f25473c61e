"""Small copies of pictures, to show them in answers without the files."""

from __future__ import annotations

from base64 import b64encode
from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

SIDE = 128  # pixels of the longer side
_QUALITY = 70


def thumbnail(picture: Image, *, side: int = SIDE) -> str:
    """A JPEG of at most `side` x `side` pixels in base64, as a ``binary`` field holds it: 3-5 kB.

    Args:
        picture: RGB.
        side: of the longer side, in pixels; a smaller picture stays as it is.
    """
    small = picture.copy()
    small.thumbnail((side, side))
    out = BytesIO()
    small.save(out, "JPEG", quality=_QUALITY, optimize=True)
    return b64encode(out.getvalue()).decode("ascii")
