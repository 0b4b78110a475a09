"""The bench measures what it says: the same bytes, the same cells, and no run that failed.

Tiny counts, real servers, a real kernel. No time is asserted: a machine may be as slow as it likes.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from bench import BenchError, kernels, replay, startup, suite, table
from tests.support import ROOT, send

TEXT = replay.text_of_deltas(replay.DELTAS)


def test_the_stream_has_as_many_deltas_as_the_bench_says() -> None:
    reply = replay.answers(replay.recording(TEXT))[True]
    assert replay.text_deltas(reply) == replay.DELTAS == 50
    assert replay.text_deltas(replay.answers(replay.recording(TEXT[:-60]))[True]) < 50


@pytest.mark.parametrize("stream", [False, True])
def test_every_server_sends_the_course_servers_own_bytes(stream: bool) -> None:
    body = {**replay.ASKED, "stream": True} if stream else replay.ASKED
    raw = json.dumps(body, separators=(",", ":")).encode()  # as the SDK writes it
    expected = b"".join(s.data for s in replay.answers(replay.recording(TEXT))[stream].steps)
    with replay.clients(replay.recording(TEXT)) as clients:
        urls = {n: str(c.base_url).rstrip("/") for n, c in clients.items() if n != replay.ALONE}
        assert len(urls) == 3
        for name, url in urls.items():
            answer = send(url, raw)
            assert (answer.status, answer.body) == (200, expected), name


def test_replay_asks_every_peer_as_often_and_fills_the_table(
    covers: Callable[[str], None],
) -> None:
    with replay.clients(replay.recording(TEXT)) as clients:
        samples = replay.measure(replay.stream, clients, 3, TEXT)
    assert {name: len(seconds) for name, seconds in samples.items()} == dict.fromkeys(clients, 3)
    rows = replay.rows(creates=2, streams=2, repeats=1)
    assert [row.target for row in rows].count("at most 1.2 ms over") == 1
    assert len(rows) == 8
    covers(f"bench: {len(clients)} peers, {len(rows)} lines of the table")


def test_a_reply_with_another_text_is_not_measured() -> None:
    with (
        replay.clients(replay.recording(TEXT)) as clients,
        pytest.raises(BenchError, match="sent another text"),
    ):
        replay.measure(replay.create, clients, 1, TEXT + "!")


def test_a_fresh_kernel_tells_what_a_start_costs() -> None:
    start = startup.start()
    assert min(start.helpers, start.setup, start.first, start.second) > 0


def test_the_bare_run_executes_every_code_cell_and_paces_the_paced_ones(tmp_path: Path) -> None:
    tell = "import os; open('told.txt', 'a', encoding='utf-8').write(os.environ['COURSE_PACE'])"
    cells = [new_markdown_cell("# A lesson"), new_code_cell(tell), new_code_cell(tell)]
    cells[1].metadata["tags"] = ["paced"]
    notebook = tmp_path / "lesson.ipynb"
    nbformat.write(new_notebook(cells=[*cells, new_code_cell("1 / 0")]), notebook)
    assert kernels.run_notebook(notebook) == 3
    assert (tmp_path / "told.txt").read_text(encoding="utf-8") == "10"


def test_the_suite_measures_the_gate_as_it_is_and_only_its_workers_differ() -> None:
    programs = suite.commands(["a.ipynb"])
    serial, workers = programs["serial"], programs["two workers"]
    assert "--nbval" in serial and "-n" not in serial
    assert [part for part in workers if part not in serial] == ["-n", "2", "--dist", "loadfile"]
    assert all(command[-1] == "a.ipynb" for command in programs.values())


def test_a_run_that_fails_or_counts_no_cells_is_not_measured() -> None:
    with pytest.raises(BenchError, match="failed"):
        suite.timed([sys.executable, "-c", "raise SystemExit(1)"], os.environ)
    with pytest.raises(BenchError, match="how many cells"):
        suite.timed([sys.executable, "-c", "print('no tests ran')"], os.environ)
    run = suite.timed([sys.executable, "-c", "print('7 passed in 1s')"], os.environ)
    assert run.cells == 7
    assert run.clock > 0


def test_a_target_that_is_missed_by_little_is_missed() -> None:
    def reached(bare: float, serial: float, workers: float) -> list[bool | None]:
        runs = zip(suite.PROGRAMS, (bare, serial, workers), strict=True)
        return [r.reached for r in suite.table("", {n: [suite.Run(t, 0.0, 1)] for n, t in runs})]

    assert reached(10.0, 11.4, 7.4) == [True, True]
    assert reached(10.0, 11.6, 7.6) == [False, False]


def test_the_table_says_whether_a_target_was_reached() -> None:
    rows = [table.Row("a", "1 ms", reached=True), table.Row("b", "2 ms", reached=False)]
    lines = table.markdown([*rows, table.Row("c", "3 ms")]).splitlines()
    assert [line.split("|")[-2].strip() for line in lines[2:]] == ["yes", "**no**", ""]
    assert str(table.Times.of([0.003, 0.001, 0.002])) == "2.00 ms (1.00)"
    assert table.Times.of([3.0, 2.0]).times(table.Times.of([1.0, 1.0])) == "2.50x (2.00x)"


def test_the_description_of_the_machine_names_no_place(tmp_path: Path) -> None:
    told = table.machine()
    assert "cores" in told and "anthropic " in told
    assert str(ROOT) not in told and str(Path.home()) not in told
