"""The name of an analysis and of its files in a BIDS derivative dataset."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mne_duin.utils._checks import as_list

DERIVATIVE = Path("derivatives", "mne_duin")
LABEL = re.compile(r"[0-9A-Za-z]{1,64}")
MAX_REGIONS = 4


@dataclass(frozen=True)
class Analysis:
    """One analysis: where its files are and how they are named."""

    out: Path
    desc: str
    subject: str | None = None
    session: str | None = None
    task: str | None = None
    acquisition: str | None = None
    n_subjects: int | None = None

    @property
    def folder(self):
        """The folder of the files."""
        if self.subject is None:
            return Path(self.out, "group")
        session = () if self.session is None else (f"ses-{self.session}",)
        return Path(self.out, f"sub-{self.subject}", *session, "ieeg")

    @property
    def prefix(self):
        """What the names of all files begin with."""
        entities = {
            "sub": self.subject,
            "ses": self.session,
            "task": self.task,
            "acq": self.acquisition,
            "n": self.n_subjects,
            "desc": self.desc,
        }
        parts = [f"{key}-{label}" for key, label in entities.items() if label]
        return "_".join(["group", *parts] if self.subject is None else parts)

    def file_name(self, suffix, model=None):
        """Return the name of a file; ``suffix`` has its ending."""
        part = "" if model is None else f"_model-{slug(model)}"
        return f"{self.prefix}{part}_{suffix}"

    def path(self, suffix, model=None):
        """Return the path of a file; ``suffix`` has its ending."""
        return self.folder / self.file_name(suffix, model)

    @property
    def manifest(self):
        """The list of the files that the analysis wrote."""
        return self.path("manifest.json")


def default_out(root):
    """Return the derivative dataset of a BIDS dataset."""
    return Path(root) / DERIVATIVE


def name_analysis(out, paths, command, regions, desc=None):
    """Name the analysis of some recordings of one subject."""
    if desc is None:
        desc = default_desc(command, regions)
    return Analysis(
        out=Path(out),
        desc=check_desc(desc),
        subject=str(paths[0].subject),
        session=_only(paths, "session"),
        task=_only(paths, "task"),
        acquisition=_only(paths, "acquisition"),
    )


def _only(paths, entity):
    """Return an entity that all recordings have in common, else None."""
    found = {getattr(path, entity) for path in paths}
    return found.pop() if len(found) == 1 else None


def default_desc(command, regions):
    """Build the name of an analysis from the command and the regions."""
    names = list(regions) if isinstance(regions, Mapping) else as_list(regions)
    words = [_camel(name) for name in names]
    if len(words) > MAX_REGIONS:
        digest = digest_text("/".join(map(str, names)))
        words = [*words[: MAX_REGIONS - 1], digest[:6]]
    return (_camel(command, first=False) + ("".join(words) or "All"))[:64]


def digest_text(text):
    """Return the SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def _camel(text, *, first=True):
    """Join the words of a text as BIDS labels allow it."""
    words = re.findall(r"[0-9A-Za-z]+", str(text))
    joined = "".join(word[:1].upper() + word[1:] for word in words)
    return joined if first or not joined else joined[0].lower() + joined[1:]


def check_desc(desc):
    """Return a name of an analysis, if BIDS allows it."""
    desc = str(desc).removeprefix("desc-")
    if not LABEL.fullmatch(desc):
        raise ValueError(
            f"`desc` must be 1 to 64 letters and digits, as in file names of BIDS; got "
            f"{desc!r}."
        )
    return desc


def slug(name):
    """Return a name as letters and digits of a file name."""
    return "".join(re.findall(r"[0-9a-z]+", str(name).lower())) or "model"
