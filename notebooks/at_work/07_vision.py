"""Reads a receipt from a picture: upright, not larger than needed, and checked.

Put your key into a file .env (ANTHROPIC_API_KEY=...), then run this file with Python.
"""

import base64
import io
from pathlib import Path

import anthropic
from anthropic.types import ImageBlockParam, MessageParam, TextBlockParam
from dotenv import load_dotenv
from PIL import Image, ImageOps

MODEL = "claude-sonnet-5-5"
RECEIPT = Path(__file__).parent.parent / "images" / "07_receipt.png"
LONGEST = 1000  # pixels of the longer side; small print may need more
ORDER = (
    "Copy each line of the receipt as: count | item | amount. Then the total, "
    "in the same form. Nothing else. Write ? for what you cannot read."
)


def as_block(path: Path) -> ImageBlockParam:
    """The picture as a block: a small PNG as it is, all others upright as a JPEG."""
    with Image.open(path) as opened:
        ready = opened.format == "PNG" and max(opened.size) <= LONGEST
        small = ImageOps.exif_transpose(opened).convert("RGB")
    small.thumbnail((LONGEST, LONGEST))
    held = io.BytesIO()
    small.save(held, "JPEG", quality=85)
    data = base64.b64encode(path.read_bytes() if ready else held.getvalue()).decode()
    return {
        "type": "image",
        "source": {
            "type": "base64",
            "media_type": "image/png" if ready else "image/jpeg",
            "data": data,
        },
    }


def main() -> None:
    load_dotenv()
    client = anthropic.Anthropic()
    order: TextBlockParam = {"type": "text", "text": ORDER}
    turn: MessageParam = {"role": "user", "content": [as_block(RECEIPT), order]}
    count = client.messages.count_tokens(model=MODEL, messages=[turn])
    print(f"{count.input_tokens} tokens go out")
    reply = client.messages.create(model=MODEL, max_tokens=2000, messages=[turn])
    lines = "".join(block.text for block in reply.content if block.type == "text")
    print(lines)
    if "?" in lines:
        print("Not everything could be read: look at the receipt.")
        return
    *amounts, total = [float(line.split("|")[2]) for line in lines.splitlines()]
    fits = abs(sum(amounts) - total) < 0.005
    print("It adds up." if fits else "It does not add up: look at the receipt.")


if __name__ == "__main__":
    main()
