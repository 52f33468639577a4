"""The check of the texts finds home-made terms where people read them."""

import prose
import pytest

RULES = prose.read_vocabulary()
EXAMPLES = {
    "The file is written beside it.": "in addition to",
    "It is the share of trials that count.": "fraction",
    "A decoder rebuilds the signal.": "reconstruct",
    "Tell whether the file exists.": "return whether",
    "The decoders vote together.": "ensemble",
    "Its principal start is slow.": "initialization of the head",
    "A channel with strong answers is found.": "response",
    "A channel is silenced.": "permuted",
    "It tells about the word.": "carry information",
    "The network learns them by heart.": "overfit a single batch",
    "Make room for a channel.": "module",
    "A token listens to the channel.": "receptive field",
    "This costs accuracy.": "accuracy decreased",
    "One noisy channel rules all.": "a plain statement",
    "The unlabelled segments are used.": "unlabeled",
    "The neighbour is subtracted.": "neighbor",
}


@pytest.mark.parametrize(("text", "remedy"), EXAMPLES.items())
def test_term_is_found_where_it_is_read(text, remedy):
    sources = {
        "page.rst": f"Page\n====\n\n{text}\n",
        "docstring.py": f'def f():\n    """{text}"""\n',
        "comment.py": f"f = 1\n\n\n# {text}\n",
        "message.py": f'\n\n\nraise ValueError("{text}")\n',
        "formatted.py": f'\n\n\nraise ValueError(f"{text} {{n}}")\n',
    }
    for path, source in sources.items():
        (found,) = prose.check_text(path, source, RULES)
        assert (found.path, found.line) == (path, 2 if path[0] == "d" else 4)
        assert remedy in found.remedy


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("a.rst", "Take ``share_of`` and ``f(unlabelled=x)``.\n"),
        ("a.rst", "Example:\n\n.. code-block:: python\n\n   x = vote  # beside\n"),
        ("a.rst", ".. prose: ok\nThe share of it.\n"),
        ("a.md", "Text.\n\n```console\nmake room\n```\n"),
        ("a.py", "unlabelled = rebuild(vote)\n"),
        ("a.py", 'raise ValueError("the vote counts")  # prose: ok\n'),
        ("a.py", '"""The share.\n\nThe share of it.\n"""  # prose: ok\n'),
        ("a.py", '"""Fit.\n\n    unlabelled : Epochs\n"""\n'),
        ("a.rst", "Each training epoch (a pass over the data) ends.\n\nA pass ends.\n"),
    ],
)
def test_code_and_marked_lines_are_let_through(path, source):
    assert prose.check_text(path, source, RULES) == []


def test_a_term_is_explained_before_it_is_used():
    text = "It takes two of 5 passes.\n"
    (found,) = prose.check_text("a.rst", text, RULES)
    assert "pass over the data" in found.remedy
    assert prose.check_text("module.py", f'"""{text}"""\n', RULES) == []


def test_code_is_no_subject_of_a_sentence():
    page = ".. code-block:: console\n\n   $ make decode\n\ndecodes the words.\n"
    (found,) = prose.check_text("a.rst", page, RULES)
    assert found.line == 5
    assert "a subject of its own" in found.remedy
    page = page.replace("decodes", "This command decodes")
    assert prose.check_text("a.rst", page, RULES) == []


def test_paragraphs_are_short():
    lines = "\n".join(f"Line {number}." for number in range(7))
    (found,) = prose.check_text("a.rst", f"Title\n=====\n\n{lines}\n", RULES)
    assert found.line == 4
    assert "not 7" in found.remedy
    assert prose.check_text("a.rst", lines.replace("Line 3.", ""), RULES) == []


def test_pages_tutorials_and_modules_are_read():
    names = prose.checked_files()
    assert {"README.md", "doc/index.rst", "mne_duin/estimators/_vqvae.py"} <= {*names}
    assert any(name.startswith("tutorials/") for name in names)


def test_command_names_place_and_remedy(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(prose, "ROOT", tmp_path)
    (tmp_path / "page.rst").write_text("The file lies beside it.\n")
    assert prose.main(["page.rst"]) == 1
    assert "page.rst:1: 'beside'" in capsys.readouterr().out
    (tmp_path / "page.rst").write_text("The file lies next to it.\n")
    assert prose.main(["page.rst"]) == 0
