"""The comparison of outcomes with those of another revision."""

from collections import Counter
from types import SimpleNamespace

import pytest

from tests import outcomes
from tests.outcomes import Fate


def grant(target, cycle, *edges, start=1):
    return SimpleNamespace(record={"target": target}, cycle=cycle, edges=list(edges), start=start)


def edge(index, n, cycle):
    return SimpleNamespace(index=index, n=n, cycle=cycle)


def test_fates_of_all_kinds():
    edges = [edge(0, 3, 10), edge(1, 3, 12), edge(2, 4, 20), edge(3, 3, 30), edge(4, 3, 31)]
    grants = [grant(1, 22, edges[0], edges[1]), grant(2, 40, edges[2], start=0)]
    assert outcomes.fates(SimpleNamespace(edges=edges, grants=grants)) == [
        Fate("delivered", 1, None, 12), Fate("merged", 1, 0, 10), Fate("pending", 2, None, 20),
        Fate("pending"), Fate("merged", into=3)]


def test_a_grant_that_comes_later_is_the_same_outcome():
    result = outcomes.compare([Fate("delivered", 1, None, 12)], [Fate("delivered", 1, None, 15)])
    assert result.changed == [] and result.shifts == Counter({3: 1})


@pytest.mark.parametrize("now", [
    Fate("pending", 1, 0, 12), Fate("merged", 2, 0, 12), Fate("merged", 1, 4, 12)])
def test_outcome_target_and_merge_count(now):
    was = Fate("merged", 1, 0, 12)
    result = outcomes.compare([was, was], [was, now])
    assert result.changed == [(1, was, now)] and result.total == 2


def test_other_arrivals_cannot_be_compared():
    with pytest.raises(ValueError, match="1 arrivals are not 2"):
        outcomes.compare([Fate("pending")], [Fate("pending")] * 2)


def runs(*fates, lost=0):
    return [{"trace": "t", "policy": "pull", "lost": lost,
             "fates": [vars(fate) for fate in fates]}]


@pytest.mark.parametrize(("changed", "lost", "code"), [(1, 0, 0), (2, 0, 1), (0, 1, 1), (0, -1, 1)])
def test_one_in_a_hundred_may_differ_and_none_may_be_lost(changed, lost, code, capsys):
    was, now = Fate("delivered", 1, None, 12), Fate("delivered", 2, None, 13)
    before, after = runs(*[was] * 100), runs(*[now] * changed, *[was] * (100 - changed), lost=lost)
    assert outcomes.report(before, after, shown=1) == code
    text = capsys.readouterr().out
    assert f"all: {changed} of 100 arrivals have another outcome ({changed}.000%" in text
    assert (f"  arrival 1: {was} -> {now}, grant +1 cycles" in text) == (changed > 0)
    assert ("  and 1 more" in text) == (changed > 1)


def test_spread_of_shifts():
    assert outcomes.spread(Counter({3: 2, -1: 1})) == "-1..3 cycles, median 3 (+3: 2, -1: 1)"
    assert outcomes.spread(Counter()) == "nothing, as there are none"
