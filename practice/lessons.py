"""The one list of lessons: their order, titles, planned minutes, needs and paths.

Navigation, the README's map and the facts line of each notebook are generated from it.
It must not know whether a notebook has been written yet, and it imports nothing heavy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Path = Literal["First evening", "App", "Volume", "Depth"]
PATHS: tuple[Path, ...] = ("First evening", "App", "Volume", "Depth")


@dataclass(frozen=True)
class Lesson:
    """One lesson. `minutes`: the planned range of its core; `needs`: lesson numbers."""

    number: str
    name: str
    title: str
    minutes: tuple[int, int]
    needs: tuple[str, ...]
    paths: tuple[Path, ...]
    outcome: str

    @property
    def file(self) -> str:
        """The notebook's file name, for instance `01_first_call.ipynb`."""
        return f"{self.name}.ipynb"

    @property
    def numbers(self) -> tuple[str, str]:
        """Its number, and the number as people write it: `01` and `1`."""
        return self.number, self.number.removeprefix("0")


LESSONS: tuple[Lesson, ...] = (
    Lesson(
        "00", "00_welcome", "Welcome", (15, 25), (), ("First evening",),
        "run the course, tell replay from live, and keep a key safe",
    ),
    Lesson(
        "01", "01_first_call", "First call", (25, 40), ("00",), ("First evening",),
        "send a message, read the text of the reply, and name three common errors",
    ),
    Lesson(
        "02", "02_response_anatomy", "Response anatomy",
        (30, 45), ("01",), ("First evening",),
        "take a reply apart into blocks, stop reason and usage",
    ),
    Lesson(
        "03", "03_system_prompts", "System prompts", (35, 50), ("02",), ("App",),
        "write a system prompt together with the check that tests it",
    ),
    Lesson(
        "04", "04_streaming", "Streaming", (30, 45), ("02",), ("App",),
        "show text while it arrives, and notice a stream that broke",
    ),
    Lesson(
        "05", "05_multi_turn", "Conversations", (35, 50), ("02",), ("First evening",),
        "hold a conversation, know its price, and shorten it safely",
    ),
    Lesson(
        "06", "06_tools", "Tools", (45, 60), ("05",), ("First evening",),
        "let Claude call your functions, several at once, and stop in time",
    ),
    Lesson(
        "06b", "06b_more_tools", "More tools", (35, 50), ("06",), ("Depth",),
        "steer calls, let the package loop, and ask before what cannot be undone",
    ),
    Lesson(
        "06c", "06c_server_tools", "Server tools", (25, 40), ("06",), ("Depth",),
        "use tools that the API runs, resume a paused turn, and know what else exists",
    ),
    Lesson(
        "07", "07_vision", "Vision", (35, 50), ("02", "05"), (),
        "send pictures, foresee their price, and shrink them on purpose",
    ),
    Lesson(
        "08", "08_prompt_caching", "Prompt caching", (35, 50), ("05",), ("Volume",),
        "make caching work, prove it from the usage, and decide when it pays",
    ),
    Lesson(
        "09", "09_batches", "Batches", (35, 50), ("02",), ("Volume",),
        "send thousands of requests at half price, and resume after a failure",
    ),
    Lesson(
        "10", "10_extended_thinking", "Extended thinking",
        (35, 50), ("06",), ("Depth",),
        "choose an effort, know what thinking costs, and keep it through tool calls",
    ),
    Lesson(
        "11", "11_structured_outputs", "Structured outputs",
        (35, 50), ("03", "06"), ("App",),
        "turn text into checked data and put it into a database",
    ),
    Lesson(
        "12", "12_errors_and_retries", "Errors and retries",
        (40, 55), ("04",), ("App",),
        "treat each failure once, in the place where it belongs",
    ),
    Lesson(
        "13", "13_async", "Async", (35, 50), ("12",), ("Depth",),
        "run many requests at once and stay within the limits",
    ),
    Lesson(
        "14", "14_cost_and_tokens", "Cost and tokens",
        (35, 50), ("08", "09"), ("Volume",),
        "count before sending, keep a ledger, and halve a bill by arithmetic",
    ),
    Lesson(
        "15", "15_production", "Production", (45, 60), ("12", "14"), ("Depth",),
        "turn a notebook into a service that logs, and check that it is ready",
    ),
    Lesson(
        "16", "16_agents", "Agents", (45, 60), ("06", "12", "14"), ("Depth",),
        "build an agent from parts of your own, with a budget and a stop",
    ),
    Lesson(
        "16b", "16b_retrieval", "Retrieval", (35, 50), ("06",), (),
        "answer from your own documents, with citations that hold",
    ),
    Lesson(
        "16c", "16c_mcp", "MCP", (35, 50), ("06", "13"), (),
        "connect a real MCP server and survive its faults",
    ),
    Lesson(
        "17", "17_reading_older_code", "Reading older code",
        (35, 50), ("06", "10"), ("Depth",),
        "repair Claude code that was written before October 2026",
    ),
)  # fmt: skip

BY_NUMBER: dict[str, Lesson] = {lesson.number: lesson for lesson in LESSONS}
BY_NAME: dict[str, Lesson] = {lesson.name: lesson for lesson in LESSONS}
