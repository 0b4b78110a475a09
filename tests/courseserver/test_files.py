"""Uploads through the real SDK, what becomes of file ids in requests, and the papers of lesson 07.

The shapes are those of recorded traffic of July and August 2026; what is younger follows SDK 2.11.
"""

from __future__ import annotations

import csv
import importlib.util
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import anthropic
import pytest
from PIL import Image, ImageChops, ImageOps, ImageStat

from courseserver import estimate, media
from courseserver.call import Call
from courseserver.files import Files
from courseserver.loopback import Server
from courseserver.replay import Replay
from courseserver.values import Problem, Request
from tests.support import HELLO, ROOT, client, exchange, said, send, serving, text_of

JSON = dict[str, Any]
BYTES = bytes(range(256)) + b"\r\n\r\n--x\r\nContent-Disposition: no\n\r"
SHAPE = ["type", "id", "size_bytes", "created_at", "filename", "mime_type", "downloadable"]
DATA, IMAGES = ROOT / "notebooks" / "data", ROOT / "notebooks" / "images"
PAPERS = [
    "chart.png",
    "form.png",
    "photo.jpg",
    "poster_a.png",
    "poster_b.png",
    "receipt.png",
    "sizes.png",
]


@pytest.fixture
def server() -> Iterator[Server[Replay]]:
    with serving(exchange("hello", HELLO, "Hello!")) as running:
        yield running


@pytest.fixture
def sdk(server: Server[Replay]) -> anthropic.Anthropic:
    return client(server.url, max_retries=0)


def held(name: str, kind: str = "document") -> JSON:
    return {"type": kind, "source": {"type": "file", "file_id": name}}


def inline(path: Path, media: str, kind: str) -> JSON:
    return {"type": kind, "source": {"type": "base64", "media_type": media, "data": path}}


def paper() -> Path:
    return DATA / "flea_market_rules.pdf"


# --- the endpoints --------------------------------------------------------------------------


def test_an_upload_answers_with_what_the_api_says_of_a_file(sdk: anthropic.Anthropic) -> None:
    raw = sdk.files.with_raw_response.upload(file=paper())
    body = json.loads(raw.http_response.content)
    assert list(body) == [*SHAPE, "expires_at"]
    assert re.fullmatch(r"file_011C[1-9A-HJ-NP-Za-km-z]{20}", body["id"])
    assert body["size_bytes"] == paper().stat().st_size
    assert (body["filename"], body["mime_type"]) == (paper().name, "application/pdf")
    assert (body["downloadable"], body["expires_at"]) == (False, None)
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:00:00\.000000Z", body["created_at"])


@pytest.mark.parametrize(
    ("file", "name", "media"),
    [
        (("scan.png", BYTES, "image/png"), "scan.png", "image/png"),
        (("größe.txt", BYTES, "text/plain"), "größe.txt", "text/plain"),
        (("in/a/folder.csv", BYTES, "text/csv"), "folder.csv", "text/csv"),
        (("", BYTES, "application/pdf"), "unnamed.pdf", "application/pdf"),
    ],
)
def test_content_name_and_type_arrive_as_they_were_sent(
    server: Server[Replay], sdk: anthropic.Anthropic, file: Any, name: str, media: str
) -> None:
    made = sdk.files.upload(file=file)
    assert (made.filename, made.mime_type, made.size_bytes) == (name, media, len(BYTES))
    assert server.backend.account.files.kept[made.id][1] == BYTES


def test_the_same_file_again_keeps_its_id_and_another_gets_one(sdk: anthropic.Anthropic) -> None:
    one, again = (sdk.files.upload(file=("a.txt", b"one", "text/plain")).id for _ in range(2))
    other = sdk.files.upload(file=("a.txt", b"two", "text/plain")).id
    renamed = sdk.files.upload(file=("b.txt", b"one", "text/plain")).id
    assert one == again
    assert len({one, other, renamed}) == 3


def test_the_list_is_newest_first_and_comes_in_pages(sdk: anthropic.Anthropic) -> None:
    made = [sdk.files.upload(file=(f"{n}.txt", str(n).encode(), "text/plain")).id for n in range(5)]
    assert [file.id for file in sdk.files.list()] == made[::-1]
    page = sdk.files.list(limit=2)
    assert [file.id for file in page.data] == [made[4], made[3]]
    assert [file.id for file in page] == made[::-1]  # the SDK turns the pages itself
    assert [file.id for file in sdk.files.list(ids=[made[1], "file_nobody"])] == [made[1]]


def test_a_file_can_be_looked_up_and_deleted_once(sdk: anthropic.Anthropic) -> None:
    made = sdk.files.upload(file=("a.txt", b"one", "text/plain"))
    assert sdk.files.retrieve_metadata(made.id) == made
    assert sdk.files.delete(made.id).to_dict() == {"id": made.id, "type": "file_deleted"}
    with pytest.raises(anthropic.NotFoundError, match=f"File not found: {made.id}"):
        sdk.files.delete(made.id)
    assert sdk.files.list().data == []


def test_an_upload_cannot_be_downloaded_again(sdk: anthropic.Anthropic) -> None:
    made = sdk.files.upload(file=("a.txt", b"one", "text/plain"))
    with pytest.raises(anthropic.BadRequestError) as refusal:
        sdk.files.download(made.id)
    assert refusal.value.api_message == f"File '{made.id}' is not downloadable"
    assert refusal.value.error_code == "file_not_downloadable"


def test_an_expiry_is_within_an_hour_and_ninety_days(sdk: anthropic.Anthropic) -> None:
    made = sdk.files.upload(file=("a.txt", b"one", "text/plain"), expires_in_seconds=3_600)
    assert made.expires_at and (made.expires_at - made.created_at).total_seconds() == 3_600
    for seconds in (3_599, 7_776_001):
        with pytest.raises(anthropic.BadRequestError, match="expires_in_seconds"):
            sdk.files.upload(file=b"one", expires_in_seconds=seconds)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("POST", "/v1/files", 400), ("GET", "/v1/files?limit=0", 400),
     ("GET", "/v1/files?page=nowhere", 400), ("DELETE", "/v1/files", 405),
     ("POST", "/v1/files/file_1", 405), ("GET", "/v1/files/file_1/text", 404),
     ("GET", "/v1/files/file_1", 404), ("GET", "/v1/files", 200)],
)  # fmt: skip
def test_a_request_that_is_no_request_for_files_is_refused(
    server: Server[Replay], method: str, path: str, status: int
) -> None:
    assert send(server.url, path=path, method=method).status == status


@pytest.mark.parametrize(
    ("kind", "body"),
    [("text/plain", b"hello"), ("multipart/form-data", b"--x\r\n\r\nhello\r\n--x--"),
     ("multipart/form-data; boundary=x", b"hello"), ("multipart/form-data; boundary=x", b"--x--"),
     ("multipart/form-data; boundary=x", b"--x\r\nno: name\r\n\r\nhello\r\n--x--\r\n")],
)  # fmt: skip
def test_a_form_without_a_file_in_it_is_refused(kind: str, body: bytes) -> None:
    request = Request("POST", "/v1/files", "", {"content-type": kind}, body, None)
    assert Files().answer(Call(request)) == Problem(
        400, "invalid_request_error", "file: Field required"
    )


def test_uploads_need_the_key_like_everything_else() -> None:
    with serving(key="another-key") as running, pytest.raises(anthropic.AuthenticationError):
        client(running.url).files.upload(file=b"one")


# --- file ids in messages -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "media", "kind"),
    [(paper(), "application/pdf", "document"), (IMAGES / "07_receipt.png", "image/png", "image")],
)
def test_a_file_id_costs_the_tokens_of_its_content(
    sdk: anthropic.Anthropic, path: Path, media: str, kind: str
) -> None:
    made = sdk.files.upload(file=path)
    blocks = held(made.id, kind), inline(path, media, kind)
    asked: list[JSON] = [{k: v for k, v in said([b]).items() if k != "max_tokens"} for b in blocks]
    by_id, by_content = (sdk.messages.count_tokens(**body).input_tokens for body in asked)
    assert by_id == by_content > 500


def test_a_text_file_counts_as_its_text(sdk: anthropic.Anthropic) -> None:
    made = sdk.files.upload(file=("a.txt", b"word " * 1_000, "text/plain"))
    counted = sdk.messages.count_tokens(
        model=HELLO["model"], messages=said([held(made.id)])["messages"]
    )
    assert counted.input_tokens > 1_000


def test_a_recording_is_found_by_the_id_and_its_usage_knows_the_content() -> None:
    with serving() as running:
        name = client(running.url).files.upload(file=paper()).id
    body = said([held(name), {"type": "text", "text": "When?"}])
    with serving(exchange("rules", body, [{"thinking": ""}, "At ten."])) as running:
        sdk = client(running.url)
        with pytest.raises(anthropic.NotFoundError, match=f"File not found: {name}"):
            sdk.messages.create(**body)
        sdk.files.upload(file=paper())
        first = sdk.messages.create(**body)
        assert text_of(first) == "At ten."
        assert first.usage.input_tokens > 2 * 2_000
        assert running.backend.account.journal[-1].request.body["messages"] == body["messages"]
        again = [*body["messages"], first.to_param(), {"role": "user", "content": "Sure?"}]
        with pytest.raises(anthropic.APIStatusError) as missed:  # no rule objects to the thinking
            sdk.messages.create(**body | {"messages": again})
        assert missed.value.status_code == 421


def test_a_file_of_the_wrong_kind_is_refused(sdk: anthropic.Anthropic) -> None:
    made = sdk.files.upload(file=paper())
    only = "Unsupported image file format: application/pdf"
    with pytest.raises(anthropic.BadRequestError, match=only):
        sdk.messages.create(**said([held(made.id, "image")]))


def test_files_outlive_a_new_start_of_the_lesson(
    server: Server[Replay], sdk: anthropic.Anthropic
) -> None:
    made = sdk.files.upload(file=b"one")
    server.backend.start(server.backend.lesson.recorded)
    assert sdk.files.retrieve_metadata(made.id).id == made.id


@pytest.mark.parametrize("odd", [None, 7, [], {}, ["file_1"], "file_nobody"])
def test_no_file_id_however_odd_makes_the_server_fail(
    server: Server[Replay], sdk: anthropic.Anthropic, odd: Any
) -> None:
    sdk.files.upload(file=b"one")
    for body in (said([held(odd)]), {"messages": odd}, {"model": HELLO["model"]}):
        assert send(server.url, body).status in {400, 404}


# --- tokens of pictures and documents -------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "standard", "high"),
    [((200, 200), 64, 64), ((1_000, 1_000), 1_296, 1_296), ((1_920, 1_080), 1_560, 2_691),
     ((2_000, 2_000), 1_521, 4_761), ((3_840, 2_160), 1_560, 4_784), ((1, 9_000), 56, 92)],
)  # fmt: skip
def test_a_picture_costs_what_the_vision_page_says(
    size: tuple[int, int], standard: int, high: int
) -> None:
    assert estimate.image_tokens(*size, high_res=False) == standard
    assert estimate.image_tokens(*size) == high
    assert estimate.image_tokens(*reversed(size)) == high


def test_a_picture_is_shrunk_to_the_size_that_the_coordinates_page_says() -> None:
    assert estimate.resized(1_075, 1_520, high_res=False) == (924, 1_307)
    assert estimate.resized(1_920, 1_080, high_res=False) == (1_456, 819)
    assert estimate.resized(1_920, 1_080) == (1_920, 1_080)


def test_citations_and_pages_cost_more() -> None:
    asked = [
        {k: v for k, v in said([block]).items() if k != "max_tokens"}
        for block in (
            document(),
            document(citations={"enabled": True}),
            document(citations={"enabled": False}),
        )
    ]
    plain, cited, off = (estimate.request_tokens(body) for body in asked)
    assert off == plain < cited
    assert media.pdf_pages(paper().read_bytes()) == 2
    assert media.pdf_pages(b"%PDF-1.7 /Type /Pages, packed") == 1


def document(**more: Any) -> JSON:
    source = {"type": "text", "media_type": "text/plain", "data": "A note."}
    return {"type": "document", "source": source, **more}


# --- the papers of lesson 07 ----------------------------------------------------------------


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_pictures", DATA / "make_pictures.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_papers_are_small_and_are_what_the_script_makes(
    maker: ModuleType, tmp_path: Path
) -> None:
    maker.make(tmp_path, tmp_path)
    assert sorted(path.name for path in tmp_path.glob("07_*")) == [f"07_{n}" for n in PAPERS]
    assert (tmp_path / paper().name).read_bytes() == paper().read_bytes()
    for made in tmp_path.glob("07_*"):
        kept = IMAGES / made.name
        assert kept.stat().st_size < 100_000, made.name
        with Image.open(made) as new, Image.open(kept) as old:  # another Pillow: other bytes
            apart = ImageStat.Stat(ImageChops.difference(new.convert("L"), old.convert("L")))
            assert new.size == old.size and max(apart.mean) < 2, made.name


def test_the_receipt_adds_up_and_the_photo_is_the_receipt_on_its_side(maker: ModuleType) -> None:
    assert sum(amount for _, _, amount in maker.RECEIPT) == maker.TOTAL
    with Image.open(IMAGES / "07_photo.jpg") as photo:
        upright = ImageOps.exif_transpose(photo)
        assert photo.size == upright.size[::-1] == (3_264, 2_448)


def test_the_form_has_the_faults_that_can_be_measured(maker: ModuleType) -> None:
    with Image.open(IMAGES / "07_form.png") as form:
        raw = form.convert("RGB").tobytes()
    colours = {f"#{raw[at : at + 3].hex()}" for at in range(0, len(raw), 3)}
    assert {maker.PALE, maker.BUTTON, "#ffffff"} <= colours


def test_the_pdf_is_whole() -> None:
    raw = paper().read_bytes()
    start = int(raw.split(b"startxref\n")[1].split()[0])
    assert raw[start:].startswith(b"xref\n")
    places = re.findall(rb"(\d{10}) 00000 n ", raw)
    for number, place in enumerate(places, 1):
        assert raw[int(place) :].startswith(b"%d 0 obj\n" % number)
    for length, text in re.findall(rb"/Length (\d+) >>\nstream\n(.*?)\nendstream", raw, re.S):
        assert len(text) == int(length)
    assert len(places) == 7


def test_each_form_in_which_the_receipt_is_recorded_is_the_receipt(maker: ModuleType) -> None:
    recording = json.loads((ROOT / "recordings" / "07_vision.json").read_text(encoding="utf-8"))
    entries = [*recording["exchanges"], *recording["variants"]]
    texts = {each["name"]: each["replies"][0][-1] for each in entries}
    items = [(str(count), item, f"{amount:.2f}") for count, item, amount in maker.RECEIPT]

    lines = [tuple(line.split(" | ")) for line in texts["receipt lines"].splitlines()]
    assert lines == [*items, ("1", "TOTAL", f"{maker.TOTAL:.2f}")]
    assert list(csv.reader(texts["receipt: as CSV"].splitlines()))[1:] == [[*row] for row in items]
    rows = [row.strip("| ").split(" | ") for row in texts["receipt: as a table"].splitlines()]
    assert rows[2:-1] == [[*row] for row in items]
    objects = json.loads(texts["receipt: as JSON"])
    found = [(str(each["count"]), each["item"], f"{each['amount']:.2f}") for each in objects]
    assert found == items


def test_what_is_cited_in_the_recording_stands_on_its_page(maker: ModuleType, covers: Any) -> None:
    recording = json.loads((ROOT / "recordings" / "07_vision.json").read_text(encoding="utf-8"))
    blocks = [b for each in recording["exchanges"] for reply in each["replies"]
              if isinstance(reply, list) for b in reply if isinstance(b, dict)]  # fmt: skip
    cited = [citation for block in blocks for citation in block.get("citations", [])]
    for citation in cited:
        page = citation["start_page_number"]
        assert citation["end_page_number"] == page + 1
        assert citation["cited_text"] in " ".join(maker.RULES[page - 1][1])
    covers(f"cited passages of lesson 07 found on their page: {len(cited)}")
    assert len(cited) > 2


def test_a_picture_from_memory_is_sent_like_a_file(sdk: anthropic.Anthropic) -> None:
    held_in_memory = io.BytesIO((IMAGES / "07_chart.png").read_bytes())
    with pytest.raises(anthropic.APIStatusError) as missed:
        sdk.messages.create(**said([inline(held_in_memory, "image/png", "image")]))  # type: ignore[arg-type]
    assert missed.value.status_code == 421  # well-formed: only the recording is missing
