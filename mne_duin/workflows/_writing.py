"""Write the files of an analysis as one unit, never over anything else.

Files are made in a hidden folder, and a journal then moves them to their places. A
process that is killed leaves the earlier files, or a journal that the next start
completes; whatever the manifest of the analysis does not list is never touched.
"""

import hashlib
import json
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout
from mne.utils import logger, warn

from mne_duin.estimators._resume import changes
from mne_duin.utils._atomic import remove_partial, write_file, write_text
from mne_duin.utils._places import check_place
from mne_duin.workflows._derivative import (
    check_dataset,
    describe_dataset,
    manifest_of,
)

HIDDEN = ".mne_duin"
# As long as the longest name that a file of an analysis gets after its prefix.
LONGEST = "_model-duinnopretraining_predictions.json"


class AlreadyMadeError(FileExistsError):
    """An analysis is there already, made with the same settings."""

    def __init__(self, message, manifest):
        super().__init__(message)
        self.manifest = manifest


class AnalysisWriter:
    """Context in which one process, alone, learns and writes an analysis."""

    def __init__(self, analysis, root, settings, *, overwrite=False, repeat=False):
        self.analysis, self.root, self.settings = analysis, root, settings
        self.overwrite, self.repeat = overwrite, repeat
        self.folder = analysis.folder
        self.fell_back = False
        self._hidden = analysis.out / HIDDEN
        self._lock = FileLock(self._hidden / f"{analysis.prefix}.lock")
        self._made = []

    def __enter__(self):
        check_place(self.analysis.out, self.root)
        check_dataset(self.analysis.out)
        try:
            for folder in (self.folder, self._hidden):
                self._made += make_folder(folder)
                _probe(folder, self.analysis.prefix + LONGEST)
            self._take_lock()
            clear_leftovers(self.analysis.out, self.analysis.prefix)
            self._refuse_existing()
        except BaseException:
            self._leave()
            raise
        return self

    def __exit__(self, *error):
        self._leave()

    def _take_lock(self):
        """Take the lock of the analysis, or say that another process has it."""
        try:
            self._lock.acquire(timeout=0)
        except FileNotFoundError:
            # Another process has left the folder and removed it.
            self._hidden.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=0)
        except Timeout:
            raise BlockingIOError(
                f"Another process is writing the analysis {self.analysis.prefix!r} in "
                f"{str(self.analysis.out)!r}. Wait for it, or give this analysis "
                "another name (`desc`, --desc)."
            ) from None

    def _leave(self):
        """Release the lock; remove empty folders that were made here."""
        if self._lock.is_locked:
            try:
                Path(self._lock.lock_file).unlink(missing_ok=True)
            except OSError:
                logger.debug("The file of the lock stays.")
            finally:
                self._lock.release()
        for folder in [*reversed(self._made), self._hidden]:
            with suppress(OSError):
                folder.rmdir()

    def _refuse_existing(self):
        """Refuse to replace files that are not ours, or that nobody named."""
        analysis = self.analysis
        manifest = read_manifest(analysis)
        if manifest is None:
            foreign = [
                path.name for path in expected(analysis) if os.path.lexists(path)
            ]
            if foreign:
                raise FileExistsError(_foreign(foreign, self.folder))
            return
        changed = _changed_files(self.folder, manifest)
        if changed:
            raise FileExistsError(_foreign(changed, self.folder))
        earlier, now = manifest.get("Settings", {}), self.settings
        different = changes(what_matters(earlier), what_matters(now))
        if _is_another_dataset(earlier.get("root"), self.root):
            roots = f"root {str(earlier['root'])!r} -> {str(self.root)!r}"
            different = f"{roots}; {different}".removesuffix("; ")
        what = f"with other settings ({different})" if different else "already"
        if self.overwrite:
            logger.info(
                f"The analysis {analysis.prefix} was made {what}; replacing it."
            )
        elif different or not self.repeat:
            message = (
                f"The analysis {analysis.prefix!r} was made {what} in "
                f"{str(self.folder)!r}. Pass overwrite=True (--overwrite) to replace "
                "it, or another name (`desc`, --desc) to keep both."
            )
            if different:
                raise FileExistsError(message)
            raise AlreadyMadeError(message, analysis.manifest)

    def write(self, fill):
        """Let ``fill(folder)`` write files, and move them to their places.

        Where that fails, everything goes to another folder, which a warning names.
        Returns the folder.
        """
        stage = self._hidden / f"{self.analysis.prefix}.new"
        complete = False
        try:
            shutil.rmtree(stage, ignore_errors=True)
            stage.mkdir(parents=True)
            self._fill(stage, fill)
            complete = True
            describe_dataset(self.analysis.out, self.root)
            self._commit(stage)
        except OSError as error:
            self.folder = self._fall_back(stage if complete else None, fill, error)
            self.fell_back = True
        finally:
            if not _journal(self.analysis).exists():
                shutil.rmtree(stage, ignore_errors=True)
        return self.folder

    def _fill(self, folder, fill):
        """Write the files and the manifest into a folder."""
        fill(folder)
        digests = {path.name: digest_file(path) for path in sorted(folder.iterdir())}
        manifest = manifest_of(self.analysis, self.settings, digests)
        write_text(folder / self.analysis.manifest.name, manifest)

    def _commit(self, stage):
        """Put staged files in the place of those of the earlier analysis."""
        new = {path.name: digest_file(path) for path in sorted(stage.iterdir())}
        kept = _listed(self.analysis)
        foreign = [
            name for name in new if name not in kept and _is_there(self.folder / name)
        ]
        if foreign:
            raise FileExistsError(_foreign(foreign, self.folder))
        if kept == new or (self.repeat and _data_of(kept) == _data_of(new)):
            return
        if kept and not self.overwrite:
            raise FileExistsError(
                f"{self.folder} has this analysis already, with other results"
            )
        backup = stage.with_suffix(".old")
        shutil.rmtree(backup, ignore_errors=True)
        backup.mkdir()
        for name in kept:
            link_file(self.folder / name, backup / name)
        _flush(stage)
        remove = sorted(set(kept) - set(new))
        folder = self.folder.relative_to(self.analysis.out).as_posix()
        record = {"folder": folder, "new": new, "remove": remove, "had": sorted(kept)}
        try:
            write_text(_journal(self.analysis), json.dumps(record, indent=1))
            _roll_forward(self.analysis.out, self.analysis.prefix, record)
        except OSError:
            _roll_back(self.analysis.out, self.analysis.prefix, record)
            shutil.rmtree(backup, ignore_errors=True)
            raise
        except BaseException:
            _roll_forward(self.analysis.out, self.analysis.prefix, record)
            raise

    def _fall_back(self, complete, fill, reason):
        """Write everything to another folder than the one that was asked for."""
        for base in (Path.cwd(), Path.home(), Path(tempfile.gettempdir())):
            try:
                check_place(base, self.root)
                prefix = f"{self.analysis.prefix}-"
                folder = Path(tempfile.mkdtemp(prefix=prefix, dir=base))
            except (OSError, ValueError):
                continue
            try:
                if complete is None:
                    self._fill(folder, fill)
                else:
                    shutil.copytree(complete, folder, dirs_exist_ok=True)
            except OSError:
                shutil.rmtree(folder, ignore_errors=True)
                continue
            warn(
                f"Nothing could be written to {str(self.folder)!r} ({reason}). All "
                f"results are in {str(folder)!r}."
            )
            return folder
        raise reason


def what_matters(settings):
    """Return the settings without where it was computed."""
    return {k: v for k, v in settings.items() if k not in ("root", "device")}


def _is_another_dataset(before, now):
    """Return whether two BIDS folders differ; one that was moved does not."""
    if before is None or now is None:
        return False
    is_known = Path(before).is_absolute() and Path(before).is_dir()
    return is_known and not (Path(now).is_dir() and os.path.samefile(before, now))


def make_folder(folder):
    """Make a folder; return those that were missing, outermost first."""
    missing = []
    for place in (folder, *folder.parents):
        if os.path.lexists(place):
            break
        missing.insert(0, place)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unusable(folder, error) from error
    return missing


def _probe(folder, name):
    """Check that a file of that name can be written to a folder."""
    probe = folder / f".{name}"
    try:
        write_file(probe, b"mne_duin writes here\n")
        probe.unlink()
    except OSError as error:
        raise _unusable(folder, error) from error


def _unusable(folder, error):
    """Return the error that says why nothing can be written to a folder."""
    reason = error.strerror or str(error)
    place = folder.parent if folder.name == HIDDEN else folder
    return OSError(
        f"Results cannot be written to {str(place)!r} ({reason}). Choose another "
        "folder (`out`, --out)."
    )


def expected(analysis):
    """Return paths that every analysis writes, to find what others put there."""
    suffixes = (
        "predictions.tsv", "predictions.json", "metrics.tsv", "metrics.json",
        "contacts.tsv", "contacts.json", "config.yaml", "report.html", "manifest.json",
    )  # fmt: skip
    return [analysis.path(suffix) for suffix in suffixes]


def read_json(path):
    """Return what a JSON file holds, an empty dict where it holds no dict."""
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def read_manifest(analysis):
    """Return the manifest of an analysis, None where there is none."""
    manifest = read_json(analysis.manifest)
    files = manifest.get("Files")
    if not isinstance(files, dict):
        return None
    # A name that is no file of this analysis is none to replace or remove.
    begin = f"{analysis.prefix}_"
    own = {n: v for n, v in files.items() if n.startswith(begin) and Path(n).name == n}
    return manifest | {"Files": own}


def _listed(analysis):
    """Return name and digest of the earlier analysis' files that are unchanged."""
    manifest = read_manifest(analysis)
    if manifest is None:
        return {}
    own = analysis.manifest
    listed = manifest["Files"] | {own.name: digest_file(own)}
    return {
        name: digest
        for name, digest in listed.items()
        if digest is not None and digest_file(analysis.folder / name) == digest
    }


def _changed_files(folder, manifest):
    """Name the files of an analysis that somebody changed since."""
    return [
        name
        for name, value in manifest["Files"].items()
        if _is_there(folder / name) and digest_file(folder / name) != value
    ]


def _data_of(digests):
    """Return the digests of the files that hold results, not what describes them."""
    sidecars = (".json", ".yaml")
    return {n: v for n, v in digests.items() if not n.endswith(sidecars)}


def _is_there(path):
    return os.path.lexists(path)


def digest_file(path):
    """Return the SHA-256 of a file, None where there is none."""
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def _foreign(names, folder):
    """Say which files were not written by the analysis, or were changed since."""
    shown = ", ".join(names[:10])
    more = f" … and {len(names) - 10} more" if len(names) > 10 else ""
    return (
        f"{str(folder)!r} holds files that this analysis did not write, or that were "
        f"changed since: {shown}{more}. They are never replaced: move them, or give "
        "this analysis another name (`desc`, --desc)."
    )


def _journal(analysis):
    return analysis.out / HIDDEN / f"{analysis.prefix}.journal"


def link_file(source, target):
    """Give a file a second name; copy it where that is not possible."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _flush(folder):
    """Flush every file of a folder to the disk."""
    for path in folder.iterdir():
        with path.open("rb+") as file:
            os.fsync(file.fileno())


def _roll_forward(out, prefix, record):
    """Move the new files to their places, remove what is no more, forget the rest."""
    folder, stage = out / record["folder"], out / HIDDEN / f"{prefix}.new"
    folder.mkdir(parents=True, exist_ok=True)
    for name in record["new"]:
        if (stage / name).exists():
            os.replace(stage / name, folder / name)
    for name in record["remove"]:
        (folder / name).unlink(missing_ok=True)
    _forget(out, prefix)


def _roll_back(out, prefix, record):
    """Put the earlier files back, and the new ones to where they were made."""
    folder, hidden = out / record["folder"], out / HIDDEN
    stage, backup = hidden / f"{prefix}.new", hidden / f"{prefix}.old"
    for name, digest in record["new"].items():
        is_placed = not (stage / name).exists()
        if is_placed and digest_file(folder / name) == digest:
            os.replace(folder / name, stage / name)
    for name in record["had"]:
        if (backup / name).exists():
            os.replace(backup / name, folder / name)
    (hidden / f"{prefix}.journal").unlink(missing_ok=True)


def _forget(out, prefix):
    """Remove the journal, then what it was about."""
    hidden = out / HIDDEN
    (hidden / f"{prefix}.journal").unlink(missing_ok=True)
    for ending in ("new", "old"):
        shutil.rmtree(hidden / f"{prefix}.{ending}", ignore_errors=True)


def clear_leftovers(out, own=None):
    """Complete what killed processes left, of every analysis that is not at work."""
    hidden = Path(out) / HIDDEN
    if not hidden.is_dir():
        return
    endings = (".journal", ".new", ".old")
    found = {p.name.removesuffix(p.suffix) for p in hidden.iterdir()}
    for prefix in sorted(found):
        if not any((hidden / f"{prefix}{ending}").exists() for ending in endings):
            continue
        if prefix == own:
            _clear(out, prefix)
            continue
        with suppress(Timeout), FileLock(hidden / f"{prefix}.lock", timeout=0):
            _clear(out, prefix)
            with suppress(OSError):
                (hidden / f"{prefix}.lock").unlink()


def _clear(out, prefix):
    """Complete one analysis, or put its earlier files back."""
    hidden = out / HIDDEN
    journal = hidden / f"{prefix}.journal"
    remove_partial(hidden, journal.name)
    record = read_json(journal)
    if not record:
        _forget(out, prefix)
        return
    folder, stage = out / record["folder"], hidden / f"{prefix}.new"
    whole = all(
        digest in (digest_file(stage / name), digest_file(folder / name))
        for name, digest in record["new"].items()
    )
    (_roll_forward if whole else _roll_back)(out, prefix, record)
    _forget(out, prefix)
    how = "completed" if whole else "undone; the earlier one is whole"
    logger.info(f"The writing of {prefix}, which was interrupted, was {how}.")
