"""The list of mutants: each can be made, and what they are judged by is there."""

import pytest

from tests import mutants
from tests.faults import MUTANTS, Mutant, MutantError
from tests.revisions import ROOT


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_text_is_there_once_and_is_replaced(mutant):
    text = (ROOT / "hdl" / "vapic" / mutant.file).read_text()
    assert mutant.apply(text) != text


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_its_block_has_tests(mutant):
    assert all((ROOT / path).exists() for path in mutants.BLOCKS[mutant.block])


@pytest.mark.parametrize("text", ["nothing", "a = 1\na = 1\n"])
def test_a_text_that_is_not_there_once_is_an_error(text):
    with pytest.raises(MutantError):
        Mutant("x.py", "a = 1", "a = 2", "wrong").apply(text)


def test_words_choose():
    assert {mutant.file for mutant in mutants.chosen(["rotation.py", "arbiter"])} == {
        "dispatch/rotation.py", "sources/arbiter.py"}
    assert mutants.chosen([]) == list(MUTANTS)
