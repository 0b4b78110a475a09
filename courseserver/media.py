"""The only reader of pictures and PDF files: what kind they are, how large, how many pages.

It reads heads of files, never whole pictures, and gives the same answer on every machine.
"""

from __future__ import annotations

import io
import re
import struct

import imagesize

MAGIC = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif"}
ENDINGS = {  # for an upload without a name
    "application/pdf": ".pdf",
    "text/plain": ".txt",
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/gif": ".gif",
    "image/webp": ".webp",
}


def picture_kind(data: bytes) -> str | None:
    """The media type that the first bytes of a picture say; None when it is no picture."""
    for head, kind in MAGIC.items():
        if data.startswith(head):
            return kind
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return None


def picture_size(data: bytes) -> tuple[int, int] | None:
    """Width and height of a picture in pixels; None when they cannot be read."""
    if picture_kind(data) is None:
        return None
    try:
        width, height = imagesize.get(io.BytesIO(data), exif_rotation=False)
    except (ValueError, struct.error, IndexError):
        return None
    if width < 1 or height < 1:
        return None
    return width, height


def pdf_pages(data: bytes) -> int:
    """Pages of a PDF; 1 when it keeps them where only a PDF library finds them."""
    return len(re.findall(rb"/Type\s*/Page(?![A-Za-z])", data)) or 1
