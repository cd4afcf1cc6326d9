"""Virtual local APICs as memory rows behind one pipeline.

`issue` begins an operation. The stages after it are in `subject` (1 to 3), `upcall` (4), `bitmaps`
(5) and `decide` (6); each takes a record of `operation` and hands one on, from registers.
"""
