"""Answers a question with the tools of an MCP server, which runs only that long."""

import asyncio
import sys
from pathlib import Path

import anthropic
from anthropic.lib.tools.mcp import async_mcp_tool
from dotenv import load_dotenv
from mcp import Client, MCPError, StdioServerParameters

SERVER = Path(__file__).parent.parent / "data" / "lost_property.py"
ALLOWED = {"find_items", "item"}  # what only looks something up


async def answer(server: Client, question: str) -> str:
    """Claude's answer, by way of the allowed tools of the server."""
    listed = (await server.list_tools()).tools
    runner = anthropic.AsyncAnthropic().beta.messages.tool_runner(
        model="claude-sonnet-5-5",
        max_tokens=2000,
        tools=[async_mcp_tool(t, server.session) for t in listed if t.name in ALLOWED],
        messages=[{"role": "user", "content": question}],
        max_iterations=8,
        thread=False,
    )
    reply = await runner.until_done()
    if reply.stop_reason != "end_turn":
        return f"The answer is not whole: {reply.stop_reason}"
    return "".join(block.text for block in reply.content if block.type == "text")


async def main() -> None:
    load_dotenv()
    command = StdioServerParameters(command=sys.executable, args=[str(SERVER)])
    async with Client(command, read_timeout_seconds=10) as server:
        try:
            print(await answer(server, "Do you have a red umbrella? Where?"))
        except (MCPError, anthropic.APIError) as fault:
            # Out of the block it would come wrapped in an ExceptionGroup.
            print("There is no answer:", fault)


asyncio.run(main())
