"""The Models API: the dated table of models as the service shows it."""

from __future__ import annotations

from typing import Any

from courseserver import facts
from courseserver.call import Call
from courseserver.facts import EFFORTS, THINKING, Model
from courseserver.values import JSON


def answer(call: Call) -> JSON:
    """The reply's body: one model, or the list with the newest first."""
    if call.resource:
        return entry(facts.model(call.resource))
    dated = sorted(facts.MODELS.values(), key=lambda m: str(m.released or ""), reverse=True)
    data = [entry(model) for model in dated]
    return {
        "data": data,
        "has_more": False,
        "first_id": data[0]["id"],
        "last_id": data[-1]["id"],
    }


def entry(model: Model) -> JSON:
    """The entry of GET /v1/models, in the shape of SDK 2.14's `ModelInfo`."""

    def support(**parts: bool) -> dict[str, Any]:
        every: dict[str, Any] = {name: {"supported": yes} for name, yes in parts.items()}
        return {"supported": any(parts.values()), **every}

    names = "batch citations image_input pdf_input structured_outputs"
    can: dict[str, Any] = {name: {"supported": True} for name in names.split()}
    can["code_execution"] = {"supported": "haiku-4-5" not in model.id}
    edits = {"clear_tool_uses_20250919": True, "clear_thinking_20251015": True}
    can["context_management"] = support(**edits, compact_20260112=not model.prefill)
    can["effort"] = support(**{level: level in model.efforts for level in EFFORTS})
    can["server_tools"] = support(web_search=True, code_execution=True)
    types = support(**{kind: kind in model.thinking for kind in THINKING})
    can["thinking"] = {"supported": types.pop("supported"), "types": types}
    ends = model.retires_not_before if model.deprecated else None
    return {
        "type": "model",
        "id": model.id,
        "display_name": model.name,
        "created_at": f"{model.released or '1970-01-01'}T00:00:00Z",
        "lifecycle": "deprecated" if model.deprecated else "active",
        "deprecated_at": f"{model.deprecated}T00:00:00Z" if model.deprecated else None,
        "retires_at": f"{ends}T00:00:00Z" if ends else None,
        "line": model.id.split("-")[1],
        "max_input_tokens": model.window,
        "max_tokens": model.max_output,
        "capabilities": can,
    }
