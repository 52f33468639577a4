"""The contributions of several subjects on one brain."""

import numpy as np
import pandas as pd
import pytest

from mne_duin.utils._spaces import contact_positions
from mne_duin.viz import group_contributions, plot_group_contributions
from mne_duin.viz.brain._panels import paint_cortex
from mne_duin.viz.brain._surface import REACH, fine_hemisphere


@pytest.fixture
def cohort(make_contacts, rng):
    tables = {"01": make_contacts(2, 5), "02": make_contacts(3, 4, side=0)}
    values = {k: pd.Series(rng.random(len(t)), t.index) for k, t in tables.items()}
    return values, tables


def as_stack(values, tables):
    """The same as the tables of stack_subjects and of channel_contributions."""
    stacked, columns = {}, {}
    for name, table in tables.items():
        slots = [f"slot{i + 1:03d}" for i in range(len(table))]
        own = table.copy()
        own.insert(0, "contact", table.index)
        stacked[name] = own.set_axis(slots)
        columns[name] = values[name].set_axis(slots)
    return pd.DataFrame(columns), pd.concat(stacked, names=["subject", "slot"])


def test_every_subject_counts_alike(cohort):
    values, tables = cohort
    table = group_contributions(values, tables)
    largest = table.groupby("subject")["value"].max()
    assert largest.to_dict() == {"01": 1.0, "02": 1.0}
    bigger = group_contributions({"01": 7 * values["01"], "02": values["02"]}, tables)
    pd.testing.assert_series_equal(bigger["value"], table["value"])
    assert (table["weight"] == 1).all()


def test_accuracy_is_the_weight(cohort):
    values, tables = cohort
    plain = group_contributions(values, tables)
    weighted = group_contributions(values, tables, accuracy={"01": 0.5, "02": 0.25})
    factor = weighted["subject"].map({"01": 0.5, "02": 0.25})
    np.testing.assert_allclose(weighted["value"], plain["value"] * factor)
    series = pd.Series({"02": 0.25, "01": 0.5})
    again = group_contributions(values, tables, accuracy=series)
    pd.testing.assert_frame_equal(again, weighted)


def test_stacked_tables_say_the_same(cohort):
    values, tables = cohort
    expected = group_contributions(values, tables)
    frame, contacts = as_stack(values, tables)
    assert frame["01"].isna().sum() == 2
    found = group_contributions(frame, contacts)
    pd.testing.assert_frame_equal(found, expected, check_names=False)
    assert found.index.tolist() == [*tables["01"].index, *tables["02"].index]


def test_the_order_of_subjects_and_channels_does_not_matter(cohort):
    values, tables = cohort
    expected = group_contributions(values, tables).set_index("subject", append=True)
    mixed = {k: values[k].iloc[::-1] for k in ("02", "01")}
    found = group_contributions(mixed, tables).set_index("subject", append=True)
    pd.testing.assert_frame_equal(found.loc[expected.index], expected)


def test_the_planted_place_is_the_hottest_of_the_group(cohort):
    values, tables = cohort
    for name, planted in (("01", "A'5"), ("02", "A'4")):
        values[name][:] = 0.05
        values[name][planted] = 1.0
    table = group_contributions(values, tables)
    painted, counts, _, _ = paint_cortex(table["value"].to_numpy(), table)
    hottest = np.nanargmax(painted["l"])
    assert painted["l"][hottest] > 0.5
    place = fine_hemisphere("l")[0][hottest]
    distance = np.linalg.norm(contact_positions(table, "MNI305") - place, axis=1)
    assert table["value"].iloc[distance.argmin()] == 1
    assert counts["l"][hottest] == (distance <= REACH).sum()


@pytest.mark.slow
def test_picture_says_weights_and_numbers_of_contacts(cohort):
    values, tables = cohort
    figure = plot_group_contributions(
        values, tables, accuracy={"01": 0.7, "02": 0.4}, method="patterns",
        title="Two subjects", show=False,
    )  # fmt: skip
    figure.draw_without_rendering()
    labels = [axes.get_xlabel() for axes in figure.axes]
    assert "forward-model pattern, fraction of the largest × accuracy" in labels
    assert "contacts within 15 mm" in labels
    (bars,) = [a for a in figure.axes if a.get_xlabel() == "weight of the subject"]
    assert [t.get_text() for t in bars.get_yticklabels()] == [
        "01 (10 contacts)",
        "02 (12 contacts)",
    ]
    assert [bar.get_width() for bar in bars.patches] == [0.7, 0.4]
    assert figure.get_suptitle() == "Two subjects"


def test_without_template_coordinates_there_is_a_reason_and_no_brain(cohort):
    values, tables = cohort
    native = {k: t.assign(space="T1w") for k, t in tables.items()}
    figure = plot_group_contributions(values, native, show=False)
    assert "No brain is drawn: 22 contacts" in figure.axes[0].texts[0].get_text()


def test_zeros_and_padding(cohort):
    values, tables = cohort
    values["01"][:] = 0.0
    values["02"].iloc[0] = np.nan
    table = group_contributions(values, tables)
    assert (table.loc[table["subject"] == "01", "value"] == 0).all()
    assert len(table) == 21


def test_what_does_not_fit_is_refused(cohort):
    values, tables = cohort
    with pytest.raises(ValueError, match=r"same subjects; only one of them has \['02'"):
        group_contributions({"01": values["01"]}, tables)
    with pytest.raises(
        ValueError, match=r"`accuracy` and.*only one of them has \['02'"
    ):
        group_contributions(values, tables, accuracy={"01": 1.0})
    with pytest.raises(ValueError, match=r"`accuracy\['02'\]` must be at least 0 and"):
        group_contributions(values, tables, accuracy={"01": 1.0, "02": 55})
    with pytest.raises(
        ValueError, match=r"table of stack_subjects.*one level of index"
    ):
        group_contributions(values, tables["01"])
    with pytest.raises(TypeError, match="`contributions` must be DataFrame or Mapping"):
        group_contributions(np.ones(3), tables)
    with pytest.raises(ValueError, match=r"`contributions\['01'\]` has channels that"):
        group_contributions(values | {"01": pd.Series({"Z1": 1.0})}, tables)
