"""Labels data/reviews.csv in one batch. Started again, it picks up the same batch."""

import csv
import time
from pathlib import Path

import anthropic
from anthropic.types.messages.batch_create_params import Request
from dotenv import load_dotenv

FOLDER = Path(__file__).resolve().parent.parent  # data/ lies in it
ID_FILE = FOLDER / "my_batch_id.txt"


def request_for(review: dict[str, str]) -> Request:
    words = (
        f"A reader of our library wrote about the book “{review['title']}”:\n\n"
        f"<review>\n{review['text']}\n</review>\n\n"
        "Answer with one of these words: praise, criticism, mixed, question, building. "
        "(building: it is about the house, not about the book.)"
    )
    return {
        "custom_id": review["review_id"],
        "params": {
            "model": "claude-sonnet-5-5",
            "max_tokens": 2000,
            "messages": [{"role": "user", "content": words}],
        },
    }


load_dotenv()
client = anthropic.Anthropic()
if not ID_FILE.exists():
    with (FOLDER / "data" / "reviews.csv").open(encoding="utf-8", newline="") as file:
        ordered = [request_for(review) for review in csv.DictReader(file)]
    batch = client.messages.batches.create(requests=ordered)
    ID_FILE.write_text(batch.id, encoding="utf-8")

batch_id = ID_FILE.read_text(encoding="utf-8")
while True:
    reply = client.messages.batches.with_raw_response.retrieve(batch_id)
    if reply.parse().processing_status == "ended":
        break
    time.sleep(float(reply.headers.get("retry-after", 10)))

with (FOLDER / "my_labels.csv").open("w", encoding="utf-8", newline="") as file:
    for line in client.messages.batches.results(batch_id):
        if line.result.type == "succeeded":
            blocks = line.result.message.content
            text = "".join(block.text for block in blocks if block.type == "text")
            csv.writer(file).writerow([line.custom_id, text])
        else:
            print(f"{line.custom_id} has no label: {line.result.type}")
print("The labels are in my_labels.csv.")
