"""Files that a thing takes, counted from diffs and from the tree."""

import pytest

from tests.seams import THINGS, Thing, naming, touched

DIFF = """diff --git a/hdl/a.py b/hdl/a.py
--- a/hdl/a.py
+++ b/hdl/a.py
@@ -1 +1,2 @@
-old = 1
+new = Red()
diff --git a/hdl/b.py b/hdl/b.py
--- a/hdl/b.py
+++ b/hdl/b.py
@@ -1 +0,0 @@
+register("RED")
diff --git a/hdl/red.py b/hdl/red.py
--- a/hdl/red.py
+++ b/hdl/red.py
@@ -1 +0,0 @@
+blue = 2
"""


def test_lines_count_not_names_of_files():
    assert touched(Thing("red", (), "red", "", 1), [DIFF]) == ["hdl/a.py", "hdl/b.py"]


def test_lines_of_another_thing_do_not():
    assert touched(Thing("red", (), "red", "register", 1), [DIFF, DIFF]) == ["hdl/a.py"]


@pytest.mark.parametrize("thing", THINGS[:3], ids=lambda thing: thing.name)
def test_policy_and_registers_take_no_more_files_than_meant(thing):
    files = naming(thing)
    assert 1 < len(files) <= thing.target, files
