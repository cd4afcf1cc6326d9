"""The comparison of commit records with those of another revision."""

from tests import neutral


def test_equal_records_have_no_difference():
    assert neutral.first_difference(["a", "b"], ["a", "b"]) is None


def test_the_first_difference_is_shown_with_what_came_before():
    shown = neutral.first_difference(["a", "b", "c", "x"], ["a", "b", "d", "y"], around=1)
    assert shown == "record 2:\n  b\n- c\n+ d"


def test_a_missing_end_is_a_difference():
    assert neutral.first_difference(["a", "b"], ["a"]) == (
        "record 1:\n  a\n- b\n+ (no more records)")


def test_records_of_a_short_run_are_of_every_unit(tmp_path):
    neutral.dump(tmp_path / "records", 300)
    lines = (tmp_path / "records").read_text().splitlines()
    assert {line.split(" ")[0] for line in lines} == set(neutral.SIZES)
    units = {line.split(" unit=")[1].split(" ")[0] for line in lines}
    assert units == {"access", "ioapic", "bank", "evt", "lines", "msi", "dispatch"}
