"""Rules about the HTTP request: size, endpoint, key, version, JSON, the shape of the body."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping

from courseserver import betas, body, facts, schema
from courseserver.call import Call
from courseserver.rules.rule import DIRECT, ERRORS, OURS, TALK, Objections, rule
from courseserver.values import Problem

EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[a-zA-Z]{2,}")


@rule("quoted reply, 2025-04-14; limits: " + ERRORS)
def body_too_large(call: Call) -> Objections:
    if len(call.request.raw) > facts.MAX_BODY_BYTES.get(call.kind, 32 * facts.MEGABYTE):
        yield Problem(413, "request_too_large", "Request exceeds the maximum size")


@rule(f"path: a quoted reply of about July 2026; method: {OURS}")
def endpoint(call: Call) -> Objections:
    if not call.kind:
        yield Problem(404, "not_found_error", "Not found")
    elif call.method not in call.endpoint.methods:
        yield Problem(405, "invalid_request_error", "Method Not Allowed")


@rule("n8n#37930, 2026-09-07; recorded 2026-08-19; openclaw#54350, 2026 (bearer)")
def key(call: Call) -> Objections:
    problem = key_problem(call.headers, call.expected_key)
    if problem:
        yield problem


def key_problem(headers: Mapping[str, str], expected: str | None) -> Problem | None:
    """What is wrong with the key of a request; `expected` None accepts any."""
    direct = headers.get("x-api-key")
    bearer = headers.get("authorization")
    if not direct and not bearer:
        return Problem(401, "authentication_error", "x-api-key header is required")
    sent = direct or (bearer or "").partition(" ")[2]  # x-api-key wins when both are there
    if expected is None or hmac.compare_digest(sent.encode(), expected.encode()):
        return None
    words = "invalid x-api-key" if direct else "Invalid bearer token"
    return Problem(401, "authentication_error", words)


@rule("Marinara-Engine#120, 2026-04-19; 9router#1227, 2026-05-17")
def version(call: Call) -> Objections:
    asked = call.headers.get("anthropic-version")
    if not asked:
        yield "anthropic-version: header is required"
    if asked not in (facts.API_VERSION, *facts.OLD_API_VERSIONS):
        yield f'anthropic-version: "{asked}" is not a valid version'


@rule("docs beta-headers, 2026, and direct API, run of 2026-08-30; empty: anthropix#15, undated",
      *TALK, "batches")  # fmt: skip
def beta(call: Call) -> Objections:
    if "anthropic-beta" not in call.headers:
        return
    if unknown := betas.unknown(call.betas):
        names = ", ".join(f"`{name}`" for name in unknown)
        yield (
            f"Unexpected value(s) {names} for the `anthropic-beta` header. Please consult our "
            "documentation at platform.claude.com/docs or try again without the header."
        )


@rule(f"SDK 2.14: codes and what they mean; {OURS}", *TALK, "batches", "files")
def encoding(call: Call) -> Objections:
    try:
        body.decoded(call.headers, call.request.raw)
    except body.EncodingError as fault:
        kind = "invalid_request_error" if fault.status == 400 else "request_too_large"
        yield Problem(fault.status, kind, str(fault), {"error_code": fault.code})


@rule("claude-code#9586, 2025-10-15, and #60394, 2026-05-19 (half an emoji); after the colon each "
      "parser has its own words", *TALK, "batches")  # fmt: skip
def not_json(call: Call) -> Objections:
    try:
        if call.value is None and (call.kind in TALK or call.request.raw):
            body.read(call.request.raw)
    except ValueError as error:
        yield f"The request body is not valid JSON: {error}"


@rule(f"fields: SDK 2.11; words: {DIRECT}", *TALK)
def shape(call: Call) -> Objections:
    counting = call.kind == "count_tokens"
    sampling = call.old and not counting
    fault = schema.first_fault(call.value, counting=counting, opened=call.opened, sampling=sampling)
    if fault:
        yield fault


@rule("recorded 2026-08-10 (empty); anthropic-sdk-python#1220, 2026-03-04 (id too long); "
      f"an id twice: {OURS}", "batches")  # fmt: skip
def batch(call: Call) -> Objections:
    if call.method != "POST" or call.endpoint.name != "batches":
        return
    if fault := schema.batch_fault(call.value):
        yield fault
    names = [each["custom_id"] for each in call.body["requests"]]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        yield f"requests: custom_id must be unique within a batch, '{twice}' is not"


@rule("recorded to 2026; a retired id: Shopify/shop-chat-agent#69, July 2026", *TALK, "models")
def unknown_model(call: Call) -> Objections:
    name = call.body.get("model") or call.resource
    if name and facts.ALIASES.get(name, name) not in facts.SERVED:
        yield Problem(404, "not_found_error", f"model: {name}")


@rule("litellm#10106, 2025-04-17; its sentence goes on, how is not established", "messages")
def user_id(call: Call) -> Objections:
    if EMAIL.search(call.part("metadata", "user_id") or ""):
        yield (
            "metadata.user_id: user_id appears to contain an email address. Please send a uuid "
            "or hash value instead."
        )


@rule("direct API, published run of 2026-08-30", "messages")
def inference_geo(call: Call) -> Objections:
    place = call.body.get("inference_geo")
    if place is not None and place not in ("global", "us"):
        yield "inference_geo: must be one of ['global', 'us']"
