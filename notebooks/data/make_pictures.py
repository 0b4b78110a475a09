"""Makes the pictures and the PDF of lesson 07: papers of a school's flea market.

Stalls, prices and rules are invented, and nobody is in the pictures. It must not know
what a model makes of them; the lesson checks answers against the numbers below.

    python notebooks/data/make_pictures.py

Recordings know pictures by their bytes, and another Pillow writes other bytes: after a
run that changed a file, `python -m authoring write 07_vision` puts the recording right.
Its variants called `photo` hold the photo as lesson 07's `upright` and `jpeg` shrink it
(the same bytes with Pillow 12.3 and 13.0); they are written by hand.

What there is to find: the receipt adds up, with a discount among its lines; the posters
differ in three places; the chart has no numbers on its bars; the form has five faults
for people who see, hear or point differently; the photo lies on its side, and only its
EXIF says so; in the PDF, page 1 is for sellers and page 2 for visitors.
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

HERE = Path(__file__).parent
PAPER, INK, RED, BLUE = "#fffdf8", "#2b2b2b", "#a8482a", "#2f5f93"

# The receipt: (count, item, amount in EUR). The amounts add up to TOTAL.
RECEIPT = [
    (2, "Jigsaw puzzle", 6.0), (1, "Desk lamp", 8.5), (4, "Storybook", 6.0),
    (1, "Child's raincoat", 5.0), (1, "Board game", 4.0), (1, "Discount", -2.0),
]  # fmt: skip
TOTAL, PAID = 27.5, 50.0

# The chart: what each flea market took in, in EUR.
TAKINGS = {"March": 265, "May": 340, "July": 150, "September": 410, "November": 385}

POSTERS = {
    "a": ("Saturday 14 November", "10:00 to 14:00", "Gym hall", "6 EUR a table"),
    "b": ("Saturday 14 November", "10:00 to 13:30", "Music room", "8 EUR a table"),
}

# The form's colours, which the lesson measures: pale grey on white, white on orange.
PALE, BUTTON = "#b5b5b5", "#f2b48a"

# The PDF: title and sentences of each page.
RULES = [
    ("Flea market rules: for sellers", [
        "Set up between 08:30 and 09:45; the gate closes at 09:50.",
        "A table costs 8 EUR and is paid on the day, in cash.",
        "Bring your own change. The office has none.",
        "Electrical things must be shown working before they are sold.",
        "Do not sell food, medicine or anything with a blade.",
        "What is left at 14:30 goes to the charity shop unless you take it home.",
    ]),
    ("Flea market rules: for visitors", [
        "Doors open at 10:00. Entry is free.",
        "There is no changing room; please try coats on over your clothes.",
        "You may bring things back until 13:00 on the same day, with the receipt.",
        "After 13:00 all sales are final.",
        "Dogs wait outside; there is water for them by the bicycle stand.",
        "Lost things are kept in the school office until the end of term.",
    ]),
]  # fmt: skip


def letters(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """The font that comes with Pillow, so that no system's fonts are needed."""
    return ImageFont.load_default(size)


def receipt() -> Image.Image:
    """A receipt from a till: 600 by 900 pixels."""
    picture = Image.new("RGB", (600, 900), PAPER)
    draw = ImageDraw.Draw(picture)
    draw.text((300, 60), "SCHOOL FLEA MARKET", INK, letters(36), "mm")
    draw.text((300, 110), "Stall 14 - Saturday 14 November 2026", INK, letters(24),
              "mm")  # fmt: skip
    draw.line((40, 150, 560, 150), INK, 2)
    for number, (count, item, price) in enumerate(RECEIPT):
        y = 200 + 60 * number
        draw.text((40, y), f"{count} x", INK, letters(28), "lm")
        draw.text((120, y), item, INK, letters(28), "lm")
        draw.text((560, y), f"{price:.2f}", INK, letters(28), "rm")
    draw.line((40, 560, 560, 560), INK, 2)
    ends = {"TOTAL EUR": TOTAL, "Cash": PAID, "Change": PAID - TOTAL}
    for number, (name, amount) in enumerate(ends.items()):
        size = 36 if number == 0 else 28
        draw.text((40, 610 + 55 * number), name, INK, letters(size), "lm")
        draw.text((560, 610 + 55 * number), f"{amount:.2f}", INK, letters(size), "rm")
    draw.text((300, 800), "Bring it back until 13:00", INK, letters(20), "mm")
    draw.text((300, 832), "with this receipt. Thank you!", INK, letters(20), "mm")
    return picture


def poster(name: str) -> Image.Image:
    """One of the two posters: 480 by 640 pixels."""
    day, hours, room, stalls = POSTERS[name]
    picture = Image.new("RGB", (480, 640), PAPER)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((16, 16, 463, 623), outline=RED, width=6)
    for y, size, text, colour in [
        (110, 58, "FLEA", RED), (180, 58, "MARKET", RED), (280, 34, day, INK),
        (340, 34, hours, INK), (430, 34, room, BLUE), (530, 24, stalls, INK),
        (570, 20, "Ask at the school office", INK),
    ]:  # fmt: skip
        draw.text((240, y), text, colour, letters(size), "mm")
    return picture


def chart() -> Image.Image:
    """Bars with an axis and without numbers on them: 840 by 560 pixels."""
    picture = Image.new("RGB", (840, 560), "white")
    draw = ImageDraw.Draw(picture)
    draw.text((420, 40), "What our flea markets took in (EUR)", INK, letters(30), "mm")
    for value in range(0, 501, 100):
        y = 470 - value * 0.75
        draw.line((90, y, 810, y), "#d0d0d0", 2)
        draw.text((78, y), str(value), INK, letters(22), "rm")
    for number, (month, taken) in enumerate(TAKINGS.items()):
        x = 120 + 140 * number
        draw.rectangle((x, 470 - taken * 0.75, x + 90, 470), fill=BLUE)
        draw.text((x + 45, 500), month, INK, letters(22), "mm")
    return picture


def form() -> Image.Image:
    """A sign-up form with faults, as a screenshot: 900 by 640 pixels."""
    picture = Image.new("RGB", (900, 640), "#e9ecf1")
    draw = ImageDraw.Draw(picture)
    draw.rounded_rectangle((150, 50, 750, 590), 12, fill="white")
    draw.text((190, 100), "Book a table", INK, letters(36), "lm")
    draw.line((727, 69, 733, 75), "#9a9a9a", 2)  # the way out, 7 by 7 pixels
    draw.line((733, 69, 727, 75), "#9a9a9a", 2)
    for y, hint in ((150, "Your name"), (230, "E-mail address")):
        draw.rounded_rectangle((190, y, 710, y + 52), 6, outline="#c8c8c8", width=2)
        draw.text((206, y + 26), hint, PALE, letters(22), "lm")
    draw.rounded_rectangle((190, 310, 330, 362), 6, outline="#d92d20", width=2)
    draw.text((206, 336), "0", INK, letters(22), "lm")  # nothing says what it asks for
    draw.text((190, 410), "Fields in red are wrong.", INK, letters(20), "lm")
    draw.ellipse((190, 450, 206, 466), outline="#9a9a9a", width=2)
    draw.text((220, 458), "I bring my own table", INK, letters(22), "lm")
    draw.rounded_rectangle((190, 500, 710, 560), 8, fill=BUTTON)
    draw.text((450, 530), "Click here", "white", letters(26), "mm")
    return picture


def photo(of: Image.Image) -> tuple[Image.Image, Image.Exif]:
    """The receipt as a phone keeps it, 3264 by 2448: on its side, with a mark."""
    table = Image.new("L", (2448, 3264), "#7d6a55")
    paper = of.convert("L").resize((1944, 2916), Image.Resampling.BICUBIC)
    table.paste(paper, (252, 174))
    marks = Image.Exif()
    marks[0x0112] = 6  # orientation: upright after a quarter turn clockwise
    return table.transpose(Image.Transpose.ROTATE_90), marks


def sizes(turned: Image.Image) -> Image.Image:
    """One line of the photo after shrinking it to three sizes: 620 by 330 pixels."""
    picture = Image.new("RGB", (620, 330), PAPER)
    draw = ImageDraw.Draw(picture)
    for number, longest in enumerate((1000, 350, 180)):
        small = turned.transpose(Image.Transpose.ROTATE_270)
        small.thumbnail((longest, longest))
        w, h = small.size
        left, right = round(w * 0.13), round(w * 0.87)
        line = small.crop((left, round(h * 0.4), right, round(h * 0.465)))
        y = 20 + 105 * number
        draw.text((30, y), f"{w} x {h} pixels", INK, letters(16))
        picture.paste(line.resize((560, 66), Image.Resampling.NEAREST), (30, y + 24))
    return picture


def pdf() -> bytes:
    """Two pages of plain text in the simplest form of a PDF, written by hand."""
    count = len(RULES)
    kids = " ".join(f"{4 + 2 * n} 0 R" for n in range(count))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {count} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for number, (title, sentences) in enumerate(RULES):
        lines = ["BT /F1 20 Tf 60 770 Td", f"({title}) Tj", "/F1 12 Tf 0 -20 Td"]
        for sentence in sentences:
            lines += ["0 -28 Td", f"({sentence}) Tj"]
        lines += ["0 -60 Td", f"(Page {number + 1} of {count}) Tj", "ET"]
        text = "\n".join(lines)
        objects.append(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] "
            f"/Resources << /Font << /F1 3 0 R >> >> /Contents {5 + 2 * number} 0 R >>"
        )
        objects.append(f"<< /Length {len(text)} >>\nstream\n{text}\nendstream")
    out, places = "%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n"
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    start = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}"
    out += f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\n"
    out += f"startxref\n{start}\n%%EOF\n"
    return out.encode("ascii")


def make(images: Path, data: Path) -> None:
    """Write all of them: pictures into `images`, the PDF into `data`."""
    plain = {"receipt": receipt(), "poster_a": poster("a"), "poster_b": poster("b")}
    plain |= {"chart": chart(), "form": form()}
    turned, marks = photo(plain["receipt"])
    turned.save(images / "07_photo.jpg", quality=20, exif=marks, optimize=True)
    for name, picture in (plain | {"sizes": sizes(turned)}).items():
        few = picture.quantize(64, dither=Image.Dither.NONE)  # few colours: small files
        few.save(images / f"07_{name}.png", optimize=True)
    (data / "flea_market_rules.pdf").write_bytes(pdf())


if __name__ == "__main__":
    make(HERE.parent / "images", HERE)
