"""The only reader of pictures and PDF files: what kind they are, how large, how many pages.

It reads heads of files, never whole pictures, and gives the same answer on every machine.
"""

from __future__ import annotations

import io
import re
import struct
import zlib

import imagesize

MAGIC = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif"}
UNSIZED = {0x00, 0x01, 0xFF, *range(0xD0, 0xDA)}  # JPEG marks without a length
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


def is_whole(data: bytes) -> bool:
    """Whether a picture is all there; False for one that was cut off or damaged on its way.

    Only what the file itself tells: lengths, check sums, end marks. Pixels are not looked at.
    """
    try:
        return READERS[picture_kind(data) or ""](data)
    except (KeyError, IndexError, ValueError, struct.error):
        return False


def _png(data: bytes) -> bool:
    """Chunks with their check sums, up to the end mark; that mark itself may be missing."""
    at, pixels = 8, False
    while at + 8 <= len(data):
        size, name = struct.unpack_from(">I4s", data, at)
        end = at + 12 + size
        if name == b"IEND":
            return pixels
        needed = name[:1].isupper()  # small: a reader may leave it out
        if end > len(data):
            return pixels and not needed
        [told] = struct.unpack_from(">I", data, end - 4)
        if needed and zlib.crc32(data[at + 4 : end - 4]) != told:
            return False
        pixels = pixels or name == b"IDAT"
        at = end
    return pixels


def _jpeg(data: bytes) -> bool:
    """Segments up to the pixels, and an end mark somewhere behind their beginning."""
    at = data.index(b"\xff", 2)
    while True:
        mark = data[at + 1]
        if mark == 0xDA:
            return b"\xff\xd9" in data[at:]
        step = 1
        if mark not in UNSIZED:
            [size] = struct.unpack_from(">H", data, at + 2)
            step = 2 + size
        at = data.index(b"\xff", at + step)  # readers pass over what stands between segments


def _gif(data: bytes) -> bool:
    """The first picture whole: head, colour tables, blocks of pixels."""
    at = 13 + _colours(data[10])
    while data[at] != 0x3B:
        if data[at] == 0x2C:
            _past_blocks(data, at + 11 + _colours(data[at + 9]))
            return True
        if data[at] == 0x21:  # an extension
            at = _past_blocks(data, at + 2)
        else:
            at += 1  # readers pass over it
    return False


def _colours(flags: int) -> int:
    return 3 * 2 ** (flags % 8 + 1) if flags & 0x80 else 0


def _past_blocks(data: bytes, at: int) -> int:
    while data[at]:
        at += 1 + data[at]
    return at + 1


def _webp(data: bytes) -> bool:
    [size] = struct.unpack_from("<I", data, 4)
    return bool(size + 8 <= len(data) + 1)  # some leave the last byte of filling out


READERS = {"image/png": _png, "image/jpeg": _jpeg, "image/gif": _gif, "image/webp": _webp}


def is_pdf(data: bytes) -> bool:
    """Whether this is a PDF whose end is there: a file that was cut has neither table nor mark."""
    ends = (b"%%EOF", b"startxref", b"trailer")
    return b"%PDF-" in data[:1_024] and any(end in data for end in ends)


def is_encrypted(data: bytes) -> bool:
    """Whether a PDF says, where a reader looks for it, that it is encrypted."""
    for found in re.finditer(rb"trailer\s*<<|/Type\s*/XRef", data):
        start = data.rfind(b"obj", 0, found.start()) if b"XRef" in found[0] else found.start()
        until = re.compile(rb"startxref|stream|%%EOF").search(data, found.end())
        told = data[max(start, 0) : until.start() if until else len(data)]
        if re.search(rb"/Encrypt\s*(<<|\d+\s+\d+\s+R)", told):
            return True
    return False


def pdf_pages(data: bytes) -> int:
    """Pages of a PDF; 1 when it keeps them where only a PDF library finds them."""
    return len(re.findall(rb"/Type\s*/Page(?![A-Za-z])", data)) or 1
