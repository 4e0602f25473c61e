"""Small pictures, good and bad, as bytes of files."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def saved(picture: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """The file of a picture."""
    out = BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def plain(size: tuple[int, int] = (40, 20), color: Any = RED, mode: str = "RGB") -> Image.Image:
    """All of one colour."""
    return Image.new(mode, size, color)


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says it has so many pixels."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [(b"IHDR", head), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b"")]
    chunks = [
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in parts
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def sideways() -> Image.Exif:
    """EXIF of a picture that the camera stored on its side."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


def described() -> Image.Exif:
    """EXIF of a camera that knows where and when it is."""
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Maker\0", " Model 7"
    exif[0x010E] = "A road without people"
    exif.get_ifd(0x8769).update({0x9003: "2024:05:01 12:30:00", 0x9011: "+09:00"})
    seoul = {1: "N", 2: (37.0, 33.0, 36.0), 3: "E", 4: (126.0, 58.0, 48.0)}
    exif.get_ifd(0x8825).update(seoul)
    return exif


# File name -> its bytes, and why it is no picture.
BAD = {
    "truncated.jpg": (saved(plain((400, 400)), "JPEG")[:700], "a damaged picture"),
    "truncated.png": (saved(Image.effect_noise((90, 90), 50))[:3000], "a damaged picture"),
    "bomb.png": (bomb(60_000, 60_000), "more than 89,000,000 pixels"),
    "empty.jpg": (b"", "an empty file (0 bytes)"),
    "text.jpg": (b"hello, world", "no picture of JPEG, PNG"),
}

# File name -> its bytes; all are red.
ODD = {
    "wrong-extension.png": saved(plain(), "JPEG"),
    "animated.gif": saved(plain(), "GIF", save_all=True, append_images=[plain(color=WHITE)] * 3),
    "cmyk.jpg": saved(plain(mode="CMYK", color=(0, 255, 255, 0)), "JPEG"),
    "sideways.jpg": saved(plain(), "JPEG", exif=sideways()),
    "transparent.webp": saved(plain(mode="RGBA", color=(*RED, 255)), "WEBP", lossless=True),
}
SIXTEEN_BITS = saved(Image.fromarray(np.full((20, 40), 65535, np.uint16)))  # white


def laid(folder: Path, files: dict[str, bytes]) -> Path:
    """Write files below a folder."""
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder
