"""Find home-made terms in texts, docstrings, comments and messages.

``python tests/prose.py`` (part of ``make lint``) reads every page, tutorial and module.
For each term of ``tests/prose_vocabulary.tsv`` it prints file and line, the words and
what to write instead. The marker "prose: ok" on a line, on the line above it, or at the
end of a string in a module lets that text through.
"""

import io
import re
import subprocess
import sys
import tokenize
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
VOCABULARY = Path(__file__).with_name("prose_vocabulary.tsv")
MARKER = "prose: ok"
MAX_LINES = 6
PAGES = (".rst", ".md", ".txt")
SKIPPED = (
    "tests/data/",
    "sample_data/",
    "tests/prose",
    "tests/test_prose",
    "constraints",
    "mne_duin/datasets/sample_registry",
)
LICENSES = "LICENSE"
# What is no prose: literals, roles, placeholders, examples, heads of parameters.
LITERALS = re.compile(
    r"``.*?``|:[a-z:]+:`[^`]*`|`[^`\n]*`|\{[^{}]*\}|%\(\w+\)s|https?://\S+"
    r"|^\s*(>>>|\.\.\. ).*|^[\s\w,*]+ : .*|\w*_\w*"
)
CODE = re.compile(
    r"\s*\.\. (code-block|doctest|math|parsed-literal|toctree|autosummary|rst-class)::"
    r"|(?!\s*\.\. ).*::\s*$"
)
NO_PROSE = re.compile(r"\s*([.:*|+=#>$-]|\d+\.|\w.* : |$)")
NOTHING = re.compile(r"(?!)")


class Rule(NamedTuple):
    """One line of the vocabulary."""

    pattern: re.Pattern
    remedy: str
    gloss: re.Pattern


class Finding(NamedTuple):
    """One place that has to be rewritten."""

    path: str
    line: int
    words: str
    remedy: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.words!r}: write {self.remedy}"


def read_vocabulary(path=VOCABULARY):
    """Read the rules: pattern, remedy and, where a first use explains it, the gloss."""
    rows = [line.split("\t") for line in path.read_text().splitlines()[1:] if line]
    return [
        Rule(
            re.compile(pattern, re.IGNORECASE),
            remedy,
            re.compile(gloss[0], re.IGNORECASE) if gloss else NOTHING,
        )
        for pattern, remedy, *gloss in rows
    ]


def page_lines(text):
    """Return the lines of a page, and None for each line of code."""
    lines, inside, fenced, indent = [], False, False, 0
    for line in text.splitlines():
        depth = len(line) - len(line.lstrip())
        is_fence = line.lstrip().startswith("```")
        if inside and line.strip() and depth <= indent:
            inside = False
        if inside or fenced or is_fence:
            lines.append(None if line.strip() else "")
            fenced ^= is_fence
            continue
        if CODE.match(line):
            inside, indent = True, depth
        lines.append(None if line.lstrip().startswith(".. ") and inside else line)
    return lines


def code_lines(text):
    """Return the prose of a module by line: comments, and strings of several words."""
    original = [*text.splitlines(), ""]
    lines = [""] * len(original)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        is_comment = token.type == tokenize.COMMENT
        kinds = (tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING))
        if not is_comment and token.type not in kinds:
            continue
        if not is_comment and " " not in token.string.strip():
            continue
        # The marker after the end of a long string holds for all of it.
        ending = original[token.end[0] - 1]
        if not is_comment and MARKER in ending:
            continue
        for offset, line in enumerate(token.string.splitlines()):
            lines[token.start[0] - 1 + offset] += " " + line.lstrip("# ")
    return lines


def find_terms(path, text, rules):
    """Return what the vocabulary finds in one file."""
    is_page = path.endswith(PAGES)
    lines = page_lines(text) if is_page else code_lines(text)
    lines = [line or "" for line in lines]
    original, found, explained = text.splitlines(), [], set()
    any_term = re.compile("|".join(rule.pattern.pattern for rule in rules), re.I)
    for index, line in enumerate(lines):
        has_gloss = is_page or "tutorials/" in path
        if not has_gloss and not any_term.search(line):
            continue
        near = original[max(index - 1, 0) : index + 1]
        if any(MARKER in other for other in near):
            continue
        prose = LITERALS.sub("", line)
        for rule in rules:
            # The next line belongs to the sentence in which a term is explained.
            context = " ".join(lines[index : index + 2])
            if rule in explained or rule.gloss.search(context):
                explained.add(rule)
                continue
            if rule.gloss is not NOTHING and not has_gloss:
                continue
            match = rule.pattern.search(prose)
            if match:
                found.append(Finding(path, index + 1, match[0].strip(), rule.remedy))
    return found


def find_forms(path, text):
    """Return sentences without a subject after a code block, and long paragraphs."""
    if not path.endswith(PAGES):
        return []
    found, paragraph, before = [], [], ""
    for number, line in enumerate([*page_lines(text), ""], 1):
        if line and line.strip():
            paragraph.append(line.strip())
            continue
        first, start = (paragraph or [""])[0], number - len(paragraph)
        if before is None and re.match(r"[a-z]+s?\b", first):
            remedy = "a subject of its own (“This script …”), not the code above"
            found.append(Finding(path, start, first[:40], remedy))
        if len(paragraph) > MAX_LINES and not NO_PROSE.match(first):
            remedy = f"paragraphs of at most {MAX_LINES} lines, not {len(paragraph)}"
            found.append(Finding(path, start, first[:40], remedy))
        before = paragraph[-1] if paragraph else before
        before = None if line is None else before
        paragraph = []
    return found


def check_text(path, text, rules):
    """Return everything that is to be rewritten in one file."""
    return find_terms(path, text, rules) + find_forms(path, text)


def checked_files(root=ROOT):
    """Return the files of the repository that have prose."""
    listing = subprocess.run(
        ["git", "ls-files"], cwd=root, capture_output=True, text=True, check=True
    )
    return [
        name
        for name in listing.stdout.splitlines()
        if name.endswith((*PAGES, ".py"))
        and not name.startswith(SKIPPED)
        and LICENSES not in name
    ]


def main(names=()):
    """Print what is found; return 1 if anything is."""
    rules = read_vocabulary()
    found = [
        finding
        for name in names or checked_files()
        for finding in check_text(name, (ROOT / name).read_text("utf-8"), rules)
    ]
    for finding in found:
        sys.stdout.write(f"{finding}\n")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
