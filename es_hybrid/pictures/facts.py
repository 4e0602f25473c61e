"""What a picture says of itself: size, and from EXIF when and where it was taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL.Image import Image

# Tags of EXIF 2.32 (CIPA DC-008).
_GPS, _EXIF = 0x8825, 0x8769
_TAKEN, _TAKEN_OFFSET, _CHANGED = 0x9003, 0x9011, 0x0132
_MAKE, _MODEL, _DESCRIPTION = 0x010F, 0x0110, 0x010E
_NORTH_SOUTH, _LATITUDE, _EAST_WEST, _LONGITUDE = 1, 2, 3, 4


@dataclass(frozen=True, slots=True)
class Facts:
    """What a camera or a person wrote into a file.

    Attributes:
        width: in pixels, as it is seen.
        height: in pixels, as it is seen.
        format: such as ``"JPEG"``.
        taken_at: ISO 8601, with the offset where the camera knew it; None where it does not say.
        location: (latitude, longitude) in degrees; None where it does not say.
        camera: make and model; "" where it does not say.
        description: a caption inside the file; "" where there is none.
    """

    width: int
    height: int
    format: str
    taken_at: str | None = None
    location: tuple[float, float] | None = None
    camera: str = ""
    description: str = ""

    def fields(self) -> dict[str, Any]:
        """As fields of a record; what is not known is left out."""
        found: dict[str, Any] = {"width": self.width, "height": self.height, "format": self.format}
        if self.taken_at:
            found["taken_at"] = self.taken_at
        if self.location:
            found["location"] = dict(zip(("lat", "lon"), self.location, strict=True))
        if self.camera:
            found["camera"] = self.camera
        return found


def facts(picture: Image) -> Facts:
    """Read them; what is damaged or missing is left out."""
    exif = picture.getexif()
    more, place = _part(exif, _EXIF), _part(exif, _GPS)
    width, height = picture.size
    if exif.get(0x0112) in (5, 6, 7, 8):  # lies on its side
        width, height = height, width
    return Facts(
        width=width,
        height=height,
        format=picture.format or "",
        taken_at=_moment(more.get(_TAKEN) or exif.get(_CHANGED), more.get(_TAKEN_OFFSET)),
        location=_location(place),
        camera=" ".join(filter(None, (_text(exif.get(_MAKE)), _text(exif.get(_MODEL))))),
        description=_text(exif.get(_DESCRIPTION)),
    )


def _part(exif: Any, tag: int) -> Mapping[int, Any]:
    try:
        found: Mapping[int, Any] = exif.get_ifd(tag)
    except Exception:  # EXIF is whatever a program wrote; a picture is good without it
        return {}
    return found


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        value = value.decode(errors="replace")
    return " ".join(str(value).replace("\0", " ").split()) if isinstance(value, str) else ""


def _moment(value: Any, offset: Any) -> str | None:
    """ISO 8601 of EXIF's ``2024:05:01 12:30:00``."""
    try:
        moment = datetime.strptime(_text(value), "%Y:%m:%d %H:%M:%S")
    except ValueError:
        return None
    zone = _text(offset)
    known = len(zone) == len("+09:00") and zone[0] in "+-" and zone[3] == ":"
    try:
        return datetime.fromisoformat(moment.isoformat() + (zone if known else "")).isoformat()
    except ValueError:
        return moment.isoformat()


def _location(place: Mapping[int, Any]) -> tuple[float, float] | None:
    latitude = _degrees(place.get(_LATITUDE), place.get(_NORTH_SOUTH), "S")
    longitude = _degrees(place.get(_LONGITUDE), place.get(_EAST_WEST), "W")
    if latitude is None or longitude is None:
        return None
    if abs(latitude) > 90 or abs(longitude) > 180 or (latitude, longitude) == (0, 0):
        return None  # (0, 0) is what programs write that do not know
    return round(latitude, 6), round(longitude, 6)


def _degrees(parts: Any, side: Any, negative: str) -> float | None:
    if not isinstance(parts, Sequence) or len(parts) != 3:
        return None
    try:
        degrees, minutes, seconds = map(float, parts)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    value = degrees + minutes / 60 + seconds / 3600
    if value != value:  # 0/0, as cameras write without a signal
        return None
    return -value if _text(side).upper() == negative else value
