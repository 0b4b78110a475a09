"""The names that the header `anthropic-beta` takes, and the fields that some of them open.

Names are those of SDK 2.14, and older ones that pages, SDKs and Claude Code named: the API goes
on taking them (docs beta-headers, 2026). Anything else gets a 400.
"""

from __future__ import annotations

# SDK 2.14.0, 24 November 2026: `anthropic.types.AnthropicBetaParam`.
SDK = """
    computer-use-2024-10-22 computer-use-2025-01-24 output-128k-2025-02-19
    mcp-client-2025-04-04 mcp-client-2025-11-20 dev-full-thinking-2025-05-14
    interleaved-thinking-2025-05-14 code-execution-2025-05-22 context-1m-2025-08-07
    context-management-2025-06-27 model-context-window-exceeded-2025-08-26
    fast-mode-2026-02-01 output-300k-2026-03-24 user-profiles-2026-03-24
    user-profiles-2026-08-18 user-profiles-2026-09-04 advisor-tool-2026-03-01
    managed-agents-2026-04-01 dreaming-2026-04-21 thinking-token-count-2026-05-13
    server-side-fallback-2026-06-01 server-side-fallback-2026-07-01
    fallback-credit-2026-06-01 fallback-credit-2026-07-01 agent-memory-2026-07-22
    mid-conversation-tool-changes-2026-07-01 compact-2026-01-12 computer-use-2025-11-24
    mcp-tunnels-2026-06-22 structured-outputs-2025-11-13 task-budgets-2026-03-13
    thinking-display-updates-2026-08-18 mid-conversation-output-config-2026-07-01
    thinking-binding-controls-2026-08-01 mid-conversation-system-clear-at-2026-08-21
    compact-2026-09-04 inline-tools-2026-09-15 mcp-client-2026-09-15
    ce-plugins-2026-09-01 spend-limit-reads-2026-09-26
    telemetry-destinations-2026-08-11 webhooks-2026-10-07
    admin-user-sign-out-2026-10-08 message-threads-2026-08-12
    analytics-usage-cost-2026-08-24 experimental-claude-tag-2026-10-21
    message-batches-2024-09-24 prompt-caching-2024-07-31 pdfs-2024-09-25
    token-counting-2024-11-01 token-efficient-tools-2025-02-19 files-api-2025-04-14
    extended-cache-ttl-2025-04-11 skills-2025-10-02 cache-diagnosis-2026-04-07
    ce-user-management-2026-07-13 ce-claude-code-managed-settings-2026-10-06
    efs-2026-10-01 google-managed-data-controls-2026-09-01
    user-profiles-billing-2026-10-01
"""
# No longer in that list, or never there: pages and SDKs of 2023 to 2026, lists of Claude Code's
# names published in 2026. Whether each is still taken is not established, so all of them pass.
OLDER = """
    messages-2023-12-15 tools-2024-04-04 tools-2024-05-16
    max-tokens-3-5-sonnet-2024-07-15 fine-grained-tool-streaming-2025-05-14
    search-results-2025-06-09 web-search-2025-03-05 web-fetch-2025-09-10
    code-execution-2025-08-25 code-execution-web-tools-2026-02-09
    structured-outputs-2025-09-17 structured-outputs-2025-12-15
    advanced-tool-use-2025-11-20 tool-search-tool-2025-10-19 tool-examples-2025-10-29
    effort-2025-11-24 adaptive-thinking-2026-01-28 prompt-caching-scope-2026-01-05
    prompt-caching-evict-2026-05-12 redact-thinking-2026-02-12
    token-efficient-tools-2026-03-28 afk-mode-2026-01-31 context-hint-2026-04-09
    mcp-servers-2025-12-04 environments-2025-11-01 ccr-byoc-2025-07-29
    mid-conversation-system-2026-04-07 per-turn-control-2026-07-01
    summarize-connector-text-2026-03-13 claude-code-20250219 oauth-2025-04-20
    memory-tool-2025-08-18
"""
NAMES = frozenset(SDK.split()) | frozenset(OLDER.split())

# Field: how the names begin that open it.
OPENS = {
    "billing_policy": ("user-profiles-",),
    "block_binding": ("thinking-binding-controls-",),
    "clear_at": ("mid-conversation-",),
    "compaction": ("compact-",),
    "context_management": ("context-management-", "compact-"),
    "display_updates": ("thinking-display-updates-",),
    "fallback_credit_token": ("fallback-credit-", "server-side-fallback-"),
    "fallbacks": ("server-side-fallback-",),
    "mcp_servers": ("mcp-client-",),
    "output_format": ("structured-outputs-",),
    "task_budget": ("task-budgets-",),
    "thread": ("message-threads-",),
}


def asked(header: str) -> list[str]:
    """The names in the header, as they were sent."""
    return [name.strip() for name in header.split(",")]


def unknown(header: str) -> list[str]:
    """The names that the API does not know; [""] for a header that is there and empty.

    An empty name beside others (`a,,b`) passes: what the API says to it is not established.
    """
    names = asked(header)
    given = [name for name in names if name]
    if not given:
        return [""]
    return [name for name in given if name not in NAMES]


def opened(header: str) -> frozenset[str]:
    """The fields that the names in the header open."""
    names = asked(header)
    return frozenset(
        field for field, heads in OPENS.items() if any(name.startswith(heads) for name in names)
    )
