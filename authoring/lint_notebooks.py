"""The rules for notebooks.

Each is a function; its name and the first line of its docstring are what an author reads. They
look at the file only and must not run anything.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Callable, Iterator

import nbformat

from authoring import models, prose
from authoring import navigation as nav
from authoring.book import (
    Notebook,
    calls_api,
    dotted,
    first_block_reads,
    names_in,
    parsed,
    tags,
    transformed,
    used_in,
)
from authoring.kernel import RAISES, announced
from authoring.paths import machine_paths, secrets
from authoring.render import normalise, to_bytes
from courseserver import facts
from practice._quiz import Question
from practice._quiz import read as quiz_of

MAX_BYTES = 100_000
MAX_LINES, MAX_LOOP_LINES = 20, 40
FIRST_CALL_BY = 4  # code cells
MAX_NEW = 10
NEAR = 4  # cells in which an answer follows its question
COMPARE = "Add <details><summary>Compare</summary>the answer</details> below it."
NEW_THINGS = "Name them in the metadata: course.new_things, a list of at most ten."
ROOMS = {"helpers", "practice", "courseserver", "authoring"}
CODE_IN_PROSE = re.compile(r"```.*?```|`[^`]*`", re.DOTALL)
MAGICS = {"config", "matplotlib"}
TAGS = {
    nav.NAV, nav.FACTS, "raises-exception", "grows", "paced", "adapted",
    "live-display", "nbval-ignore-output", "first-block-shown", "finished-loop", "no-recording",
}  # fmt: skip

Problem = tuple[int | None, str, str]  # cell index, what is wrong, what to do
Check = Callable[[Notebook], Iterator[Problem]]
NOTEBOOK_RULES: dict[str, Check] = {}


def rule(check: Check) -> Check:
    """Register a rule under its function's name."""
    NOTEBOOK_RULES[check.__name__.replace("_", "-")] = check
    return check


# ------------------------------------------------------------------ what nbval lets through


@rule
def executed_in_order(book: Notebook) -> Iterator[Problem]:
    """nbval passes a cell that was never run, and compares nothing."""
    for expected, (index, cell) in enumerate(book.code, start=1):
        if not cell.source.strip():
            yield index, "an empty code cell", "Delete it."
            return
        if cell.execution_count != expected:
            yield index, f"is numbered {cell.execution_count}, not {expected}", "Render the lesson."
            return


@rule
def every_cell_compared(book: Notebook) -> Iterator[Problem]:
    """A tag or comment for nbval switches the comparison off."""
    for index, cell in book.code:
        comment = re.search(r"#\s*(?:NBVAL|PYTEST_VALIDATE)_\w+", cell.source)
        if comment or ("nbval-ignore-output" in tags(cell) and "live-display" not in tags(cell)):
            yield (
                index,
                "is not compared",
                "Make its output the same every time, or tag it live-display.",
            )


@rule
def known_tags(book: Notebook) -> Iterator[Problem]:
    """A misspelt tag has no effect, and nobody notices."""
    for index, cell in enumerate(book.cells):
        known = TAGS | {tag for tag in tags(cell) if re.fullmatch(RAISES + r"\w+", tag)}
        for tag in sorted(tags(cell) - known):
            yield (
                index,
                f"has the unknown tag {tag!r}",
                f"Known are: {', '.join(sorted(TAGS))}, {RAISES}CLASS.",
            )


@rule
def no_live_display(book: Notebook) -> Iterator[Problem]:
    """nbval does not see displays that are cleared, updated or captured by a widget."""
    live = {"clear_output", "update_display", "display_id", "DisplayHandle", "Output"}
    code = book.code
    for position, (index, cell) in enumerate(code):
        tree = parsed(cell.source)
        used = sorted(live & used_in(tree)) if tree else []
        if used and "live-display" not in tags(cell):
            yield index, f"uses {used[0]}", "Show the result plainly, or tag the cell live-display."
        if "live-display" in tags(cell):
            after = code[position + 1][1] if position + 1 < len(code) else None
            if after is None or "live-display" in tags(after) or not after.outputs:
                yield (
                    index,
                    "shows something live that no cell states",
                    "Let the next code cell show the result plainly.",
                )


@rule
def no_trailing_semicolon(book: Notebook) -> Iterator[Problem]:
    """nbval runs cells without history, so IPython does not see a silencing semicolon."""
    skipped = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.ENDMARKER, tokenize.DEDENT}
    for index, cell, _ in book.trees():
        source = transformed(cell.source)
        read = tokenize.generate_tokens(io.StringIO(source).readline)
        last = [token.string for token in read if token.type not in skipped][-1:]
        if last == [";"]:
            yield index, "ends with a semicolon", "Assign the value instead: _ = ..."


@rule
def no_history(book: Notebook) -> Iterator[Problem]:
    """`In`, `Out` and `_` depend on the order in which the reader ran the cells."""
    for index, _, tree in book.trees():
        for name in sorted(names_in(tree)):
            if re.fullmatch(r"In|Out|_{1,3}|_i{1,3}|_[io]h|_i?\d+", name):
                yield index, f"reads {name}", "Give the value a name."


@rule
def no_input(book: Notebook) -> Iterator[Problem]:
    """Nobody is there to answer when the notebook runs by itself."""
    for index, _, tree in book.trees():
        asks = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        for name in [dotted(node.func) for node in asks]:
            if name in ("input", "getpass", "getpass.getpass"):
                yield index, f"asks with {name}()", "Assign the answer in the cell, to be edited."


@rule
def no_shell(book: Notebook) -> Iterator[Problem]:
    """Shell commands differ between Windows, macOS and Linux."""
    for index, _, tree in book.trees():
        shells = {"get_ipython().system", "get_ipython().getoutput"}
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in shells | {"os.system"}:
                yield index, "runs a shell command", "Use Python (pathlib, subprocess with a list)."


@rule
def known_magics(book: Notebook) -> Iterator[Problem]:
    """An unknown magic fails elsewhere, and many give another output at each run."""
    for index, _, tree in book.trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and dotted(node.func).endswith(
                ("line_magic", "cell_magic")
            ):
                name = str(ast.literal_eval(node.args[0]))
                if name not in MAGICS:
                    yield (
                        index,
                        f"uses the magic {name}",
                        f"Allowed are: {', '.join(sorted(MAGICS))}.",
                    )


@rule
def errors_are_tagged(book: Notebook) -> Iterator[Problem]:
    """A cell fails exactly when its tags say so, and with the class that they name."""
    for index, cell in book.code:
        raised = [output.ename for output in cell.outputs if output.output_type == "error"]
        wanted = announced(cell)
        if "raises-exception" not in tags(cell):
            if raised:
                yield index, "stores an error", "Correct the cell, or tag it raises-exception."
            elif wanted:
                yield index, f"is tagged raises:{wanted} only", "Tag it raises-exception as well."
        elif len(raised) != 1:
            yield (
                index,
                "is tagged raises-exception but stores no error",
                "Render, or drop the tag.",
            )
        elif not wanted:
            yield (
                index,
                "does not say with which class it fails",
                f"Tag it raises:{raised[0]} as well, if that is what its text announces.",
            )
        elif raised != [wanted]:
            yield (
                index,
                f"is tagged raises:{wanted} but stores {raised[0]}",
                "Correct the cell, or its text and the tag.",
            )


@rule
def stored_as_rendered(book: Notebook) -> Iterator[Problem]:
    """One normal form keeps diffs readable and free of the author's machine."""
    again = nbformat.reads(book.raw.decode("utf-8"), as_version=4)
    if to_bytes(normalise(again)) != book.raw:
        yield None, "is not in the form which render writes", "Render the lesson."


# -------------------------------------------------------------------------------- the code


@rule
def no_first_block(book: Notebook) -> Iterator[Problem]:
    """A reply often opens with a thinking block, so its first block is not its text."""
    pieces = [(n, cell, tree) for n, cell, tree in book.trees()]
    for index, found in book.markdown:
        parts = [tree for tree in map(parsed, found.python) if tree]
        pieces += [(index, book.cells[index], tree) for tree in parts]
    for index, cell, tree in pieces:
        shown = "first-block-shown" in tags(cell)
        if shown and cell.cell_type == "code" and "raises-exception" not in tags(cell):
            yield index, "is tagged first-block-shown but not raises-exception", "It must fail."
        for expression in first_block_reads(tree) if not shown else []:
            yield index, f"reads {expression}", "Pick the blocks by their type."


@rule
def models_declared(book: Notebook) -> Iterator[Problem]:
    """A model id stands in one place, so that an upgrade is one line."""
    declared = models.declared(book.path, book.root)
    seen: set[str] = set()
    for index, cell in book.written():
        ids = models.ids_in(cell.source)
        seen |= ids
        for name in sorted(ids - declared):
            yield (
                index,
                f"names {name}",
                "Use helpers.MODEL, or declare it in the metadata: course.declared_models.",
            )
    for name in sorted(declared - seen):
        yield None, f"declares {name} and never names it", "Take it out of declared_models."


@rule
def models_known(book: Notebook) -> Iterator[Problem]:
    """An id that is not in the dated table of facts may have gone."""
    allowed = models.known() | models.declared(book.path, book.root)
    for index, cell in enumerate(book.cells):
        for name in sorted(models.ids_in(cell.source) - allowed):
            yield (
                index,
                f"names {name}, which courseserver/facts.py does not know",
                "Correct it, add it to the facts, or declare it if it is wrong on purpose.",
            )


@rule
def cell_size(book: Notebook) -> Iterator[Problem]:
    """A cell is read in one glance, also on a projector."""
    for index, cell in book.code:
        lines = cell.source.split("\n")
        limit = MAX_LOOP_LINES if "finished-loop" in tags(cell) else MAX_LINES
        if len(lines) > limit:
            yield index, f"has {len(lines)} lines, more than {limit}", "Split it."


@rule
def setup_first(book: Notebook) -> Iterator[Problem]:
    """Without `setup` of this lesson a reply would come from another one, or from the real API."""
    if not book.code:
        yield None, "has no code cell", "Write one."
        return
    index, cell = book.code[0]
    tree = parsed(cell.source) or ast.Module([], [])
    wanted = f"setup({book.path.stem!r})"
    calls = [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Call)]
    if wanted not in calls:
        yield index, "does not begin the lesson", f"Call {wanted} in this cell."


@rule
def first_call_early(book: Notebook) -> Iterator[Problem]:
    """A reader wants to see it work before reading on."""
    first = [index for index, _, tree in book.trees() if calls_api(tree)][:1]
    early = [index for index, _ in book.code[:FIRST_CALL_BY]]
    if not first or first[0] not in early:
        yield (
            first[0] if first else None,
            "is the first API call, or there is none",
            f"Make a call within the first {FIRST_CALL_BY} code cells.",
        )


# ------------------------------------------------------------------------------- the prose


@rule
def one_title(book: Notebook) -> Iterator[Problem]:
    """One H1, in the first cell, is a page's name for readers and screen readers."""
    titles = [index for index, found in book.markdown for level, _ in found.headings if level == 1]
    if titles != [0]:
        yield (
            titles[-1] if titles else None,
            f"has {len(titles)} H1 headings",
            "Open with one '# Title'.",
        )


@rule
def headings_in_order(book: Notebook) -> Iterator[Problem]:
    """Screen readers and the table of contents follow the levels."""
    before = 0
    for index, found in book.markdown:
        for level, title in found.headings:
            if not title:
                yield index, "has an empty heading", "Name it or delete it."
            if level > before + 1:
                yield (
                    index,
                    f"jumps from level {before} to {level}: {title!r}",
                    "Use the next level.",
                )
            before = level


@rule
def no_accidental_formula(book: Notebook) -> Iterator[Problem]:
    """JupyterLab takes what stands between two dollar signs of a paragraph for a formula."""
    for index, cell in ((n, cell) for n, cell in book.written() if cell.cell_type == "markdown"):
        plain = CODE_IN_PROSE.sub("", cell.source)
        for paragraph in re.split(r"\n\s*\n", plain):
            if paragraph.count("$") > 1:
                yield (
                    index,
                    f"two dollar signs in one paragraph: {paragraph.strip()[:40]!r}",
                    "Write USD, or put the amounts in `code`.",
                )


@rule
def pictures_speak(book: Notebook) -> Iterator[Problem]:
    """Who cannot see a picture reads its alt text."""
    pictures = [(n, p) for n, found in book.markdown for p in found.pictures]
    for index, cell in book.code:
        for output in cell.outputs:
            data = output.get("data", {})
            pictures += [(index, p) for p in prose.read_html(data.get("text/html", "")).pictures]
            pictures += [
                (index, p) for p in prose.read_markdown(data.get("text/markdown", "")).pictures
            ]
            for kind in [kind for kind in data if kind.startswith("image/")]:
                pictures.append((index, (kind, output.metadata.get(kind, {}).get("alt"))))
    for index, (source, alt) in pictures:
        weakness = prose.weak_alt(alt)
        if weakness:
            yield index, f"the picture {source[:40]} {weakness}", "Say in words what it shows."


@rule
def links_lead_somewhere(book: Notebook) -> Iterator[Problem]:
    """A link that leads nowhere stops a reader."""
    for index, found in book.markdown:
        for url in found.links + [source for source, _ in found.pictures]:
            problem = prose.broken(url, book.path, book.root)
            if problem:
                yield index, f"the link {url[:60]} {problem}", "Correct it, or take the link out."


# ------------------------------------------------------------------------------ the lesson


@rule
def listed_lesson(book: Notebook) -> Iterator[Problem]:
    """Navigation and map come from one list."""
    if book.lesson is None:
        yield None, "is not in practice/lessons.py", "Add it there, or move the file elsewhere."


@rule
def no_todo_in_cells(book: Notebook) -> Iterator[Problem]:
    """TODO marks what `new` left for the author to write."""
    for index, cell in book.written():
        left = [line for line in cell.source.split("\n") if "TODO" in line]
        if left:
            yield index, f"still says {left[0].strip()[:60]!r}", "Write it, or take it out."


@rule
def key_points(book: Notebook) -> Iterator[Problem]:
    """A reader who comes back looks for the lesson in a few lines."""
    parts = [cell.source.partition("## Key points\n") for _, cell in book.written()]
    found = [after for _, heading, after in parts if heading]
    points = re.findall(r"^[-*] \S", found[0].partition("\n## ")[0], re.M) if found else []
    if not points:
        yield None, "has no key points", "Write a cell '## Key points' with a list."


@rule
def few_new_things(book: Notebook) -> Iterator[Problem]:
    """More than ten new things do not fit into an evening."""
    new = book.nb.metadata.get("course", {}).get("new_things", [])
    if not new:
        yield None, "does not list what is new in it", NEW_THINGS
    elif len(new) > MAX_NEW:
        yield None, f"has {len(new)} new things in its core, not {MAX_NEW}", "Move some deeper."


@rule
def same_at_work(book: Notebook) -> Iterator[Problem]:
    """A reader takes a program home that needs nothing of the course."""
    if book.lesson and not book.lesson.needs:
        return  # the first lesson only says how the course works
    name = f"at_work/{book.path.stem}.py"
    program = book.path.parent / name
    if not program.is_file():
        yield None, f"has no {name}", "Write the program that a person would start from at work."
        return
    imported = names_in(ast.parse(program.read_text(encoding="utf-8")))
    if imported & ROOMS or "helpers" in program.read_text(encoding="utf-8"):
        yield None, f"{name} needs the course", "Write it as it would stand in another project."
    if not any(name in cell.source for _, cell in book.code):
        yield None, f"does not show and run {name}", "Add the cells; other lessons have them."


@rule
def your_turn_compares(book: Notebook) -> Iterator[Problem]:
    """A reader who tried something wants to know whether it was right."""
    for index, cell in enumerate(book.cells):
        near = "".join(each.source for each in book.cells[index : index + NEAR])
        if "**Your turn" in cell.source and "<summary>Compare" not in near:
            yield index, "has a 'Your turn' and nothing to compare with", COMPARE


@rule
def three_questions(book: Notebook) -> Iterator[Problem]:
    """Three questions let readers see for themselves what has stayed."""
    found = quiz_of(book.path)
    if [question.number for question in found] != [1, 2, 3]:
        yield (
            None,
            f"has {len(found)} questions under '## Three questions'",
            "Write three, numbered '### 1. ...' to '### 3. ...', each with three options as "
            "<details><summary>a) option</summary>reason</details>.",
        )
    for question in found:
        for what, do in question_problems(question):
            yield None, f"question {question.number} {what}", do


def question_problems(question: Question) -> Iterator[tuple[str, str]]:
    """What is wrong with one question of a quiz, and what to do."""
    letters = list(question.options)
    if letters != ["a", "b", "c"]:
        yield f"has the options {', '.join(letters) or 'none'}", "Give it three: a), b) and c)."
    if len(question.right) != 1:
        yield (
            f"has {len(question.right)} right options",
            "Begin the reason of the right one, and of no other, with 'Yes.'.",
        )
    short = [letter for letter, reason in question.reasons.items() if len(reason.split()) < 3]
    if short:
        yield f"gives no reason for {', '.join(short)}", "Say in a sentence why."
    if len(set(question.options.values())) < len(letters):
        yield "has the same option twice", "Let each say something else."
    if len(set(question.reasons.values())) < len(letters):
        yield "has the same reason twice", "Say for each option why it is right or wrong."


@rule
def navigation_current(book: Notebook) -> Iterator[Problem]:
    """The links between lessons are generated, at the top and at the end."""
    if book.lesson is None:
        return
    cells = book.cells
    if not (nav.tagged(cells[1:2], nav.NAV) and nav.tagged(cells[-1:], nav.NAV)):
        yield None, "lacks a navigation cell", "Render the lesson."
    for index, cell in enumerate(cells):
        if nav.NAV in tags(cell) and cell.source != nav.nav_line(book.lesson, book.root):
            yield index, "has old navigation", "Render the lesson."


@rule
def facts_current(book: Notebook) -> Iterator[Problem]:
    """The facts line comes from the last run, the list of lessons and courseserver/facts.py."""
    if book.lesson is None:
        return
    found = [index for index, cell in enumerate(book.cells) if nav.FACTS in tags(cell)]
    if len(found) != 1:
        yield None, f"has {len(found)} facts cells", "Keep one and render the lesson."
        return
    course = nav.course_numbers(book.nb)
    fresh = {"as_of": str(facts.AS_OF), "api_version": facts.API_VERSION, "model": facts.MODEL}
    if any(course.get(key) != value for key, value in fresh.items()):
        yield found[0], "was computed with other facts", "Render the lesson."
    elif book.cells[found[0]].source != nav.facts_line(book.lesson, course, book.root):
        yield found[0], "does not say what the last run counted", "Render the lesson."


@rule
def small_file(book: Notebook) -> Iterator[Problem]:
    """A notebook opens quickly and its diff can be read."""
    if len(book.raw) >= MAX_BYTES:
        yield (
            None,
            f"has {len(book.raw):,} bytes, the limit is {MAX_BYTES:,}",
            "Keep pictures as files, show less output.",
        )


@rule
def outputs_keep_secrets(book: Notebook) -> Iterator[Problem]:
    """What a cell printed is published with the lesson."""
    for index, cell in book.code:
        for output in cell.outputs:
            text = str(dict(output))
            for path in machine_paths(text, book.root, output=True):
                yield index, f"shows a path of a machine: {path}", "Show a relative path."
            for kind, start in secrets(text):
                yield index, f"shows {kind}: {start}", "Mask it, render again, and revoke the key."
