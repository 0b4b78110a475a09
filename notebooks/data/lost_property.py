"""An MCP server (lesson 16c): what the lost-property office of a tram company has.

A client starts it, asks over its standard input, and reads from its standard output.
"""

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError

FOUND = {
    11: ("black umbrella", "tram 4 on Tuesday, shelf A"),
    12: ("red umbrella with white dots", "tram 9 on Wednesday, shelf A"),
    13: ("blue backpack", "tram 4 on Thursday, shelf C"),
    14: ("reading glasses in a green case", "tram 12 on Thursday, shelf B"),
}
server = MCPServer("lost-property")


@server.tool()
def find_items(word: str) -> list[str]:
    """Search what was found this week, by one word such as "umbrella"."""
    hits = []
    for number, (what, _) in FOUND.items():
        if word.lower() in what:
            hits.append(f"{number}: {what}")
    return hits


@server.tool()
def item(number: int) -> str:
    """Where and when an item was found, and the shelf on which it lies."""
    if number not in FOUND:
        raise ToolError(f"There is no item {number}. Search with find_items first.")
    what, where = FOUND[number]
    return f"{what}: {where}"


@server.tool()
def hand_over(number: int, name: str) -> str:
    """Note that an item was handed over to its owner. It leaves the list."""
    what, _ = FOUND.pop(number)
    return f"{what}: handed over to {name}"


if __name__ == "__main__":
    server.run()
