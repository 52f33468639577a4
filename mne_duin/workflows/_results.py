"""Write results: predictions, scores and the report, each with its sidecar."""

from mne.utils import use_log_level, warn

from mne_duin.evaluation import (
    DecodingResult,
    compare_results,
    format_table,
    write_table,
)
from mne_duin.evaluation._files import extend_record
from mne_duin.utils._atomic import write_text
from mne_duin.workflows._derivative import write_columns


def write_results(folder, writer, results, *, main=False, more=None):
    """Write predictions and scores; a main result, the first, has no ``model-``."""
    more = {"Settings": writer.settings} if more is None else more
    for rank, (model, result) in enumerate(results.items()):
        own = None if main and rank == 0 else model
        path = folder / writer.analysis.file_name("predictions.json", own)
        result.save(path)
        if path.with_suffix(".tsv").exists():
            extend_record(path, Model=model, **more)
    scored = {n: r for n, r in results.items() if isinstance(r, DecodingResult)}
    if scored:
        path = folder / writer.analysis.file_name("metrics.tsv")
        write_scores(path, compare_results(scored), writer.settings)


def write_scores(path, table, settings):
    """Write a table of scores with its sidecar."""
    write_table(table, path)
    write_columns(path, table, {"Settings": settings})


def write_markdown(path, table):
    """Write a table for people."""
    write_text(path, format_table(table, "markdown"))


def write_report(path, draw):
    """Draw and write a report; where drawing fails, say so and go on."""
    try:
        report = draw()
        with use_log_level("WARNING"):
            report.save(path, overwrite=True, open_browser=False)
    except OSError:
        raise
    except Exception as error:
        # What was learned in hours is not lost to a picture.
        reason = " ".join(str(error).split())
        warn(
            f"The report could not be drawn ({type(error).__name__}: {reason:.200}); "
            "`mne-duin report` draws it from the files of the analysis."
        )
