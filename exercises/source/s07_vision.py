"""Exercises of lesson 07: fix a picture block, label pictures, foresee their price, read a slip.

The only form of them that is written by hand. `python -m authoring build` makes the notebooks and
the table of common mistakes from it; tests/practice/test_exercises.py proves what stands here.
"""

import base64
import binascii
import io
from itertools import pairwise
from typing import Any

from PIL import Image

from practice.grading import (
    Exercise,
    Mistake,
    Run,
    Word,
    acts,
    case,
    cases,
    function_of,
    gives_text,
    once,
    one_request,
    room,
    slips,
)
from practice.grading.tape import Sent

IMPORTS = """
import base64
import io
import math

import anthropic
from PIL import Image, ImageOps

from helpers import MODEL, exercise, progress  # not found? Run: start.py
"""

THOUGHT = {"thinking": "", "tokens": 30}  # what most replies begin with
ORIENTATION = 274  # the number of the mark in EXIF that says how a photo is turned
LAID = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90}  # how pixels then lie


def drawn(width: int, height: int, *, form: str = "PNG", mark: int = 1, mode: str = "RGB") -> bytes:
    """A file with a white picture of this size, whose upper left quarter is dark.

    With a `mark` the pixels lie as the mark says, so that a viewer shows them upright.
    """
    picture = Image.new(mode, (width, height), "white")
    picture.paste("#203040", (0, 0, width // 2, height // 2))
    exif = Image.Exif()
    if mark in LAID:
        picture = picture.transpose(LAID[mark])
        exif[ORIENTATION] = mark
    held = io.BytesIO()
    picture.save(held, form, exif=exif)
    return held.getvalue()


def parts(sent: Sent) -> list[Any]:
    """The blocks of all turns: a text as a `str`, a picture as its source, a dict."""
    turns = sent.body.get("messages") if isinstance(sent.body, dict) else None
    found: list[Any] = []
    for turn in turns if isinstance(turns, list) else []:
        content = turn.get("content") if isinstance(turn, dict) else None
        found += [part(block) for block in (content if isinstance(content, list) else [content])]
    return found


def part(block: Any) -> Any:
    """One block: a text as a `str`, a picture as its source."""
    if not isinstance(block, dict):
        return str(block)
    if block.get("type") != "image":
        return str(block.get("text", ""))
    source = block.get("source")
    return source if isinstance(source, dict) else {}


def sources(run: Run) -> list[dict[str, Any]]:
    """The sources of all pictures that were sent, also of those that were refused."""
    return [one for sent in run.sent for one in parts(sent) if isinstance(one, dict)]


def data_of(run: Run) -> str:
    """The data of the first picture as it was sent."""
    return next((str(source.get("data", "")) for source in sources(run)), "")


def kind_of(run: Run) -> str:
    """The media type that was said for it."""
    return next((str(source.get("media_type")) for source in sources(run)), "None")


def bytes_of(run: Run) -> bytes:
    """Its bytes; none when its data is no base64 text."""
    try:
        return base64.b64decode(data_of(run), validate=True)
    except (ValueError, binascii.Error):
        return b""


def picture_first(run: Run) -> bool:
    """Whether no text of the turn stands before its picture."""
    found = parts(run.request)
    return isinstance(found[0], dict) or not any(isinstance(one, dict) for one in found)


def one_picture_first(name: str) -> list[Word]:
    """A picture is in the turn, and no text before it. `name` is that of its block."""
    return slips(
        ("no-picture", {f"[{name}, words]": "[words]"},
         "the picture is made, and then left out of the turn",
         "Your request holds no picture. It is a block of its own in the list `content`, with the "
         "type `image`, next to the block with the text.",
         lambda run: not run.sent or sources(run)),
        ("picture-late", {f"[{name}, words]": f"[words, {name}]"},
         "the question comes to mind first; the lesson puts the picture in front of it",
         "Your text comes before the picture. Put the picture first and the text after it, as the "
         "lesson does.", picture_first),
    )  # fmt: skip


HAS_SCAN, SCAN_FIRST = one_picture_first("picture")
HAS_SLIP, SLIP_FIRST = one_picture_first("slip")


# --- 07.1 ------------------------------------------------------------------------------

SENT = """\
    picture = {"type": "image", "source": source}
    words = {"type": "text", "text": question}
    reply = client.messages.create(
        model=MODEL,
        max_tokens=2000,
        messages=[{"role": "user", "content": [picture, words]}],
    )
    return "".join(block.text for block in reply.content if block.type == "text")
"""
ENCODED = "base64.b64encode(scan).decode()"

SCANS = slips(
    ("prefix", {"data = ": 'data = "data:image/png;base64," + '},
     "https://github.com/livekit/agents/issues/3867",
     "The data of your picture begins with `data:`. That belongs into web pages. The API has the "
     "field `media_type` for it, and wants the base64 text alone.",
     lambda run: not data_of(run).startswith("data:")),
    ("bytes-as-text", {ENCODED: "str(base64.b64encode(scan))"}, "lesson 07, question 3, answer b",
     "The data of your picture begins with `b'`: `str(...)` of bytes writes down how Python shows "
     "them. Turn the bytes into base64, and that with `.decode()` into a text.",
     lambda run: not data_of(run).startswith(("b'", 'b"'))),
    ("media-type", {"image/png": "image/jpg"}, "https://github.com/mealie-recipes/mealie/pull/5897",
     "Your picture says that it is `$kind`, but the scan is a PNG file. The API looks into the "
     "bytes: `media_type` has to be the right one of `image/png`, `image/jpeg`, `image/gif` and "
     "`image/webp`.", lambda run: kind_of(run) in ("image/png", "None")),
    ("other-picture", {"b64encode(scan)": 'b64encode(scan + b"\\n")'},
     "bytes changed on their way, as by a text file's line breaks",
     "A picture arrived, but not the `scan` that your function was given. Send its bytes as they "
     "are, encoded once.", lambda run: bytes_of(run) in (b"", run.given["scan"])),
    ("raised-json", {".decode()": ""},
     "https://github.com/dchaplinsky/visual-logging/pull/4: b64encode without decode",
     "Bytes cannot be put into a request. Turn them into base64 text; `base64.b64encode` gives "
     "bytes again, so `.decode()` comes after it."),
    ("raised-UnicodeDecodeError", {ENCODED: "scan.decode()"},
     "lesson 07 ends a line with .decode(), and the first half of it is forgotten",
     "The bytes of a scan are no text, and cannot be decoded. Make base64 of them first; what "
     "`base64.b64encode` gives can be decoded."),
    kind=kind_of,
)  # fmt: skip

ask_about = Exercise(
    id="07.1",
    title="Fix a picture",
    objective="Send the bytes of a picture together with a question.",
    minutes=7,
    task="""
A village archive scans old letters. This function gets the bytes of a scan, which is a PNG file,
and a question. It should send both in one turn, the picture first, and give back the text of the
reply. Every call of it is refused. Three things are wrong with the way it makes the picture. Fix
them; you can check after each change, and the check names the next fault.
""",
    template="""
def ask_about(client, scan, question):
    data = "data:image/png;base64," + str(scan)
    source = {"type": "base64", "media_type": "image/jpg", "data": data}
"""
    + SENT,
    solution="""
def ask_about(client, scan, question):
    data = base64.b64encode(scan).decode()
    source = {"type": "base64", "media_type": "image/png", "data": data}
"""
    + SENT,
    also_correct=(
        """
def ask_about(client, scan, question):
    file = io.BytesIO(scan)
    source = {"type": "base64", "media_type": "image/png", "data": file}
    content = [{"type": "image", "source": source}]
    content.append({"type": "text", "text": question})
    turn = {"role": "user", "content": content}
    text = ""
    for block in client.messages.create(model=MODEL, max_tokens=1500, messages=[turn]).content:
        if block.type == "text":
            text += block.text
    return text
""",
    ),
    hints=(
        "Compare `source` with the one that the lesson's `picture` makes, field by field.",
        "The lesson turned bytes into a text with its `in_base64`. Which function of the module "
        "`base64` does that? And what does the API expect in front of this text?",
        "`base64.b64encode(...)` gives bytes; `.decode()` makes a text of them. Nothing goes "
        "in front of it, and the media type is that of a PNG.",
    ),
    rules=one_request(
        case(drawn(60, 40), "Who wrote this?", replies=[[THOUGHT, "Amina Haddad signed it."]]),
        case(drawn(40, 80), "When? \n", replies=[["On 3 May", " 1911, ", "says the stamp.\n"]]),
        expect=(HAS_SCAN, *SCANS, SCAN_FIRST),
    ),
    mistakes=(
        Mistake(
            "raised-400",
            {ENCODED: "scan.hex()[1:]"},
            "https://github.com/HiveNexus/HiveChat/issues/39: a text that is no base64",
        ),
    ),
    takeaway="A picture made of bytes: its media type, and the base64 text with nothing in front.",
)


# --- 07.2 ------------------------------------------------------------------------------

A, B, C = (base64.b64encode(drawn(width, 60)).decode() for width in (40, 42, 44))
PICTURE = """\
def picture(data):
    source = {"type": "base64", "media_type": "image/png", "data": data}
    return {"type": "image", "source": source}


"""
COMPARED = """\
    reply = client.messages.create(
        model=MODEL,
        max_tokens=2000,
        messages=[{"role": "user", "content": content}],
    )
    return "".join(block.text for block in reply.content if block.type == "text")
"""
LABEL = '        content.append({"type": "text", "text": f"{label}:"})\n'
SHOWN = "        content.append(picture(data))\n"
ASKED = '    content.append({"type": "text", "text": question})\n'


def texts(run: Run) -> list[str]:
    """The texts of the turn that was sent, but for the question."""
    found = [one for one in parts(run.request) if isinstance(one, str)]
    return [one for one in found if one != run.given["question"]]


def shown(run: Run) -> list[str]:
    """The pictures of the turn that was sent, as base64 texts."""
    return sorted(str(one.get("data")) for one in parts(run.request) if isinstance(one, dict))


def labels_in(run: Run) -> list[int]:
    """How many labels each text holds."""
    return [sum(label in text for label in run.given["posters"]) for text in texts(run)]


def wrongly_named(run: Run) -> list[tuple[str, str]]:
    """The pictures whose label is not right before them: that label, what stands there."""
    labels = {data: f"{label}:" for label, data in run.given["posters"].items()}
    pairs = pairwise(["nothing", *parts(run.request)])
    found = [(labels[one["data"]], before) for before, one in pairs if isinstance(one, dict)]
    return [(label, str(before)[:80]) for label, before in found if label != before]


POSTERS = slips(
    ("more-turns", {"messages=[": 'messages=[{"role": "user", "content": "Hello!"}, '},
     "each picture sent as a message of its own, as in a chat with people",
     "Your request holds several turns. Put all labels and pictures, and the question, into the "
     "`content` of one user turn.", lambda run: run.request.roles == ["user"]),
    ("other-pictures", {"posters.items()": "list(posters.items())[:2]"},
     "'compare' read as 'compare two': lesson 07 compares two posters",
     "Posters given: $given, pictures in your request: $sent, and not every poster is among them "
     "once. Append its picture in each round of the loop, to one list.",
     lambda run: shown(run) == sorted(run.given["posters"].values())),
    ("no-label", {LABEL: ""},
     "https://github.com/muirbench/MuirBench/issues/3: pictures without names",
     "No text in your request but the question names a poster, so the answer can only speak of "
     "“the first one”. Put a text with its label before each picture.",
     lambda run: any(labels_in(run))),
    ("labels-together", {LABEL: "", ASKED: ASKED.replace("question", '", ".join(posters)') + ASKED},
     "https://github.com/QwenLM/Qwen3-VL/issues/745: labels written into the prompt",
     "Several labels are in one text. Claude then has to guess which picture each belongs to: give "
     "every label a text of its own, right before its picture.",
     lambda run: not wrongly_named(run) or max(labels_in(run)) < 2),
    ("other-label", {LABEL + SHOWN: SHOWN + LABEL},
     "a caption is put under a picture in books; sentences around a label",
     "Right before a picture stands “$found”, where “$label” is wanted: the label of this picture "
     "and a colon, and nothing else. Append the label first, and its picture after it.",
     lambda run: not wrongly_named(run)),
    ("question-moved", {'"text": question': '"text": question.strip()'},
     "https://github.com/run-llama/llama_index/pull/19192: texts tidied on their way",
     "The question, as your function was given it, should be the last block of your turn, and "
     "stand there only: first come all labels with their pictures.",
     lambda run: parts(run.request)[-1] == run.given["question"] not in parts(run.request)[:-1]),
    ("raised-ValueError", {"posters.items()": "posters"},
     "the loop over a dict that is written most often",
     "A loop over a dict gives its labels; `posters.items()` gives the pictures, too."),
    sent=lambda run: len(shown(run)),
    given=lambda run: len(run.given["posters"]),
    label=lambda run: wrongly_named(run)[0][0],
    found=lambda run: wrongly_named(run)[0][1],
)  # fmt: skip

compare = Exercise(
    id="07.2",
    title="Which poster is which?",
    objective="Send several pictures, each with its label.",
    minutes=8,
    task="""
A theatre compares versions of its posters. `compare` gets a dict, in which each label stands for
the base64 text of a PNG file, and a question. It names the labels all together after the question,
so the answers may mix the posters up. Change it so that right before each picture comes a text
with its label and a colon, such as `Poster A:`, and that the question comes last, as it is. All of
it goes out in one request. The text of the reply is given back as before.
""",
    template=PICTURE
    + '''def compare(client, posters, question):
    """Ask about several posters; `posters` is a dict from labels to base64 texts."""
    content = []
    for label, data in posters.items():
        content.append(picture(data))
    labels = ", ".join(posters)
    content.append({"type": "text", "text": f"{question} (The posters: {labels})"})
'''
    + COMPARED,
    solution=PICTURE
    + """def compare(client, posters, question):
    content = []
    for label, data in posters.items():
        content.append({"type": "text", "text": f"{label}:"})
        content.append(picture(data))
    content.append({"type": "text", "text": question})
"""
    + COMPARED,
    also_correct=(
        """
def text(words):
    return {"type": "text", "text": words}


def compare(client, posters, question):
    source = {"type": "base64", "media_type": "image/png"}
    blocks = [text(question)]
    for label in reversed(posters):
        image = {"type": "image", "source": source | {"data": posters[label]}}
        blocks = [text(label + ":"), image] + blocks
    turn = {"role": "user", "content": blocks}
    reply = client.messages.create(model=MODEL, max_tokens=3000, messages=[turn])
    return "".join(getattr(part, "text", "") for part in reply.content)
""",
    ),
    hints=(
        "Write down the order of the blocks for two posters: there are five of them. Which two "
        "blocks does one round of the loop have to add?",
        "A label is a text block like the question. In the loop, append it before you append "
        "the picture.",
        "The text of a label block is the f-string `{label}` with a colon. After the loop comes "
        "one more text block, which holds nothing but the question.",
    ),
    rules=cases(
        case({"Poster A": A, "Poster B": B}, "What changed?", replies=[[THOUGHT, "The date."]]),
        case({"May": C, "June": A, "July": B}, "Which? \n", replies=[["June. ", "It ", "is.\n"]]),
        expect=(once(), *POSTERS, room(), gives_text()),
    ),
    messages={
        "twice": "You sent more than one request. Claude can compare only what it sees together: "
        "put all posters into the content of one turn, and send that once.",
    },
    takeaway="A label is a text right before its picture; with it, question and answer can name "
    "what they speak of.",
)


# --- 07.3 ------------------------------------------------------------------------------

RESIZED = """
def resized(width, height, edge=2576, cap=4784):
    longest = max(width, height)
    for long in range(longest, 0, -1):
        w = max(1, round(width * long / longest))
        h = max(1, round(height * long / longest))
        if max(w, h) <= edge and patches(w, h) <= cap:
            return w, h
"""
SIDES = [
    *(f"line {at}: parameters width, height swapped" for at in (1, 5, 14)),
    *(f"line {at}: arguments of max swapped" for at in (6, 8, 9, 10)),
    *(f"line {at}: arguments of patches swapped" for at in (10, 16)),
    "line 15: arguments of resized swapped",
]
ONE_OR_TWO = ["line 8: 1 -> 2", "line 9: 1 -> 2"]
SIZES = [(1366, 768), (28, 56), (29, 57), (1, 1), (1000, 1000), (1920, 1080), (2000, 2000)]
SIZES += [(3840, 2160), (7000, 400), (4200, 2500)]
UNSHRUNK = "-(-width // 28) * -(-height // 28)"  # with // rounded up, as ceil() does

TOKENS = slips(
    ("rounded-down", acts("(width // 28) * (height // 28)"),
     "`//` as the first division that comes to mind",
     "For $width × $height pixels you gave back `$returned`; right is $wanted. Squares that are "
     "covered in part count in full, so round up: columns and rows."),
    ("rounded-to-nearest", acts("round(width / 28) * round(height / 28)"),
     "round() for every rounding",
     "You rounded to the nearest number of squares. A square that is covered by a single pixel "
     "counts in full: round up with `math.ceil`."),
    ("area", acts("-(-width * height // 784)"), "pixels in all, divided by the pixels of a square",
     "You divided the area by that of a square. Rows and columns are counted each by themselves: "
     "round up the width and the height, then multiply."),
    ("old-rule",
     [acts("round(width * height / 750)"), acts("width * height // 750"),
      acts("-(-width * height // 750)"), acts("width * height / 750")],
     "https://github.com/vellum-ai/vellum-assistant/pull/15643",
     "That is the old rule, width × height / 750. Count the squares of 28 pixels instead."),
    ("not-shrunk", acts(UNSHRUNK),
     "https://github.com/zed-industries/zed/pull/54357: sizes from before shrinking",
     "You counted the squares of $width × $height pixels as they are. A picture that is too big is "
     "shrunk by the API first: `resized` tells the size that is left."),
    ("cut-off", acts(f"min({UNSHRUNK}, 4784)"),
     "https://github.com/season179/nav/issues/468: a flat number for big pictures",
     "You cut the number of tokens off at 4,784. The API shrinks the picture until it fits, sides "
     "included, and most sizes then have fewer squares: count the squares of `resized`."),
    ("one-too-many",
     [acts("(width // 28 + 1) * (height // 28 + 1)"),
      acts("(width // 28 + 1) * -(-height // 28)"),
      acts("-(-width // 28) * (height // 28 + 1)")],
     "rounding up by hand, which is wrong where nothing is over",
     "$width × $height pixels fill some squares exactly, and you counted one more. `// 28 + 1` is "
     "not the same as rounding up: use `math.ceil`."),
    ("raised-argument-count", {"patches(w, h)\n": "patches(resized(width, height))\n"},
     "two functions put into each other: lesson 07 writes a star there",
     "$kit `resized` gives back two numbers together: `w, h = resized(...)` parts them."),
    width=lambda run: run.args[0],
    height=lambda run: run.args[1],
)  # fmt: skip

picture_tokens = Exercise(
    id="07.3",
    title="The price before you send",
    objective="Predict how many tokens a picture costs.",
    minutes=8,
    task="""
An estate agent sends photos of houses, and predicts their tokens first. `picture_tokens` gets a
width and a height in pixels, and gives back the tokens of the picture alone for this course's
model, by the rule of the lesson. Two things are wrong: the predictions are too low for most
pictures, and wrong for most of the very large ones. Fix `patches` and `picture_tokens`; `resized`
is the lesson's own, and is right.

Nothing is sent here. The check compares ten sizes.
""",
    template=f'''
def patches(width, height):
    """The squares of 28 pixels that a picture of this size covers."""
    return (width // 28) * (height // 28)


{RESIZED.strip()}


def picture_tokens(width, height):
    """The tokens that a picture of this size costs."""
    return min(patches(width, height), 4784)
''',
    solution=f"""
def patches(width, height):
    return math.ceil(width / 28) * math.ceil(height / 28)


{RESIZED.strip()}


def picture_tokens(width, height):
    w, h = resized(width, height)
    return patches(w, h)
""",
    also_correct=(
        """
def patches(width, height):
    return -(-width // 28) * -(-height // 28)


def picture_tokens(width, height):
    long = longest = max(width, height)
    while True:
        w = max(1, round(width * long / longest))
        h = max(1, round(height * long / longest))
        if max(w, h) <= 2576 and patches(w, h) <= 4784:
            return patches(w, h)
        long -= 1
""",
    ),
    hints=(
        "Look at the picture with the squares in the lesson: what becomes of a square that is "
        "covered in part? And what happens to a picture that is too big?",
        "`//` leaves off what is over; the lesson rounds up, in each direction by itself. And "
        "the API does not cut the number of tokens: it makes the picture smaller.",
        "Use `math.ceil` for the columns and for the rows. In `picture_tokens`, ask `resized` "
        "first, and hand the two numbers that it gives back to `patches`.",
    ),
    rules=function_of(
        *(case(*size) for size in SIZES),
        kind=int,
        known=TOKENS,
        wrong="value + 4",
    ),
    takeaway="`ceil(w / 28) * ceil(h / 28)`, after the API's own shrinking: what a picture costs "
    "is known before it is sent.",
    equivalent={
        **dict.fromkeys(SIDES, "width and height are treated alike"),
        **dict.fromkeys(ONE_OR_TWO, "one pixel and two are within the same square"),
    },
)


# --- 07.4 ------------------------------------------------------------------------------

LONGEST = 1000
ORDER = "Copy each line of the slip as: title | due. Write ? for what you cannot read."
SHRUNK = "small.thumbnail((LONGEST, LONGEST))"
SLIP_BYTES = "base64.b64encode(held.getvalue()).decode()"


def opened(run: Run) -> Image.Image:
    """The picture that arrived, as its pixels lie."""
    run.expect(run.requests, "no-request")
    return Image.open(io.BytesIO(bytes_of(run)))


def right_size(run: Run) -> tuple[int, int]:
    """The size of the picture that the solution sends."""
    return opened(run.instead(run.lab.exercise.solution)).size


def is_upright(run: Run) -> bool:
    """Whether the dark quarter is where it was drawn: on the upper left."""
    tiny = opened(run).convert("L").resize((4, 4))
    dark, *others = (tiny.crop((x, y, x + 1, y + 1)).tobytes() for x in (0, 3) for y in (0, 3))
    return dark < min(others)


def in_proportion(run: Run) -> bool:
    """Whether width and height are to each other as in the photo, but for a pixel."""
    width, height = opened(run).size
    across, down = right_size(run)
    return abs(width * down - height * across) <= 2 * max(width, height, across, down)


EMPTY, *PHOTOS = slips(
    ("empty-picture", {"held.getvalue()": "held.read()"},
     "https://github.com/anthropics/claude-code/issues/12750: an empty picture",
     "The picture that you sent is empty. After `save`, an `io.BytesIO` is at its end, and "
     "`read()` goes on from there: `getvalue()` gives all bytes.",
     lambda run: all(source.get("data", "?") for source in sources(run))),
    ("unchanged", {"held.getvalue()": "photo"},
     "two variables with bytes, and the older one is sent",
     "The photo arrived as it was given. Send the bytes that `save` has written, which are those "
     "of the smaller picture.", lambda run: run.request and bytes_of(run) != run.given["photo"]),
    ("not-jpeg", {'"JPEG"': '"PNG"', "image/jpeg": "image/png"},
     "the lesson's `picture` takes a PNG unless it is told otherwise",
     "You sent the slip as `$kind`. A JPEG is wanted: name that form when you save the picture, "
     "and the same in `media_type`.", lambda run: kind_of(run) == "image/jpeg"),
    ("turned-twice", {'"JPEG"': '"JPEG", exif=Image.open(io.BytesIO(photo)).getexif()'},
     "https://github.com/python-pillow/Pillow/issues/4537",
     "The pixels are upright now, but the mark that says how to turn them is still in the file: "
     "whoever heeds it turns them again. Save without the old EXIF data.",
     lambda run: opened(run).getexif().get(ORIENTATION, 1) == 1 or not is_upright(run)),
    ("lying", {"ImageOps.exif_transpose(opened)": "opened"},
     "https://github.com/sgl-project/sglang/pull/33449",
     "The slip arrived turned: its pixels lie as the camera stored them. Turn the photo by its "
     "mark with `ImageOps.exif_transpose`, and go on with what that gives back.", is_upright),
    ("enlarged", {SHRUNK: "small = ImageOps.contain(small, (LONGEST, LONGEST))"},
     "lesson 07: never enlarge; `resize` and `contain` do",
     "A small photo became larger: $size pixels arrived. Pixels that hold nothing new cost as much "
     "as all others. Shrink only what is too big.",
     lambda run: not max(right_size(run)) < max(opened(run).size) <= LONGEST),
    ("distorted",
     {SHRUNK: "if max(small.size) > LONGEST:\n        small = small.resize((800, 800))"},
     "one pair of numbers for every photo, whatever its shape",
     "The slip arrived with $size pixels, and its proportions are others than in the photo. "
     "`thumbnail` keeps them; `resize` takes the two numbers as they are, and a crop loses a part.",
     in_proportion),
    ("too-big", {SHRUNK: "if len(photo) > 3_500_000:\n        " + SHRUNK},
     "https://github.com/vellum-ai/vellum-assistant/pull/15643: bytes in place of pixels",
     "The slip arrived with $size pixels. No side may have more than 1,000: measure pixels, both "
     "width and height, and not the bytes of the file.",
     lambda run: max(opened(run).size) <= LONGEST),
    ("too-small", {SHRUNK: "small = small.reduce(2)\n    " + SHRUNK},
     "https://github.com/anthropics/claude-code/issues/70010: screenshots shrunk too far",
     "The slip arrived with only $size pixels. Small print needs them: shrink no further than to "
     "`LONGEST`, and leave a smaller photo as it is.",
     lambda run: max(opened(run).size) >= max(right_size(run)) - 1),
    ("other-order", {'"text": ORDER': '"text": "What is on this slip?"'},
     "a question of the lesson, copied along with its call",
     "Your turn should hold one text, after the slip: `ORDER`, as it is, and nothing else.",
     lambda run: [one for one in parts(run.request) if isinstance(one, str)] == [ORDER]),
    ("raised-none", {SHRUNK: f"small = {SHRUNK}"},
     "methods of Pillow mostly give back a new picture; this one does not",
     "$kit `thumbnail` changes the picture itself and gives back `None`: do not assign that."),
    ("raised-OSError", {'turned.convert("RGB")': "turned.copy()"},
     "https://github.com/infiniflow/ragflow/pull/8399",
     "A JPEG cannot hold this photo's transparent background. Convert it to `\"RGB\"` first."),
    ("raised-json", {SLIP_BYTES: "held.getvalue()"},
     "lesson 07, Refused: bytes in place of base64 text",
     "Bytes, or a picture of Pillow, cannot be put into a request. `save` it into an `io.BytesIO`, "
     "and turn those bytes into base64 text."),
    ("raised-key", {'"JPEG"': '"JPG"'},
     "the ending of most file names taken for the name of the form",
     "$kit If that is a form for `save`: Pillow calls it `JPEG`, with an E."),
    ("raised-ValueError", {"io.BytesIO(photo)": "photo"},
     "bytes taken for something that can be opened",
     "`open` wants a path or a file, and bytes in memory become one by `io.BytesIO(photo)`. In "
     "`save`: where there is no file name, name the form, `JPEG`."),
    kind=kind_of,
    size=lambda run: "{} × {}".format(*opened(run).size),
)  # fmt: skip

read_slip = Exercise(
    id="07.4",
    title="Read a slip",
    objective="Send a photo upright and no larger than needed.",
    minutes=15,
    part="read_slip",
    task="""
Readers of the library photograph their lending slips. Complete `read_slip`, which gets the bytes
of such a photo:

1. open the photo (`Image.open(io.BytesIO(photo))`) and turn it by its mark;
2. shrink it, in proportion, so that no side has more than `LONGEST` pixels; a photo that is small
   enough keeps its size;
3. send it as a JPEG, followed by the text `ORDER`, in one turn;
4. give back the text of the reply.

Some photos are PNG files with a transparent background, which cannot be saved as JPEG until they
are converted to `"RGB"`. (How well Claude reads a slip is not checked: the replies are written by
hand.)
""",
    template=f'''
LONGEST = 1000  # pixels
ORDER = "{ORDER}"


def read_slip(client, photo):
    """Send the photo upright and small; give back the text of the reply."""
    ...
''',
    solution=f"""
LONGEST = 1000  # pixels
ORDER = "{ORDER}"


def read_slip(client, photo):
    with Image.open(io.BytesIO(photo)) as opened:
        turned = ImageOps.exif_transpose(opened)
        small = turned.convert("RGB")
    small.thumbnail((LONGEST, LONGEST))
    held = io.BytesIO()
    small.save(held, "JPEG")
    data = base64.b64encode(held.getvalue()).decode()
    source = {{"type": "base64", "media_type": "image/jpeg", "data": data}}
    slip = {{"type": "image", "source": source}}
    words = {{"type": "text", "text": ORDER}}
    turn = {{"role": "user", "content": [slip, words]}}
    reply = client.messages.create(model=MODEL, max_tokens=2000, messages=[turn])
    return "".join(block.text for block in reply.content if block.type == "text")
""",
    also_correct=(
        f"""
LONGEST = 1000  # pixels
ORDER = "{ORDER}"


def read_slip(client, photo):
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(photo))).convert("RGB")
    factor = min(1, LONGEST / max(image.size))
    if factor < 1:
        image = image.resize((round(image.width * factor), round(image.height * factor)))
    file = io.BytesIO()
    image.save(file, format="JPEG")
    file.seek(0)
    source = {{"type": "base64", "media_type": "image/jpeg", "data": file}}
    content = [{{"type": "image", "source": source}}, {{"type": "text", "text": ORDER}}]
    turn = {{"role": "user", "content": content}}
    text = ""
    for block in client.messages.create(model=MODEL, max_tokens=4000, messages=[turn]).content:
        text += block.text if block.type == "text" else ""
    return text
""",
    ),
    hints=(
        "The lesson's `upright` does steps 1 and 2, and its `jpeg` makes the block of step 3. "
        "What do they have to take in place of a path?",
        "Order of the steps: open, `ImageOps.exif_transpose`, `convert`, `thumbnail`, `save` into "
        "an `io.BytesIO`, `base64.b64encode`. `thumbnail` keeps proportions and never enlarges.",
        "`thumbnail` changes the picture and gives back nothing: do not assign it. After `save`, "
        "`getvalue()` gives all bytes, whose media type is now that of a JPEG.",
    ),
    rules=cases(
        case(drawn(1200, 900, form="JPEG", mark=6), replies=[[THOUGHT, "Dune | 12 May\nEmma | ?"]]),
        case(drawn(300, 200, mode="RGBA"), replies=[["Momo | ", "3 March", "\nBabel | ?\n"]]),
        case(drawn(1200, 300, form="JPEG", mark=3), replies=[[THOUGHT, "Ulysses | 1 March"]]),
        case(drawn(500, 1040, form="JPEG"), replies=[["Middlemarch | ", THOUGHT, "8 March"]]),
        expect=(EMPTY, HAS_SLIP, once(), *PHOTOS, SLIP_FIRST, room(), gives_text()),
    ),
    takeaway="Turn first, shrink in proportion, encode, send. When the slip is read, go on with "
    "the text and leave the picture out.",
)


EXERCISES = (ask_about, compare, picture_tokens, read_slip)
