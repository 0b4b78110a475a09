"""The tools that the API defines: their types, names and fields, as SDK 2.14 has them.

A table and nothing else; tests hold it against the installed SDK. `schema` makes the check of it.
"""

from __future__ import annotations

from dataclasses import dataclass

# The kinds of a field: b yes or no, i whole number, t list of texts, s text, a anything; in
# capitals it may also be null.
COMMON = "allowed_callers:t defer_loading:b strict:b"
DOMAINS = "allowed_domains:T blocked_domains:T max_uses:I"
SEARCH = f"{COMMON} {DOMAINS} user_location:A"
FETCH = f"{COMMON} {DOMAINS} citations:A max_content_tokens:I url_sources:A"
SIZES = "display_height_px:i display_width_px:i"
COMPUTER = f"{COMMON} {SIZES} display_number:I input_examples:a"


@dataclass(frozen=True)
class ToolType:
    """What a tool of one type holds. `fields`: name -> kind; `required` without the name."""

    name: str  # "": it has none
    fields: dict[str, str]
    required: tuple[str, ...] = ()


def _type(name: str, fields: str, required: str = "") -> ToolType:
    kinds: dict[str, str] = {}
    for field in fields.split():
        key, _, kind = field.partition(":")
        kinds[key] = kind
    return ToolType(name, kinds, tuple(required.split()))


_sizes = "display_height_px display_width_px"
_editor = f"{COMMON} input_examples:a"
TYPES = {
    "advisor_20260301": _type("advisor", f"{COMMON} model:s caching:A max_tokens:I max_uses:I",
                              "model"),
    "bash_20241022": _type("bash", _editor),
    "bash_20250124": _type("bash", _editor),
    "browser_toolset_20260801": _type("", "configs:A"),
    "code_execution_20250522": _type("code_execution", COMMON),
    "code_execution_20250825": _type("code_execution", COMMON),
    "code_execution_20260120": _type("code_execution", COMMON),
    "code_execution_20260521": _type("code_execution", COMMON),
    "computer_20241022": _type("computer", COMPUTER, _sizes),
    "computer_20250124": _type("computer", COMPUTER, _sizes),
    "computer_20251124": _type("computer", f"{COMPUTER} enable_zoom:b", _sizes),
    "computer_toolset_20260801": _type("", "configs:A"),
    "mcp_toolset": _type("", "mcp_server_name:s configs:A default_config:a tools:A",
                         "mcp_server_name"),
    "memory_20250818": _type("memory", _editor),
    "text_editor_20241022": _type("str_replace_editor", _editor),
    "text_editor_20250124": _type("str_replace_editor", _editor),
    "text_editor_20250429": _type("str_replace_based_edit_tool", _editor),
    "text_editor_20250728": _type("str_replace_based_edit_tool",
                                  f"{_editor} max_characters:I"),
    "tool_search_tool_bm25": _type("tool_search_tool_bm25", COMMON),
    "tool_search_tool_bm25_20251119": _type("tool_search_tool_bm25", COMMON),
    "tool_search_tool_regex": _type("tool_search_tool_regex", COMMON),
    "tool_search_tool_regex_20251119": _type("tool_search_tool_regex", COMMON),
    "web_fetch_20250910": _type("web_fetch", FETCH),
    "web_fetch_20260209": _type("web_fetch", FETCH),
    "web_fetch_20260309": _type("web_fetch", f"{FETCH} use_cache:b"),
    "web_fetch_20260318": _type("web_fetch", f"{FETCH} use_cache:b response_inclusion:s"),
    "web_search_20250305": _type("web_search", SEARCH),
    "web_search_20260209": _type("web_search", SEARCH),
    "web_search_20260318": _type("web_search", f"{SEARCH} response_inclusion:s"),
}  # fmt: skip

# No model that is served takes these any more (docs api/errors, 2026-09-26).
OF_2024 = ("bash_20241022", "computer_20241022", "text_editor_20241022")
# The models of the 5.5 generation, and Fable 5.2, have computer use as a toolset only (docs
# errors, October 2026). Which of the earlier types each earlier model takes is not established.
NO_COMPUTER = ("computer_20250124", "computer_20251124")
TOOLSET_ONLY = ("-5-5", "fable-5-2")


def unsupported(kind: str, model: str) -> bool:
    """Whether a model does not take a tool type that the API knows."""
    if kind in OF_2024:
        return True
    return kind in NO_COMPUTER and model.endswith(TOOLSET_ONLY)
