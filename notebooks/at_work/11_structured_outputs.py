"""Puts the booking in an e-mail into a database; the raw reply is kept in any case."""

import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Literal

import anthropic
from dotenv import load_dotenv
from pydantic import BaseModel, Field

DATABASE = Path(__file__).resolve().parent.parent / "my_bookings.db"
MAIL = (
    "Hello! We would like to bring our tent on 9 July 2027 and stay for five nights. "
    "There are three of us. Warm regards, Amara Okafor"
)


class Booking(BaseModel):
    name: str
    arrives: date
    nights: int = Field(ge=1, le=14)
    place: Literal["tent", "van"]
    people: int = 1


load_dotenv()
schema = anthropic.transform_schema(Booking)
reply = anthropic.Anthropic().messages.create(
    model="claude-sonnet-5-5",
    max_tokens=2000,
    messages=[{"role": "user", "content": MAIL}],
    output_config={"format": {"type": "json_schema", "schema": schema}},
)
text = "".join(block.text for block in reply.content if block.type == "text")
with closing(sqlite3.connect(DATABASE)) as db:
    db.execute("CREATE TABLE IF NOT EXISTS replies (mail PRIMARY KEY, reply)")
    db.execute("CREATE TABLE IF NOT EXISTS bookings (mail PRIMARY KEY, name, nights)")
    db.execute("INSERT OR REPLACE INTO replies VALUES (1, ?)", [reply.to_json()])
    db.commit()  # from here on, nothing can be lost
    try:
        if reply.stop_reason != "end_turn":
            raise ValueError(f"the reply ended with {reply.stop_reason}")
        got = Booking.model_validate_json(text)
        row = [got.name, got.nights]
        db.execute("INSERT OR REPLACE INTO bookings VALUES (1, ?, ?)", row)
        db.commit()
    except ValueError as error:  # a ValidationError is one, too
        print("No booking yet:", error)
    print(db.execute("SELECT * FROM bookings").fetchall())
