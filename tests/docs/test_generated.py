"""Pages and pictures that the project makes are as it would make them now."""

import gc
import re
from dataclasses import replace

import pytest

from docs import area, budget, figures, reference
from vapic_boards.table import Row, write_table


def test_pages_are_current():
    """``make docs`` writes them."""
    for path, text in reference.pages().items():
        assert path.read_text() == text, f"{path.name} is out of date: make docs"


@pytest.mark.simulates
def test_picture_is_current():
    waves = figures.interrupt()
    page = figures.PAGE.read_text()
    assert figures.fill(page, "interrupt", figures.table(waves)) == page, "make docs"
    assert figures.PICTURE.read_text() == figures.draw(waves), "make docs"


@pytest.mark.simulates
def test_lengths_are_current():
    page = budget.PAGE.read_text()
    assert figures.fill(page, "accesses", budget.table(budget.measure())) == page, "make docs"


@pytest.mark.filterwarnings("ignore::amaranth.hdl.UnusedElaboratable")
@pytest.mark.parametrize("block", reference.BLOCKS, ids=[b.__name__ for b in reference.BLOCKS])
def test_every_port_is_described(block):
    """And nothing else is."""
    sizes = (1,) if block.__name__ == "SourceArbiter" else ()
    ports = block(reference.CONFIG, *sizes).signature
    gc.collect()
    named = [name for member in reference.members(block) for name in member.names.split(", ")]
    assert sorted(named) == sorted(ports.members)


def test_picture_tells_a_cycle():
    waves = figures.Waves({"a<b": [0, 1, 1]}, {"commit records": ["", "START", ""]},
                          {name: 1 for name, *_ in figures._EVENTS})
    waves.boxes |= {figures._SELECTION: ["", "C0", ""], figures._PIPELINE: ["", "", "0"]}
    picture = figures.draw(waves)
    assert picture.startswith("<svg ") and "a&lt;b" in picture
    assert re.search(r'<polyline class="wave" points="\S+(,\S+)+', picture)
    assert picture.count('class="box"') == 3


def test_area_without_measurements(tmp_path):
    assert "`make resources`" in area.area_table(tmp_path / "none.csv")


def test_area_has_every_row(tmp_path):
    path = tmp_path / "some.csv"
    placed = Row("bank", "vcpus=16", "F", 1234, 2000, 56, 7, 8, 9, 81.25, 1.5, "1 2", "T 1",
                 "vapic timing", "0")
    write_table(path, [placed, replace(placed, block="evtchn", fmax_mhz=0.0, seeds="")])
    text = area.area_table(path)
    assert "| bank | vcpus=16 | 1,234 | 56 | 7 | 8 | 9 | 81.2 (spread 1.5) | 1 2 |\n" in text
    assert "| evtchn | vcpus=16 | 1,234 | 56 | 7 | 8 | 9 | not placed |  |\n" in text
    assert text.endswith("Measured with: F, T 1.\n")


def test_fill():
    page = "x\n<!-- n: written by a -->\nold\n<!-- end -->\ny\n"
    assert figures.fill(page, "n", "new\n") == page.replace("old", "new")
    with pytest.raises(AssertionError):
        figures.fill(page, "m", "new\n")
