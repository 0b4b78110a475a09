"""An MCP server with two faults (lesson 16c): item 13 ends it, and item 14 hangs."""

import os
import time

from mcp.server.mcpserver import MCPServer

server = MCPServer("faulty-office")


@server.tool()
def item(number: int) -> str:
    """Where and when an item was found, and the shelf on which it lies."""
    if number == 13:
        os._exit(1)  # as if the process had been killed
    if number == 14:
        time.sleep(3600)  # as if it waited for a machine that does not answer
    return "black umbrella: tram 4 on Tuesday, shelf A"


if __name__ == "__main__":
    server.run()
