"""The prompt asks for a name and nothing else."""

from app import PROMPT


def test_the_prompt_asks_for_the_name_alone() -> None:
    assert "Only the name" in PROMPT
