"""Nothing that a client can send ends in a 500, a closed connection or a traceback.

Requests are made wrong in a thousand ways, from a fixed seed, and sent over real HTTP and through
the in-process adapter: to recordings, to a staged reply, and to every other endpoint.
"""

from __future__ import annotations

import base64
import copy
import gzip
import http.client
import json
import logging
import random
import zlib
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import anthropic
import httpx2
import pytest

from courseserver import facts, inprocess, loopback
from courseserver.account import Account
from courseserver.body import MOST_LEVELS
from courseserver.replay import Replay
from tests.support import HELLO, PATIENCE, client, exchange, headers, recordings

JSON = dict[str, Any]
RECORDED = (exchange("hello", HELLO, [{"thinking": "", "tokens": 20}, "Good morning."]),)
PATHS = (
    "/v1/messages",
    "/v1/messages/count_tokens",
    "/v1/messages/batches",
    "/v1/messages/batches/msgbatch_1",
    "/v1/messages/batches/msgbatch_1/cancel",
    "/v1/messages/batches/msgbatch_1/results",
    "/v1/files",
    "/v1/files/file_1",
    "/v1/files/file_1/content",
    "/v1/models",
    f"/v1/models/{facts.MODEL}",
    "/v1/nothing",
    "/",
)
ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**63, 10**4_000, 0.5, -0.0, 1e308, 1e999, "", " ", "x", "é" * 9,
    "\x00", "😀", "a" * 70_000, [], [None], [[]], [{}], {}, {"type": None}, {"type": []},
    {"type": "text"}, {"type": "text", "text": ""}, {"type": "object", "properties": []},
    {"type": ["object", 1]}, {"": ""}, ["a", 1, {}], {"type": "file", "file_id": []},
)  # fmt: skip
HEADERS: tuple[JSON, ...] = (
    {},
    {"anthropic-version": "2023-06-01"},
    {"anthropic-beta": "structured-outputs-2025-11-13,message-threads-2026-08-12"},
    {"anthropic-beta": "thinking-binding-controls-2026-08-01,mcp-client-2025-11-20"},
    {"anthropic-beta": "mid-conversation-output-config-2026-07-01"},
    {"anthropic-beta": ",,"},
    {"content-type": "multipart/form-data"},
    {"content-type": "multipart/form-data; boundary=x"},
)
SIGNED = base64.b64encode(b"\x08\x02\x12" + bytes(300)).decode()  # as a real model signs
DOT = (  # a picture of one pixel
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5E"
    "rkJggg=="
)
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": False}
RICH: JSON = {
    "model": facts.MODEL,
    "max_tokens": 2_000,
    "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
    "messages": [
        {"role": "user", "content": [
            {"type": "text", "text": "Hello"},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png",
                                         "data": DOT}},
            {"type": "document", "source": {"type": "text", "media_type": "text/plain",
                                            "data": "A note."}},
            {"type": "document", "source": {"type": "content", "content": [
                {"type": "text", "text": "A note."}]}},
            {"type": "search_result", "source": "s", "title": "t",
             "content": [{"type": "text", "text": "found"}]}]},
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "", "signature": SIGNED},
            {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"a": "b"}}]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "toolu_1", "content": [
                {"type": "text", "text": "7 C"}]}]},
        {"role": "assistant", "content": "Cold."},
        {"role": "user", "content": "Thanks."},
    ],
    "tools": [
        {"name": "weather", "description": "d", "strict": True, "input_schema": SCHEMA},
        {"type": "web_search_20250305", "name": "web_search", "allowed_domains": ["a.org"]},
    ],
    "tool_choice": {"type": "auto"},
    "thinking": {"type": "adaptive"},
    "output_config": {"effort": "low", "format": {"type": "json_schema", "schema": SCHEMA}},
    "stop_sequences": ["END"],
    "metadata": {"user_id": "u"},
}  # fmt: skip
BATCH: JSON = {
    "requests": [{"custom_id": "a", "params": HELLO}, {"custom_id": "b", "params": RICH}]
}


def deep(levels: int, inner: str = "[]") -> str:
    """JSON that is nested so deep."""
    return '{"a":' * levels + inner + "}" * levels


def about(content: str) -> bytes:
    """A message whose content is this JSON text."""
    whole = {**HELLO, "messages": [{"role": "user", "content": "HERE"}]}
    return json.dumps(whole).replace('"HERE"', content).encode()


def with_schema(schema: str) -> bytes:
    """A message with a tool whose schema holds this JSON text."""
    tool = {"name": "f", "input_schema": {"type": "object", "properties": {"x": "HERE"}}}
    return json.dumps({**HELLO, "tools": [tool]}).replace('"HERE"', schema).encode()


def called_with(value: str) -> bytes:
    """A conversation with a call whose input holds this JSON text."""
    use = {"type": "tool_use", "id": "t", "name": "f", "input": {"x": "HERE"}}
    back = {"type": "tool_result", "tool_use_id": "t", "content": "x"}
    turns = [*HELLO["messages"], {"role": "assistant", "content": [use]},
             {"role": "user", "content": [back]}]  # fmt: skip
    return json.dumps({**HELLO, "messages": turns}).replace('"HERE"', value).encode()


PNG = "iVBORw0KGgoAAAANSUhEUg"
BODIES: dict[str, bytes] = {
    "nothing": b"",
    "white space": b" \n",
    "null": b"null",
    "a number": b"1",
    "a text": b'"x"',
    "a list": b"[]",
    "cut": b'{"model": ',
    "two values": b"{}{}",
    "NaN": b'{"max_tokens": NaN}',
    "Infinity": b'{"max_tokens": -Infinity}',
    "NaN in an input": called_with("NaN"),
    "a number beyond all": called_with("1e999"),
    "a key twice": b'{"model": "a", "model": "b"}',
    "many digits": b'{"max_tokens": ' + b"9" * 5_000 + b"}",
    "digits that can be read": b'{"max_tokens": ' + b"9" * 4_200 + b"}",
    "latin-1": '{"model": "é"}'.encode("latin-1"),
    "half an emoji, escaped": about('"a \\ud83d b"'),
    "half an emoji in a key": called_with('{"\\ud83d": 1}'),
    "half an emoji, in bytes": about('"x"').replace(b"x", b"\xed\xa0\xbd"),
    "utf-16": json.dumps(HELLO).encode("utf-16"),
    "utf-16 with half an emoji": json.dumps(HELLO).replace("Hello", "\ud83d").encode(
        "utf-16", "surrogatepass"),
    "a byte order mark": b"\xef\xbb\xbf" + json.dumps(HELLO).encode(),
    "zero bytes": bytes(300),
    "a deep list": b"[" * 20_000,
    "a deep list, closed": b"[" * 20_000 + b"]" * 20_000,
    **{f"{what}, {levels} levels deep": make(deep(levels))
       for levels in (50, 150, 190, 400, 900, 5_000)
       for what, make in (("a schema", with_schema), ("an input", called_with), ("a text", about))},
    "a schema of schemas": with_schema(
        '{"type":"object","properties":{"x":' * 90 + "{}" + "}}" * 90),
    "a schema of lists": with_schema('{"anyOf":[' * 90 + "{}" + "]}" * 90),
    "a document in a document": about(
        '[{"type":"tool_result","tool_use_id":"x","content":' * 60 + '""' + "}]" * 60),
    "a picture that is cut": about(json.dumps([{"type": "image", "source": {
        "type": "base64", "media_type": "image/png", "data": PNG + "=="}}])),
    "a form": b'--x\r\ncontent-disposition: form-data; name="file"\r\n\r\nA\r\n--x--\r\n',
    "a form without an end": b'--x\r\ncontent-disposition: form-data; name="file"\r\n\r\nA',
    "a form without a head": b"--x\r\n\r\n\r\n--x--\r\n",
    "an empty form": b"--x--\r\n",
    "a form with an odd head":
        b"--x\r\n\xff\xfe: \x00\r\ncontent-disposition: \xff\r\n\r\nA\r\n--x--",
}  # fmt: skip
TYPES = ("application/json", "text/plain", "", "multipart/form-data",
         "multipart/form-data; boundary",
         'multipart/form-data; boundary="', "multipart/form-data; boundary=x",
         "multipart/form-data; boundary=" + "y" * 300, "multipart/mixed; boundary=x",
         "application/x-www-form-urlencoded")  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value in a JSON value."""
    if path:
        yield path
    inner: Any = value.items() if isinstance(value, dict) else ()
    if isinstance(value, list):
        inner = enumerate(value)
    for key, item in inner:
        yield from places(item, (*path, key))


def changed(whole: Any, rng: random.Random) -> Any:
    """A copy in which one to three places are odd, missing, or stand twice."""
    made = copy.deepcopy(whole)
    for _ in range(rng.randint(1, 3)):
        ways = list(places(made))
        if not ways:
            return made
        *way, last = rng.choice(ways)
        holder = made
        for step in way:
            holder = holder[step]
        kind = rng.random()
        if kind < 0.7:
            holder[last] = copy.deepcopy(rng.choice(ODD))
        elif kind < 0.85:
            del holder[last]
        elif isinstance(holder, list):
            holder.append(copy.deepcopy(holder[last]))
        else:
            holder[f"{last}_"] = holder[last]
    return made


def replay() -> tuple[Replay, str]:
    """A backend with a recording, and the path of a staged reply in it."""
    made = Replay(Account())
    made.start(recordings(*RECORDED))
    told = [{"thinking": "hm", "tokens": 9}, "Hi", {"tool": "weather", "input": {"a": "b"}}]
    return made, made.account.stage("fuzz", (told,))


Send = Callable[[str, str, JSON, bytes], tuple[int, bytes]]


@pytest.fixture(params=["loopback", "in process"])
def send(request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture) -> Iterator[Send]:
    """Sends one request and returns status and body; a traceback in a log fails the test."""
    backend, staged = replay()
    if request.param == "loopback":
        server = loopback.Server(backend)
        parts = urlsplit(server.url)
        line = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=PATIENCE)

        def ask(method: str, path: str, head: JSON, raw: bytes) -> tuple[int, bytes]:
            line.request(method, path.replace("/STAGED", staged), raw, head)
            came = line.getresponse()
            return came.status, came.read()

        stop = [line.close, server.stop]
    else:
        inside = inprocess.Server(backend)
        sdk = httpx2.Client(base_url=inside.url)

        def ask(method: str, path: str, head: JSON, raw: bytes) -> tuple[int, bytes]:
            came = sdk.request(method, path.replace("/STAGED", staged), headers=head, content=raw)
            return came.status_code, came.content

        stop = [sdk.close, inside.stop]
    with caplog.at_level(logging.WARNING):
        yield ask
    for each in stop:
        each()
    loud = [record.getMessage() for record in caplog.records]
    assert not loud, loud


def check(method: str, status: int, body: bytes) -> None:
    """A reply in words: an error of the API's form, or what was asked for."""
    assert status < 500, body
    if status >= 400 and method != "HEAD":
        assert json.loads(body)["error"]["message"]


@pytest.mark.parametrize("whole", ["rich", "hello", "batch"])
def test_a_request_made_wrong_at_random_gets_an_answer(send: Send, whole: str) -> None:
    rng = random.Random(f"fuzz {whole}")
    body = {"rich": RICH, "hello": {**HELLO, "stream": True}, "batch": BATCH}[whole]
    paths = ["/v1/messages", "/STAGED/v1/messages", "/v1/messages/count_tokens"]
    if whole == "batch":
        paths = ["/v1/messages/batches", "/STAGED/v1/messages/batches"]
    seen: dict[int, int] = {}
    for number in range(300):
        raw = json.dumps(changed(body, rng)).encode()
        head = headers() | rng.choice(HEADERS)
        status, came = send("POST", paths[number % len(paths)], head, raw)
        check("POST", status, came)
        seen[status] = seen.get(status, 0) + 1
    print(f"covered: {whole}: {seen}")
    assert len(seen) > 1, "all requests met the same end"
    status, came = send("POST", paths[1], headers(), json.dumps(body).encode())
    assert status == 200, came  # what is made wrong was right


@pytest.mark.parametrize("name", BODIES)
def test_an_odd_body_gets_an_answer(send: Send, name: str) -> None:
    for path in ("/v1/messages", "/STAGED/v1/messages", "/v1/messages/count_tokens",
                 "/v1/messages/batches", "/v1/files"):  # fmt: skip
        for kind in ("application/json", "multipart/form-data; boundary=x"):
            status, came = send("POST", path, headers() | {"content-type": kind}, BODIES[name])
            check("POST", status, came)


@pytest.mark.parametrize("kind", TYPES)
def test_an_odd_content_type_gets_an_answer(send: Send, kind: str) -> None:
    for path in ("/v1/files", "/v1/messages", "/v1/messages/batches/x/cancel", "/nowhere"):
        for name in ("nothing", "a form", "a form without an end", "a form without a head",
                     "an empty form", "a form with an odd head", "zero bytes"):  # fmt: skip
            head = headers() | {"content-type": kind}
            status, came = send("POST", path, head, BODIES[name])
            check("POST", status, came)


@pytest.mark.parametrize("method", ["HEAD", "GET", "PUT", "DELETE", "OPTIONS", "PATCH", "POST"])
def test_every_method_on_every_path_gets_an_answer(send: Send, method: str) -> None:
    for path in PATHS:
        status, came = send(method, path, headers(), b"")
        check(method, status, came)
        if method == "HEAD":
            assert came == b""


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=abc", "limit=", "limit=" + "9" * 5_000, "limit=-1", "limit=²", "limit=1001",
     "page=x", "page=page_" + "9" * 5_000, "page=page_²", "after_id=x", "before_id=x", "ids=",
     "after_id=x&before_id=x", "%FF%00", "&&&=", "limit=1;limit=2"],
)  # fmt: skip
def test_an_odd_query_gets_an_answer(send: Send, query: str) -> None:
    for path in ("/v1/models", "/v1/files", "/v1/messages/batches", "/v1/messages"):
        quoted = query.replace("²", "%C2%B2")
        check("GET", *send("GET", f"{path}?{quoted}", headers(), b""))


def test_an_upload_with_an_odd_lifetime_gets_an_answer(send: Send) -> None:
    for seconds in ("²", "9" * 5_000, "-1", "1.5", "\x00", ""):
        part = f'--x\r\ncontent-disposition: form-data; name="expires_in_seconds"\r\n\r\n{seconds}'
        raw = part.encode() + b"\r\n" + BODIES["a form"]
        head = headers() | {"content-type": "multipart/form-data; boundary=x"}
        check("POST", *send("POST", "/v1/files", head, raw))


BOMB = gzip.compress(bytes(300 * 2**20), 1, mtime=0)
PACKED = json.dumps(HELLO).encode()


def test_a_packed_body_is_read_as_the_plain_one(send: Send) -> None:
    plain = send("POST", "/v1/messages", headers(), PACKED)
    assert plain[0] == 200
    zipped = gzip.compress(PACKED, mtime=0)  # without the time, so that it is always the same
    deflated = zlib.compress(PACKED)
    for coding, raw in (("gzip", zipped), ("GZip", zipped), ("deflate", deflated)):
        assert send("POST", "/v1/messages", headers(content_encoding=coding), raw) == plain


@pytest.mark.parametrize(
    ("coding", "raw", "code", "status"),
    [
        ("br", b"x", "request_body_encoding_unsupported", 400),
        ("gzip, gzip", b"x", "request_body_encoding_unsupported", 400),
        ("gzip", PACKED, "request_body_encoding_invalid", 400),
        ("gzip", gzip.compress(PACKED, mtime=0)[:-9], "request_body_encoding_invalid", 400),
        ("gzip", BOMB, "request_body_too_large_after_decoding", 413),
    ],
)  # fmt: skip
def test_a_body_that_cannot_be_unpacked_is_refused_with_the_sdks_code(
    send: Send, coding: str, raw: bytes, code: str, status: int
) -> None:
    came, body = send("POST", "/v1/messages", headers(content_encoding=coding), raw)
    assert came == status
    assert json.loads(body)["error"]["details"] == {"error_code": code}


def test_what_is_nested_as_deep_as_allowed_meets_the_rules_and_one_more_is_not_json(
    send: Send,
) -> None:
    around = len("{messages: [{content: [{input: {x:") and 6  # levels around the value
    for levels, says in ((MOST_LEVELS - around - 1, "no recorded reply"), (MOST_LEVELS, "deep")):
        _, body = send("POST", "/v1/messages", headers(), called_with(deep(levels)))
        assert says in json.loads(body)["error"]["message"]


def test_two_header_lines_of_betas_count_as_one() -> None:
    backend, _ = replay()
    server = loopback.Server(backend)
    try:
        parts = urlsplit(server.url)
        line = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=PATIENCE)
        line.putrequest("POST", "/v1/messages")
        for name, value in headers().items():
            line.putheader(name, value)
        line.putheader("anthropic-beta", "bogus-1")
        line.putheader("anthropic-beta", "context-1m-2025-08-07")
        line.putheader("content-length", str(len(PACKED)))
        line.endheaders(PACKED)
        assert "`bogus-1`" in json.loads(line.getresponse().read())["error"]["message"]
        line.close()
    finally:
        server.stop()


def test_the_sdk_raises_its_own_class_for_a_body_that_cannot_be_unpacked() -> None:
    server = inprocess.Server(replay()[0])
    try:
        with client(server.url) as sdk, pytest.raises(anthropic.BadRequestError) as caught:
            sdk.messages.create(**HELLO, extra_headers={"content-encoding": "br"})
        assert caught.value.error_code == "request_body_encoding_unsupported"
    finally:
        server.stop()
