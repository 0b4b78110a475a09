"""Rules about pictures, documents and uploaded files, and about the length of the whole prompt."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from courseserver import estimate, facts
from courseserver.call import Call
from courseserver.media import is_encrypted, is_pdf, is_whole, pdf_pages, picture_kind, picture_size
from courseserver.rules.rule import OURS, TALK, Objections, rule
from courseserver.values import JSON, Problem

LOOPBACK = ("localhost", "127.0.0.1", "::1")


@rule("gajae-code, 2026-07-21 (base64); lobehub, 2026-05-12 (5 MB then); home-assistant#167208, "
      "2026-04-02 (type); claude-code#56511 (unreadable), #49537 (sides), 2026; details: SDK 2.12; "
      "empty: claude-code#12750, 2025-11-30; that a damaged one is unreadable is likely",
      *TALK)  # fmt: skip
def image(call: Call) -> Objections:
    many = len(call.prompt.of_kind("image")) > facts.MANY_IMAGES
    longest = facts.MANY_IMAGES_MAX_SIDE if many else facts.IMAGE_MAX_SIDE
    for path, source, data in inline(call, "image"):
        place, said, size = f"{path}.image.source.base64", source["media_type"], len(source["data"])
        if data is None:
            yield f"{place}: invalid base64 data"
        if not data:
            yield f"{place}: image cannot be empty"
        if size > (most := facts.IMAGE_MAX_BYTES):
            what = f"image exceeds {most // facts.MEGABYTE} MB maximum"
            yield f"{place}: {what}: {size} bytes > {most} bytes"
        real, sides = picture_kind(data or b""), picture_size(data or b"")
        if real and real != said:
            what = f"The image was specified using the {said} media type"
            yield f"{place}: {what}, but the image appears to be a {real} image"
        if sides is None or not is_whole(data or b""):
            yield "Could not process image"
        elif max(sides) > longest:
            what = "At least one of the image dimensions exceed max allowed size"
            what += " for many-image requests" if many else ""
            words = f"{place}.data: {what}: {longest} pixels"
            yield Problem(400, "invalid_request_error", words, too_large(call, longest))


@rule("docs vision-coordinates, August 2026, which quotes the sentence", *TALK)
def oversized_image(call: Call) -> Objections:
    for path, _, data in inline(call, "image", no_downsizing):
        given = picture_size(data or b"")
        if given:
            fits = estimate.resized(*given, high_res=call.model.high_res_images)
            size, most = (f"{side[0]}x{side[1]}" for side in (given, fits))
            if fits != given:
                yield (
                    f"{path}: image dimensions {size} exceed the maximum image size of a model "
                    f"named on this request and would be downsized to {most}; scale the image to "
                    f'at most {most} or set the image\'s oversized_image setting to "downsize"'
                )


@rule("claude-code#23392, 2026-02-05 (100); a published run of 2026-07-06 (600)", *TALK)
def media_count(call: Call) -> Objections:
    images = len(call.prompt.of_kind("image"))
    papers = len(call.prompt.of_kind("document"))
    if images + papers > (most := facts.PDF_MAX_PAGES[call.model.window]):  # the same numbers
        yield f"too many images and documents: {images} + {papers} > {most}"


@rule("quoted in public to 2026; for what is no address at all: " + OURS, "messages")
def url(call: Call) -> Objections:
    if not all(is_on_the_web(source["url"]) for source in call.prompt.sources("url")):
        yield "Unable to download the file. Please verify the URL and try again."


@rule("anthropic-sdk-ruby#128, 2025-09-08 (a file of another kind); of a picture block: " + OURS,
      "messages")  # fmt: skip
def file_kind(call: Call) -> Objections:
    for part in call.prompt.messages:
        source = part.block.get("source")
        name = source.get("file_id") if isinstance(source, dict) else None
        if str(name) in call.uploads:  # kept from becoming its content: the block cannot hold it
            only = "JPEG, PNG, GIF and WebP pictures"
            if part.kind == "document":
                only = "PDF and plaintext documents"
            what = f"Unsupported {part.kind} file format: {call.uploads[str(name)]}."
            yield f"{what} Only {only} are supported."


@rule("docs files, August 2026: status and sentence", "messages")
def file_id(call: Call) -> Objections:
    for source in call.prompt.sources("file"):  # an id that exists has become its content
        yield Problem(404, "not_found_error", f"File not found: {source['file_id']}")


@rule("claude-code#5174, 2025-08-05; pages: warp#8114, 2025-11-20; password: claude-code#19013, "
      "2026-01-18; empty: a quoted 400 of September 2026", *TALK)  # fmt: skip
def pdf(call: Call) -> Objections:
    pages, most = 0, facts.PDF_MAX_PAGES[call.model.window]
    for path, _, data in inline(call, "document"):
        place = f"{path}.pdf.source.base64.data"
        if data == b"":
            yield f"{path}.document.source.base64: PDF cannot be empty"
        if not is_pdf(data or b""):
            yield f"{place}: The PDF specified was not valid."
        if is_encrypted(data or b""):
            yield f"{place}: The PDF specified is password protected."
        pages += pdf_pages(data or b"")
        if pages > most:
            yield f"{place}: A maximum of {most} PDF pages may be provided."


@rule(f"docs citations, quoted 2026-07-20 (inspect_ai#4527); {OURS}", *TALK)
def citations(call: Call) -> Objections:
    documents = [part.block for part in call.prompt.top if part.kind == "document"]
    cited = [bool((block.get("citations") or {}).get("enabled")) for block in documents]
    if any(cited) and not all(cited):
        yield "citations must be enabled on all or none of the documents within a request"


@rule(f"docs structured-outputs, November 2026: not allowed with citations; {OURS}", *TALK)
def citations_with_a_format(call: Call) -> Objections:
    sources = [p.block for p in call.prompt.top if p.kind in ("document", "search_result")]
    cited = any((block.get("citations") or {}).get("enabled") for block in sources)
    if call.json_format and cited:
        yield "Citations cannot be used together with output_config.format."


@rule("recorded, undated; the count is the course's estimate", *TALK)
def prompt_length(call: Call) -> Objections:
    tokens, most = call.tokens, call.model.window
    if tokens > most:
        yield f"prompt is too long: {tokens} tokens > {most} maximum"


def inline(
    call: Call, kind: str, wanted: Callable[[JSON], bool] = lambda block: True
) -> Iterator[tuple[str, JSON, bytes | None]]:
    """Path, source and bytes (None: not base64) of each inline image or document."""
    for part in call.prompt.of_kind(kind):
        source = part.block.get("source", {})
        if source.get("type") != "base64" or not wanted(part.block):
            continue
        try:
            data = base64.b64decode(source["data"], validate=True)
        except ValueError:
            yield part.path, source, None
        else:
            yield part.path, source, data


def is_on_the_web(address: str) -> bool:
    """Whether the API could fetch this at all: no path, nothing on the asking machine."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and parts.hostname not in {None, *LOOPBACK}


def no_downsizing(block: Mapping[str, Any]) -> bool:
    """Whether a picture asks to be refused rather than made smaller."""
    return (block.get("transformations") or {}).get("oversized_image") == "error"


def too_large(call: Call, longest: int) -> JSON:
    """`error.details` of pictures with a side over the limit: every one of them, in order."""
    paths = []
    for path, _, data in inline(call, "image"):
        sides = picture_size(data or b"")
        if sides and max(sides) > longest:
            paths.append(path.replace(".tool_result.", "."))
    return {
        "error_code": "image_dimensions_too_large",
        "max_side_length_pixels": longest,
        "paths": paths,
    }
