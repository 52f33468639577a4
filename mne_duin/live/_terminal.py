"""The newest results in the terminal, by rich."""

from mne_duin.live._status import describe_word

BAR = 24  # characters


class TerminalView:
    """Shows a status in the terminal until it is closed.

    Parameters
    ----------
    status : LiveStatus
        What to show.
    console : rich.console.Console | None
        Where to; None takes the terminal.
    """

    def __init__(self, status, console=None):
        try:
            from rich.live import Live
        except ImportError as error:
            raise ImportError(
                "The terminal view needs rich: pip install 'mne-duin[live]' (or rich)."
            ) from error
        self.status = status
        self._live = Live(draw(status), console=console, auto_refresh=False)
        self._live.start()

    def show(self):
        """Draw the status as it is now."""
        self._live.update(draw(self.status), refresh=True)

    def close(self):
        """Leave the last picture where it is."""
        self.show()
        self._live.stop()


def draw(status):
    """Return the status as a table of rich."""
    from rich.console import Group
    from rich.panel import Panel
    from rich.text import Text

    good = status.state == "running"
    head = Text.assemble(
        ("● ", "green" if good else "red"),
        (status.state, "bold"),
        f"   {status.stream}   {status.seconds:.1f} s",
    )
    parts = [head, _numbers(status)]
    if status.probabilities:
        parts.append(_bars(status))
    if status.words:
        parts.append(_words(status))
    parts.append(_contacts(status))
    return Panel(Group(*parts), title="mne-duin live", border_style="dim")


def _numbers(status):
    """Return latency and counts as one line."""
    from rich.text import Text

    counts = status.counts
    text = (
        f"decided {status.n_decided}   without a label {status.n_undecided}   "
        f"samples lost {counts.get('lost', 0)}"
    )
    if status.latencies:
        half, most = status.latency(50), status.latency(95)
        text += f"   latency {half:.0f} ms (95 %: {most:.0f} ms)"
    return Text(text, style="dim")


def _bars(status):
    """Return the newest probabilities as bars, the largest first."""
    from rich.table import Table

    table = Table(show_header=False, box=None, padding=(0, 1))
    pairs = sorted(
        zip(status.classes, status.probabilities, strict=True), key=lambda p: -p[1]
    )
    for number, (label, value) in enumerate(pairs[:10]):
        bar = "█" * round(BAR * value) or "▏"
        table.add_row(label, bar, f"{value:.2f}", style="bold" if not number else "")
    return table


def _words(status):
    """Return the last words as a table."""
    from rich.table import Table

    table = Table(box=None, padding=(0, 1), header_style="dim")
    for name in ("time (s)", "word", "probability", ""):
        table.add_column(name)
    for one in list(status.words)[-6:]:
        row = describe_word(one)
        value = row["probability"]
        table.add_row(
            f"{row['time']:.2f}",
            row["text"],
            "" if value is None else f"{value:.2f}",
            row["reason"] or "",
            style="" if row["reason"] is None else "yellow",
        )
    return table


def _contacts(status):
    """Return how many contacts are good, and the names of the others."""
    from rich.text import Text

    odd = [f"{n} {q}" for n, q in status.contacts.items() if q != "good"]
    n_good = len(status.contacts) - len(odd)
    text = f"contacts: {n_good} of {len(status.contacts)} good"
    if odd:
        more = f", … and {len(odd) - 10} more" if len(odd) > 10 else ""
        text += f"; {', '.join(odd[:10])}{more}"
    return Text(text, style="yellow" if odd else "dim")
