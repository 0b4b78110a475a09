"""Rules about the HTTP request: size, endpoint, key, version, JSON, the shape of the body."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping

from courseserver import facts, schema
from courseserver.call import Call
from courseserver.rules.rule import DIRECT, ERRORS, OURS, TALK, Objections, rule
from courseserver.values import Problem


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


@rule(
    "claude-code#9586, 2025-10-15; after the colon each parser has its own words", *TALK, "batches"
)
def not_json(call: Call) -> Objections:
    try:
        if call.value is None and (call.kind in TALK or call.request.raw):
            json.loads(call.request.raw)
    except ValueError as error:
        yield f"The request body is not valid JSON: {str(error).replace('Expecting', 'expecting')}"


@rule(f"fields: SDK 2.11; words: {DIRECT}", *TALK)
def shape(call: Call) -> Objections:
    counting, beta = call.kind == "count_tokens", bool(call.betas)
    sampling = call.old and not counting
    body = call.value
    if fault := schema.first_fault(body, counting=counting, beta=beta, sampling=sampling):
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
    if name and facts.ALIASES.get(name, name) not in facts.MODELS:
        yield Problem(404, "not_found_error", f"model: {name}")
