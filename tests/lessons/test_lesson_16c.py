"""Lesson 16c: what it says of the package `mcp` and of the helpers, with real server processes.

The functions are the notebook's own, taken from its cells. Every server of these tests is a real
process over stdio; replies come from a course server through the real SDK.
"""

from __future__ import annotations

import ast
import asyncio
import json
import logging
import subprocess
import sys
import tempfile
from collections.abc import Coroutine, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anthropic
import nbformat
import psutil  # type: ignore[import-untyped]
import pytest
from anthropic.lib.tools.mcp import async_mcp_tool, mcp_content
from anthropic.types import ToolUseBlock
from mcp import Client, MCPError, StdioServerParameters, stdio_client
from mcp.client.stdio import get_default_environment
from mcp.types import ImageContent

from courseserver import facts
from courseserver.loopback import Server
from courseserver.replay import Replay
from tests.support import KEY, PATIENCE, ROOT, async_client, replaying, run_program, serving

LESSON = ROOT / "notebooks" / "16c_mcp.ipynb"
PROGRAM = ROOT / "notebooks" / "at_work" / "16c_mcp.py"
OFFICE = ROOT / "notebooks" / "data" / "lost_property.py"
FAULTY = ROOT / "notebooks" / "data" / "faulty_office.py"
TAUGHT = {"start", "running", "to_tool", "to_result", "failed", "run_call", "run_safely"}
TAUGHT |= {"ask", "read_text"}
MODEL = facts.MODEL


@pytest.fixture(scope="module")
def names() -> Iterator[dict[str, Any]]:
    """The lesson's functions, and what they use."""
    found: dict[str, Any] = {"json": json, "sys": sys, "psutil": psutil, "MODEL": MODEL}
    found |= {"Client": Client, "MCPError": MCPError, "stdio_client": stdio_client}
    found |= {"StdioServerParameters": StdioServerParameters, "logging": logging}
    found["asynccontextmanager"] = asynccontextmanager
    with tempfile.TemporaryFile("w+", encoding="utf-8") as log:
        found["log"] = log
        for cell in nbformat.read(LESSON, as_version=4).cells:
            for node in ast.parse(cell.source).body if cell.cell_type == "code" else []:
                if getattr(node, "name", "") in TAUGHT:
                    exec(ast.unparse(node), found)
        assert found.keys() >= TAUGHT
        yield found


def within(work: Coroutine[Any, Any, Any]) -> Any:
    """What the work comes to; afterwards no process of it may be left."""
    before = len(psutil.Process().children())
    done = asyncio.run(asyncio.wait_for(work, PATIENCE))
    assert len(psutil.Process().children()) == before
    return done


@pytest.fixture(scope="module")
def api() -> Iterator[Server[Replay]]:
    """A course server."""
    with serving() as server:
        yield server


def client(api: Server[Replay], *replies: Any) -> anthropic.AsyncAnthropic:
    """A client that gets these replies."""
    return async_client(api.url + api.backend.account.stage("t", replies))


def of(file: Path) -> StdioServerParameters:
    """How the server in this file is started."""
    return StdioServerParameters(command=sys.executable, args=[str(file)])


def use(**given: Any) -> ToolUseBlock:
    """A call of `item`."""
    return ToolUseBlock(type="tool_use", id="toolu_1", name="item", input=given)


def test_the_process_lives_as_long_as_the_block(names: dict[str, Any]) -> None:
    async def work() -> tuple[list[str], int]:
        async with names["start"](str(OFFICE)) as office:
            listed = (await office.list_tools()).tools
            return [each.name for each in listed], names["running"]()

    assert within(work()) == (["find_items", "item", "hand_over"], names["running"]() + 1)


def test_one_line_by_hand_is_answered_without_a_greeting() -> None:
    terms: dict[str, Any] = {"io.modelcontextprotocol/protocolVersion": "2026-07-28"}
    terms["io.modelcontextprotocol/clientCapabilities"] = {}
    params = {"_meta": terms}
    message: Any = {"jsonrpc": "2.0", "id": 7, "method": "tools/list", "params": params}
    with subprocess.Popen(
        [sys.executable, str(OFFICE)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
    ) as process:
        assert process.stdin and process.stdout
        process.stdin.write(json.dumps(message) + "\n")
        process.stdin.flush()
        answer = json.loads(process.stdout.readline())
    assert answer["id"] == 7
    assert len(answer["result"]["tools"]) == 3
    assert process.returncode == 0, "the end of its input ends it"


def test_a_bad_call_is_a_result_and_only_a_tool_error_has_words(names: dict[str, Any]) -> None:
    bad: list[tuple[str, Any]] = [("find_itmes", {}), ("item", {"nr": 12})]
    bad.append(("item", {"number": 99}))
    bad.append(("hand_over", {"number": 99, "name": "Aylin"}))

    async def work() -> list[Any]:
        async with names["start"](str(OFFICE)) as office:
            return [await office.call_tool(name, given) for name, given in bad]

    found = within(work())
    assert [each.is_error for each in found] == [True] * 4
    assert "There is no item 99." in found[2].content[0].text
    assert found[3].content[0].text == "Error executing tool hand_over"


def test_an_empty_list_has_no_parts_and_its_data_is_told(names: dict[str, Any]) -> None:
    async def work() -> Any:
        async with names["start"](str(OFFICE)) as office:
            return await office.call_tool("find_items", {"word": "keys"})

    found = within(work())
    assert found.content == []
    assert names["to_result"](use(), found)["content"] == '{"result": []}'


def test_a_crash_is_caught_inside_the_block_and_not_outside(names: dict[str, Any]) -> None:
    async def inside() -> str:
        async with names["start"](str(FAULTY)) as office:
            assert not (await office.call_tool("item", {"number": 11})).is_error
            with pytest.raises(MCPError):
                await office.call_tool("item", {"number": 13})
            told: str = (await names["run_safely"](office, use(number=11), {"item"}))["content"]
        return told

    async def outside(block: Any) -> BaseException:
        try:
            async with block as office:
                await office.call_tool("item", {"number": 13})
        except Exception as error:
            return error
        raise AssertionError("nothing was raised")

    assert "does not work now" in within(inside()), "after a crash each further call fails"
    plain = Client(stdio_client(of(FAULTY), errlog=names["log"]))
    error = within(outside(plain))
    assert type(error).__name__ == "ExceptionGroup"
    assert not isinstance(error, MCPError)
    carried = within(outside(names["start"](str(FAULTY))))
    assert isinstance(carried, MCPError), "start keeps it until the client is closed"


def test_a_hang_ends_in_a_result_and_no_process_is_left(names: dict[str, Any]) -> None:
    async def work() -> tuple[Any, bool]:
        async with names["start"](str(FAULTY)) as office:
            told = await names["run_safely"](office, use(number=14), {"item"}, seconds=0.5)
            return told, names["running"]() > 0

    told, still_there = within(work())
    assert told["is_error"] and told["tool_use_id"] == "toolu_1"
    assert still_there, "the limit ends the waiting, not the server"


def test_the_loop_hands_over_only_what_is_allowed(
    names: dict[str, Any], api: Server[Replay]
) -> None:
    asks = [[{"tool": "item", "input": {"number": 12}}], "On shelf A."]

    async def work() -> Any:
        async with names["start"](str(OFFICE)) as office, client(api, *asks) as sdk:
            return await names["ask"](sdk, office, "Where?", {"item"})

    assert names["read_text"](within(work())) == "On shelf A."
    sent = [entry.request.body for entry in api.backend.account.journal][-1]
    assert [tool["name"] for tool in sent["tools"]] == ["item"]
    assert "shelf A" in sent["messages"][-1]["content"][0]["content"]


def test_a_call_that_is_not_allowed_is_not_made(names: dict[str, Any]) -> None:
    given = {"number": 12, "name": "Kim"}
    call = ToolUseBlock(type="tool_use", id="toolu_1", name="hand_over", input=given)

    async def work() -> tuple[Any, Any]:
        async with names["start"](str(OFFICE)) as office:
            told = await names["run_safely"](office, call, {"item"})
            return told, await office.call_tool("item", {"number": 12})

    told, still = within(work())
    assert told["content"] == "There is no tool hand_over."
    assert told["is_error"] and not still.is_error, "number 12 is still there"


def test_the_helper_makes_the_same_tool_and_what_is_listed_is_refused(
    names: dict[str, Any], api: Server[Replay]
) -> None:
    async def work() -> None:
        async with names["start"](str(OFFICE)) as office, client(api, "Hi.") as sdk:
            for each in (await office.list_tools()).tools:
                assert async_mcp_tool(each, office.session).to_dict() == names["to_tool"](each)
            dumped: Any = each.model_dump(exclude_none=True)
            turn: Any = {"role": "user", "content": "Hello."}
            with pytest.raises(anthropic.BadRequestError, match="output_schema"):
                await sdk.messages.create(
                    model=MODEL, max_tokens=200, messages=[turn], tools=[dumped]
                )

    within(work())


def test_of_a_server_that_is_gone_the_runner_tells_the_bare_exception(
    names: dict[str, Any], api: Server[Replay]
) -> None:
    asks = [[{"tool": "item", "input": {"number": 13}}], "Sorry."]

    async def work() -> str:
        async with names["start"](str(FAULTY)) as office, client(api, *asks) as sdk:
            tools = [async_mcp_tool(t, office.session) for t in (await office.list_tools()).tools]
            runner = sdk.beta.messages.tool_runner(
                model=MODEL,
                max_tokens=200,
                tools=tools,
                messages=[{"role": "user", "content": "Where?"}],
                thread=False,
            )
            told: Any = None
            async for message in runner:
                if message.stop_reason == "tool_use":
                    told = await runner.generate_tool_call_response()
        return str(told["content"])

    told = within(work())
    assert "MCPError" in told and "Connection closed" in told


def test_the_helper_passes_on_a_picture() -> None:
    block: Any = mcp_content(ImageContent(type="image", data="aGk=", mime_type="image/png"))
    assert block["source"]["media_type"] == "image/png"


def test_a_server_does_not_inherit_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    assert "ANTHROPIC_API_KEY" not in get_default_environment()


def test_a_server_that_does_not_start_raises_at_the_block(names: dict[str, Any]) -> None:
    async def work() -> str:
        try:
            async with names["start"](str(OFFICE.with_name("no_such_server.py"))):
                return "started"
        except Exception as error:
            return type(error).__name__

    assert within(work()) == "ExceptionGroup"


@pytest.mark.parametrize(("mode", "version"), [("auto", "2026-07-28"), ("legacy", "2025-11-25")])
def test_the_client_finds_the_version(mode: str, version: str, names: dict[str, Any]) -> None:
    async def work() -> Any:
        async with Client(stdio_client(of(OFFICE), errlog=names["log"]), mode=mode) as office:
            return office.session.protocol_version

    assert within(work()) == version


def test_the_old_import_says_what_to_write() -> None:
    with pytest.raises(ModuleNotFoundError, match="import MCPServer"):
        __import__("mcp.server.fastmcp")


def test_the_program_at_work_answers() -> None:
    with replaying("16c_mcp") as server:
        assert "shelf A" in run_program(PROGRAM, server.url).stdout
