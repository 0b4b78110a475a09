"""Models, prices and limits: the one dated place for numbers that go stale. Standard library only.

It knows nothing of lessons, of the server or of the SDK; everybody may read it.
Where each column comes from (platform.claude.com/docs, copies of October and November 2026):
prices, cache prices, smallest cacheable prompt: prompt-caching, haiku-5-5/overview, release notes
(Fable 5.2 cache prices: three third parties agree); window and longest output: models/overview;
effort, thinking, prefill, forced tools, prefix check: api/errors, thinking-troubleshooting and each
model's migration guide (Opus 4.5's effort levels: the models list of 2 August); retirement:
model-deprecations, 10 October, and the table of SDK 2.14.0, 24 November; whether earlier thinking
is kept: thinking, September. None in a column means unknown or not offered, as its comment says.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

AS_OF = "2026-11-30"
SERVER_DAY = "2026-11-21"  # what the course server's files and batches are dated; no fact
MODEL = "claude-sonnet-5-5"  # what every lesson uses unless it says why not
API_VERSION = "2026-10-21"  # the header anthropic-version; SDK 2.x sends this one
SDK_MAJOR = 2  # of the lock: the lessons are written for this main version of `anthropic`
OLD_API_VERSIONS = ("2023-06-01", "2023-01-01")  # still served

LONG_PROMPT_TOKENS = 100_000
EFFORTS = ("low", "medium", "high", "xhigh", "max")
THINKING = ("adaptive", "enabled", "disabled", "between_tools")
NO_XHIGH = ("low", "medium", "high", "max")


class Prices(NamedTuple):
    """USD per million tokens: fresh input, output, cache writes (5 min, 1 hour), cache reads."""

    input: float
    output: float
    write_5m: float
    write_1h: float
    read: float


@dataclass(frozen=True)
class Model:
    """One model as the API serves it. Prices are US dollars per million tokens, sizes are tokens.

    The defaults are what most models of the 5 series have in common; a row names what differs.
    """

    id: str
    input: float
    output: float
    write_5m: float
    write_1h: float
    read: float
    min_cacheable: int | None  # a shorter prompt is silently not cached; None: unknown
    released: date | None
    retires_not_before: date | None  # of a deprecated model: the announced day; None: unknown
    window: int = 1_000_000
    max_output: int = 128_000
    default_effort: str | None = "high"  # None: the model has no effort setting
    efforts: tuple[str, ...] = EFFORTS
    thinking: tuple[str, ...] = ("adaptive",)  # the values of thinking.type that are accepted
    thinks_by_default: bool = True
    off_needs_high_or_less: bool = False  # thinking off only at effort "high" or below
    default_display: str = "omitted"  # is the thinking text left out, or summarized?
    forced_tools: bool = True  # tool_choice "any" and "tool"; never with manual thinking
    prefix_check: bool = False  # a replayed thinking block is bound to all that stood before it
    prefill: bool = False  # may end on an assistant turn; only when thinking is off
    sampling: bool = False  # temperature, top_p, top_k, under the old API version
    system_turns: bool = True  # role "system" inside messages
    keeps_thinking: bool = True  # thinking of earlier turns stays in context and counts as input
    high_res_images: bool = True  # up to 2576 pixels and 4784 tokens; the newer tokenizer too
    deprecated: date | None = None  # since when; None: active
    long_prompt: Prices | None = None  # all prices of a request over LONG_PROMPT_TOKENS

    @property
    def name(self) -> str:
        """The display name: "Claude Haiku 4.5"."""
        _, line, *numbers = self.id.split("-")
        return f"Claude {line.title()} {'.'.join(n for n in numbers if len(n) < 8)}"

    def prices(self, prompt_tokens: int = 0) -> Prices:
        """The price row for a prompt of that many tokens (cache reads and writes count)."""
        if self.long_prompt and prompt_tokens > LONG_PROMPT_TOKENS:
            return self.long_prompt
        return Prices(self.input, self.output, self.write_5m, self.write_1h, self.read)


MANUAL = ("enabled", "disabled")  # thinking with budget_tokens, or none
CHOICE = ("adaptive", "disabled")


def _old(*row: Any, **differs: Any) -> Model:
    """A model of the 4.5 or 4.6 generation."""
    common = {"thinks_by_default": False, "default_display": "summarized", "sampling": True}
    common |= {"system_turns": False, "high_res_images": False}
    return Model(*row, **{**common, **differs})


# fmt: off
_ROWS = (
    #     id                             in  out   5m    1h   read    smallest cacheable prompt
    #     released          retires not before      what differs from the rest of the 5 series
    Model("claude-fable-5-2",             8, 40, 10.00, 16, 0.20,  None,
          date(2026, 11, 9), None,              forced_tools=False,  # inferred from Fable 5.1
          prefix_check=True),
    Model("claude-fable-5-1",            10, 50, 12.50, 20, 0.25,   512,
          date(2026, 9, 1), date(2027, 9, 1),   forced_tools=False, prefix_check=True),
    Model("claude-opus-5-5",              4, 20,  5.00,  8, 0.20,   512,
          date(2026, 9, 22), date(2027, 9, 22), forced_tools=False, prefix_check=True,
          default_effort="medium"),
    Model("claude-sonnet-5-5",            2, 10,  2.50,  4, 0.10,   512,
          date(2026, 9, 28), date(2027, 9, 28), forced_tools=False, prefix_check=True,
          thinking=("adaptive", "between_tools"), off_needs_high_or_less=True),
    Model("claude-haiku-5-5",          0.10, 0.50, 0.125, 0.20, 0.01, 512,
          date(2026, 10, 7), date(2027, 10, 7), default_effort="medium", prefix_check=True,
          thinking=CHOICE, off_needs_high_or_less=True,
          long_prompt=Prices(0.50, 2.50, 0.625, 1.00, 0.05)),
    Model("claude-opus-5",                5, 25,  6.25, 10, 0.50,   512,
          date(2026, 7, 24), date(2027, 7, 24), thinking=CHOICE, off_needs_high_or_less=True),
    Model("claude-sonnet-5",              2, 10,  2.50,  4, 0.20, 1_024,
          date(2026, 6, 29), date(2027, 6, 30), thinking=CHOICE),
          # system_turns: the documentation says no, the API's models list and langchain say yes.
          # Let it pass: a refusal of what works would be the worse mistake.
    Model("claude-fable-5",              10, 50, 12.50, 20, 1.00,   512,
          date(2026, 6, 9), date(2027, 6, 9)),
    Model("claude-opus-4-8",              5, 25,  6.25, 10, 0.50, 1_024,
          date(2026, 5, 28), date(2027, 5, 28), thinking=CHOICE, thinks_by_default=False),
    Model("claude-opus-4-7",              5, 25,  6.25, 10, 0.50, 2_048,
          date(2026, 4, 14), date(2027, 4, 16), thinking=CHOICE, thinks_by_default=False,
          system_turns=False),
    _old("claude-sonnet-4-6",             3, 15,  3.75,  6, 0.30, 1_024,
         date(2026, 2, 17), date(2027, 2, 17),  thinking=("adaptive", *MANUAL), efforts=NO_XHIGH),
    _old("claude-opus-4-6",               5, 25,  6.25, 10, 0.50, 4_096,
         date(2026, 2, 4), date(2027, 2, 5),    thinking=("adaptive", *MANUAL), efforts=NO_XHIGH),
    _old("claude-opus-4-5-20251101",      5, 25,  6.25, 10, 0.50, 4_096,
         date(2025, 11, 24), date(2027, 1, 22), window=200_000, max_output=64_000,
         thinking=MANUAL, prefill=True, efforts=("low", "medium", "high"),
         deprecated=date(2026, 11, 23)),
    _old("claude-haiku-4-5-20251001",     1,  5,  1.25,  2, 0.10, 4_096,
         date(2025, 10, 15), date(2026, 10, 15), window=200_000, max_output=64_000,
         thinking=MANUAL, prefill=True, efforts=(), default_effort=None, keeps_thinking=False),
)
# Models whose last day is AS_OF itself. They stand in RETIRED, and everybody counts them as gone,
# except the course server: it has no clock, such a model answers until 17:00 UTC, and a refusal of
# what works would be the worse mistake. The next update of the facts takes these rows away.
_LAST_DAY = (
    _old("claude-sonnet-4-5-20250929",    3, 15,  3.75,  6, 0.30, 1_024,
         date(2025, 9, 29), date(2026, 11, 30), window=200_000, max_output=64_000,
         thinking=MANUAL, prefill=True, efforts=(), default_effort=None,
         deprecated=date(2026, 9, 30)),
)
# fmt: on

MODELS = {row.id: row for row in _ROWS}
SERVED = MODELS | {row.id: row for row in _LAST_DAY}  # what the course server answers for
ALIASES = {row.id[:-9]: row.id for row in SERVED.values() if "-4-5-20" in row.id}
# Real, but only for invited organisations: a request from anybody else finds no such model.
LIMITED = ("claude-mythos-5-2", "claude-mythos-5-1", "claude-mythos-5", "claude-mythos-preview")

# Retired ids: the day, and the newest model of the same line (the course's own suggestion).
_OPUS, _SONNET, _HAIKU = "claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5"
RETIRED: dict[str, tuple[date, str]] = {
    name: (day, newer)
    for day, newer, names in (
        (date(2026, 11, 30), _SONNET, "claude-sonnet-4-5 claude-sonnet-4-5-20250929"),
        (date(2026, 8, 5), _OPUS, "claude-opus-4-1 claude-opus-4-1-20250805"),
        (date(2026, 6, 15), _OPUS, "claude-opus-4-0 claude-opus-4-20250514"),
        (date(2026, 6, 15), _SONNET, "claude-sonnet-4-0 claude-sonnet-4-20250514"),
        (date(2026, 4, 20), _HAIKU, "claude-3-haiku-20240307"),
        (date(2026, 2, 19), _HAIKU, "claude-3-5-haiku-latest claude-3-5-haiku-20241022"),
        (date(2026, 2, 19), _SONNET, "claude-3-7-sonnet-latest claude-3-7-sonnet-20250219"),
        (date(2026, 1, 5), _OPUS, "claude-3-opus-20240229"),
        (date(2025, 10, 28), _SONNET, "claude-3-5-sonnet-20241022 claude-3-5-sonnet-20240620"),
        (date(2025, 7, 21), _SONNET, "claude-3-sonnet-20240229 claude-2.1 claude-2.0"),
    )
    for name in names.split()
}

BATCH_FACTOR = 0.5  # of every price; batch-processing, November
# Categories of a refusal that cost their input also when no output came; refusals, November.
BILLED_REFUSALS = ("bio", "frontier_llm", "reasoning_extraction")
WEB_SEARCH_USD = 0.01  # each search; pricing, August
US_FACTOR = 1.1  # of every price, with inference_geo "us"; pricing, August
MAX_BREAKPOINTS = 4  # cache_control marks, the automatic one counted; prompt-caching, November
MAX_MESSAGES = 100_000  # SDK docstring
MAX_BATCH_REQUESTS = 100_000  # batch-processing, November
MIN_THINKING_BUDGET = 1_024  # SDK docstring
NONSTREAMING_MAX_TOKENS = 21_333  # above it SDK 2.14 insists on streaming or a timeout
DEFAULT_TIMEOUT_SECONDS, DEFAULT_RETRIES = 600, 2  # SDK 2.14
MEGABYTE = 1_024 * 1_024  # the pages say MB; whether they mean 1,000,000 is unknown
MAX_BODY_BYTES = {"messages": 32 * MEGABYTE, "count_tokens": 32 * MEGABYTE}  # api/errors, October
MAX_BODY_BYTES |= {"batches": 256 * MEGABYTE, "files": 500 * MEGABYTE}
IMAGE_MAX_BYTES = 10 * MEGABYTE  # of the base64 text; vision, August (5 MB until July)
IMAGE_MAX_SIDE = 8_000  # pixels; vision, August
MANY_IMAGES, MANY_IMAGES_MAX_SIDE = 20, 2_000  # more pictures than 20: each side at most 2000
IMAGE_CAPS = {"standard": (1_568, 1_568), "high": (2_576, 4_784)}  # long edge, tokens
PDF_MAX_PAGES = {1_000_000: 600, 200_000: 100}  # by window; pdf-support, August


def model(name: str) -> Model:
    """The row of a model id or alias. Raises KeyError, in a sentence, for any other name."""
    found = SERVED.get(ALIASES.get(name, name))
    if found is None:
        why = f"no model has this id (as of {AS_OF})"
        if name in RETIRED:
            day, newer = RETIRED[name]
            why = f"this model was retired on {day}, requests to it fail; use {newer!r}"
        raise KeyError(f"{name!r}: {why}. Ids that work: {', '.join(MODELS)}.")
    return found
